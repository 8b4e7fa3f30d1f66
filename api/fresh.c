/* SPDX-License-Identifier: MIT */
#include "api/fresh.h"

#include <stdio.h>
#include <string.h>

#include "api/input.h"
#include "api/server_state.h"
#include "base/clock.h"
#include "base/str.h"
#include "control/observer.h"

enum { API_MAX_AGE_LIMIT = 86400000 };

struct cache_snapshot *api_fresh_snapshot(const struct api_exchange *x)
{
    return ctl_observer_snapshot(x->context->observer);
}

static void respond_trouble(struct api_exchange *x, int status)
{
    const struct ctl_observer_trouble *t = ctl_observer_trouble(x->context->observer);
    if (status == UV_ECANCELED || t->status == 0) {
        api_respond_code(x, API_STOPPING, "The service is stopping and looks no more.");
        return;
    }
    struct api_problem problem;
    api_problem_foreign(&problem, status == UV_ETIMEDOUT ? 504 : 503, t->code, t->detail);
    problem.is_retryable = true;
    problem.retry_ms = t->retry_ms;
    api_respond_problem(x, &problem);
}

static void on_fresh(void *arg, int status)
{
    struct api_exchange *x = arg;
    /* Without a handle yet, this is still inside the wish: what there was is young enough. */
    x->is_live = x->waiting != NULL;
    x->waiting = NULL;
    api_exchange_unwait(x);
    if (status < 0)
        respond_trouble(x, status);
    else
        x->then(x);
}

static void on_time(struct api_exchange *x)
{
    ctl_observer_cancel_want(x->waiting);
    x->waiting = NULL;
    if (api_exchange_is_stopping(x))
        api_respond_code(x, API_STOPPING, "The service is stopping.");
    else
        api_respond_code(x, API_LDCONSOLE_TIMED_OUT,
                         "No survey of the instances ended in time; see GET /api/health.");
}

static void on_gone(struct api_exchange *x)
{
    ctl_observer_cancel_want(x->waiting);
    api_exchange_drop(x);
}

static void want(struct api_exchange *x, uint64_t max_age_ms)
{
    /* First the wait, then the wish: the wish may be answered within the call. */
    api_exchange_wait(x, x->server->options.first_survey_ms, on_time, on_gone);
    void *handle = ctl_observer_want(x->context->observer, max_age_ms, on_fresh, x);
    if (handle)
        x->waiting = handle;
}

void api_fresh_get(struct api_exchange *x, void (*then)(struct api_exchange *x))
{
    const struct cache_snapshot *s = api_fresh_snapshot(x);
    bool is_known = cache_snapshot_is_observed(s) || cache_snapshot_count(s) > 0;
    uint64_t max_age_ms;
    x->then = then;
    if (x->request.n_query == 0 && is_known) {
        then(x);
        return;
    }
    if (!api_input_number(x, "max_age_ms", 0, API_MAX_AGE_LIMIT, UINT64_MAX, &max_age_ms))
        return;
    if (max_age_ms != UINT64_MAX)
        want(x, max_age_ms);
    else if (is_known)
        then(x);
    else
        want(x, UINT64_MAX - 1);
}

static uint64_t age_ms(const struct cache_snapshot *s)
{
    if (cache_snapshot_is_observed(s))
        return cache_snapshot_age_ms(s, clock_mono_ms());
    int64_t age = clock_wall_ms() - cache_snapshot_observed_wall_ms(s);
    return age > 0 ? (uint64_t)age : 0;
}

void api_fresh_headers(struct api_exchange *x, const struct cache_snapshot *s)
{
    const char *cache = x->is_live ? "MISS" : cache_snapshot_stale_reason(s) ? "STALE" : "HIT";
    api_exchange_header(x, "X-Cache", cache);
    api_exchange_header_number(x, "Age", age_ms(s) / 1000);
}

static enum api_ref found(const struct cache_entry *entry, const struct cache_entry **ret)
{
    *ret = entry;
    return entry ? API_REF_FOUND : API_REF_MISSING;
}

enum api_ref api_ref_find(const struct cache_snapshot *s, const char *ref,
                          const struct cache_entry **ret)
{
    uint64_t index;
    size_t n;
    if (str_parse_u64(ref, INT32_MAX, &index) == 0)
        return found(cache_snapshot_by_index(s, (int)index), ret);
    if (!str_has_prefix(ref, "name:"))
        return found(cache_snapshot_by_id(s, ref), ret);
    *ret = cache_snapshot_by_name(s, ref + 5, &n);
    if (n > 1)
        return API_REF_AMBIGUOUS;
    return *ret ? API_REF_FOUND : API_REF_MISSING;
}

void api_ref_explain(enum api_ref outcome, const char *ref, struct api_problem *problem,
                     char *detail, size_t size)
{
    char shown[120];
    str_copy(shown, sizeof(shown), ref);
    if (outcome == API_REF_AMBIGUOUS) {
        snprintf(detail, size, "Several instances are called '%s'; use an index or an id.",
                 shown + 5);
        api_problem_init(problem, API_NAME_NOT_UNIQUE, detail);
    } else {
        snprintf(detail, size,
                 "'%s' is neither the index nor the id of an instance; a name is written "
                 "name:TITLE.",
                 shown);
        api_problem_init(problem, API_INSTANCE_NOT_FOUND, detail);
    }
}
