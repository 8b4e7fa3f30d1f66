/* SPDX-License-Identifier: MIT */
#include "api/common/fresh.h"

#include <stdio.h>
#include <string.h>

#include "api/common/cacheable.h"
#include "api/common/kept.h"
#include "api/http/server_state.h"
#include "base/system/clock.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "control/observe/observer.h"

static const struct api_cacheable *const row = &api_cacheable_table[API_CACHEABLE_INSTANCES];

struct cache_snapshot *api_fresh_snapshot(const struct api_exchange *x)
{
    return ctl_observer_snapshot(x->context->observer);
}

static bool is_known(const struct cache_snapshot *s)
{
    return cache_snapshot_is_observed(s) || cache_snapshot_count(s) > 0;
}

/* --- the observation in the result cache --- */

/* What is kept of an observation: that it was made, and of what. */
static struct blob *make_mark(const struct cache_snapshot *s)
{
    char text[160];
    int n = snprintf(text, sizeof(text), "{\"instances\":%u,\"etag\":%s}",
                     (unsigned)cache_snapshot_count(s), cache_snapshot_etag(s));
    return blob_copy(text, (size_t)n);
}

static void keep_observation(struct api_server *server)
{
    const struct api_context *c = &server->context;
    (void)cache_results_put(c->results, row->key, &row->policy,
                            make_mark(ctl_observer_snapshot(c->observer)), row->dependencies);
}

static void on_survey(void *arg)
{
    struct api_server *server = arg;
    if (ctl_observer_verdict(server->context.observer)->status == 0)
        keep_observation(server);
}

void api_fresh_start(struct api_server *server)
{
    server->on_survey = (struct ctl_survey_listener){.fn = on_survey, .arg = server};
    ctl_observer_listen(server->context.observer, &server->on_survey);
    /* What the database remembered warms the cache. */
    if (is_known(ctl_observer_snapshot(server->context.observer)))
        keep_observation(server);
}

void api_fresh_stop(struct api_server *server)
{
    ctl_observer_unlisten(&server->on_survey);
}

struct looking {
    struct ctl_observer *observer;
    struct cache_load *load;
};

static void on_looked(void *arg, int status)
{
    struct looking *looking = arg;
    struct blob *mark = status < 0 ? NULL : make_mark(ctl_observer_snapshot(looking->observer));
    cache_load_end(looking->load, status, mark, row->dependencies);
    mem_free(looking);
}

/* A load: one look at the instances. */
static void look(void *arg, const char *key, struct cache_load *load)
{
    struct looking *looking = mem_new(struct looking);
    (void)key;
    *looking = (struct looking){arg, load};
    (void)ctl_observer_want(looking->observer, 0, on_looked, looking);
}

/* --- waiting for it --- */

static void respond_trouble(struct api_exchange *x, int status)
{
    const struct ctl_survey_verdict *t = ctl_observer_verdict(x->context->observer);
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

static void on_result(void *arg, const struct cache_result *result)
{
    struct api_exchange *x = arg;
    bool is_asked_for = x->is_live;
    x->waiting = NULL;
    api_exchange_unwait(x);
    x->outcome = result->outcome;
    x->is_live = result->outcome == CACHE_MISS || result->outcome == CACHE_BYPASS;
    if (result->status == 0) {
        x->then(x);
    } else if (is_asked_for || result->status == UV_ECANCELED || !is_known(api_fresh_snapshot(x))) {
        respond_trouble(x, result->status);
    } else {
        /* Nothing better is to be had, and the answer says so. */
        x->outcome = CACHE_STALE;
        x->is_live = false;
        x->then(x);
    }
}

static void on_time(struct api_exchange *x)
{
    cache_results_cancel(x->waiting);
    x->waiting = NULL;
    if (api_exchange_is_stopping(x))
        api_respond_code(x, API_STOPPING, "The service is stopping.");
    else
        api_respond_code(x, API_LDCONSOLE_TIMED_OUT,
                         "No survey of the instances ended in time; see GET /api/health.");
}

static void on_gone(struct api_exchange *x)
{
    cache_results_cancel(x->waiting);
    api_exchange_drop(x);
}

/* IS_BYPASS: what is kept does not count, and nothing old is a substitute. */
static void fetch(struct api_exchange *x, bool is_bypass)
{
    struct cache_fetch fetch = {
        .key = row->key,
        .policy = &row->policy,
        .is_bypass = is_bypass,
        .load = look,
        .load_arg = x->context->observer,
        .done = on_result,
        .arg = x,
    };
    x->is_live = is_bypass;
    /* First the wait, then the wish: the wish may be answered within the call. */
    api_exchange_wait(x, x->server->options.first_survey_ms, on_time, on_gone);
    struct cache_wait *wait = cache_results_fetch(x->context->results, &fetch);
    if (wait)
        x->waiting = wait;
}

static bool is_kept(struct api_exchange *x, uint64_t max_age_ms)
{
    uint64_t unused_ms;
    const struct cache_snapshot *s = api_fresh_snapshot(x);
    if (max_age_ms != UINT64_MAX && (ctl_observer_verdict(x->context->observer)->status != 0 ||
                                     cache_snapshot_age_ms(s, clock_mono_ms()) > max_age_ms))
        return false;
    return cache_results_get(x->context->results, row->key, &unused_ms) != NULL;
}

static void use_kept(struct api_exchange *x)
{
    x->outcome = cache_snapshot_stale_reason(api_fresh_snapshot(x)) ? CACHE_STALE : CACHE_HIT;
    x->is_live = false;
    x->then(x);
}

void api_fresh_get(struct api_exchange *x, void (*then)(struct api_exchange *x))
{
    uint64_t max_age_ms;
    x->then = then;
    if (!api_kept_max_age(x, &max_age_ms))
        return;
    if (max_age_ms > 0 && is_kept(x, max_age_ms))
        use_kept(x);
    else
        fetch(x, max_age_ms != UINT64_MAX);
}

void api_fresh_any(struct api_exchange *x, void (*then)(struct api_exchange *x))
{
    x->then = then;
    if (is_known(api_fresh_snapshot(x)))
        then(x);
    else
        fetch(x, false);
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
    api_kept_headers(x, age_ms(s));
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
