/* SPDX-License-Identifier: MIT */
#include "api/common/cached.h"

#include <stdio.h>

#include "api/exchange/parts.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "control/observe/observer.h"

/* What stands in the cache of an observation is a mark: that it was made, and of what. Each good
 * survey puts one. The snapshot itself is the observer's. A read whose mark is there and young
 * enough is answered at once; any other loads the mark, and to load is to have the observer look.
 */

static const struct api_cacheable *const row = &api_cacheable_table[API_CACHEABLE_INSTANCES];

struct cache_snapshot *api_cached_snapshot(const struct api_exchange *x)
{
    return ctl_observer_snapshot(x->context->observer);
}

static bool is_known(const struct cache_snapshot *s)
{
    return cache_snapshot_is_observed(s) || cache_snapshot_count(s) > 0;
}

static struct blob *make_mark(const struct cache_snapshot *s)
{
    char text[160];
    int n = snprintf(text, sizeof(text), "{\"instances\":%u,\"etag\":%s}",
                     (unsigned)cache_snapshot_count(s), cache_snapshot_etag(s));
    return blob_copy(text, (size_t)n);
}

/* UINT64_MAX: a former process saw it, and nobody knows when. */
static uint64_t age_ms(const struct cache_snapshot *s)
{
    if (cache_snapshot_is_observed(s))
        return cache_snapshot_age_ms(s, clock_mono_ms());
    if (cache_snapshot_observed_wall_ms(s) == 0)
        return UINT64_MAX;
    int64_t age = clock_wall_ms() - cache_snapshot_observed_wall_ms(s);
    return age > 0 ? (uint64_t)age : 0;
}

void api_cached_put_observation(const struct api_context *c)
{
    const struct cache_snapshot *s = ctl_observer_snapshot(c->observer);
    uint64_t age = age_ms(s);
    /* What the database remembered will do until the first look is over, which is under way. */
    if (is_known(s))
        (void)cache_results_put(c->results, row->key, &row->policy, make_mark(s),
                                age == UINT64_MAX ? 0 : age);
}

/* --- a load: one look at the instances --- */

struct looking {
    struct ctl_observer *observer;
    struct cache_load *load;
};

static void on_looked(void *arg, int status)
{
    struct looking *looking = arg;
    const struct cache_snapshot *s = ctl_observer_snapshot(looking->observer);
    cache_load_end(looking->load, status, status < 0 ? NULL : make_mark(s), age_ms(s));
    mem_free(looking);
}

/* Who did not ask for an age has no use for what is known, or it would be in the cache; but while
 * that is no good, any look under way is better. */
static uint64_t max_age_ms(const struct looking *looking)
{
    uint64_t asked_ms = cache_load_max_age_ms(looking->load);
    bool is_good = ctl_observer_verdict(looking->observer)->status == 0 &&
                   cache_snapshot_is_observed(ctl_observer_snapshot(looking->observer));
    return asked_ms == UINT64_MAX && is_good ? 0 : asked_ms;
}

static void look(void *arg, const char *key, struct cache_load *load)
{
    struct looking *looking = mem_new(struct looking);
    (void)key;
    *looking = (struct looking){arg, load};
    (void)ctl_observer_want(looking->observer, max_age_ms(looking), on_looked, looking);
}

/* --- waiting for it --- */

static void respond_verdict(struct api_exchange *x, int status)
{
    const struct ctl_survey_verdict *v = ctl_observer_verdict(x->context->observer);
    if (status == UV_ECANCELED || v->status == 0) {
        api_respond_code(x, API_STOPPING, "The service is stopping and looks no more.");
        return;
    }
    struct api_problem problem;
    api_problem_foreign(&problem, status == UV_ETIMEDOUT ? 504 : 503, v->code, v->detail);
    problem.is_retryable = true;
    problem.retry_ms = v->retry_ms;
    api_respond_problem(x, &problem);
}

static void on_result(void *arg, const struct cache_result *result)
{
    struct api_exchange *x = arg;
    bool is_asked_for = x->is_live;
    http_exchange_woken(&x->http);
    x->outcome = result->outcome;
    x->is_live = result->outcome == CACHE_MISS || result->outcome == CACHE_BYPASS;
    if (result->status < 0) {
        if (is_asked_for || result->status == UV_ECANCELED || !is_known(api_cached_snapshot(x))) {
            respond_verdict(x, result->status);
            return;
        }
        /* Nothing better is to be had, and the answer says so. */
        x->outcome = CACHE_STALE;
        x->is_live = false;
    }
    x->answer(x);
}

static void cancel(void *wait)
{
    cache_results_cancel(wait);
}

static void time_up(struct http_exchange *h)
{
    struct api_exchange *x = api_exchange_of(h);
    if (api_exchange_is_stopping(x))
        api_respond_code(x, API_STOPPING, "The service is stopping.");
    else
        api_respond_code(x, API_LDCONSOLE_TIMED_OUT,
                         "No survey of the instances ended in time; see GET /api/health.");
}

static const struct http_wait result_wait = {.is_long = true, .cancel = cancel, .time_up = time_up};

/* With an age nothing older is a substitute. */
static void fetch(struct api_exchange *x, uint64_t max_age_ms)
{
    const struct cache_fetch fetch = {
        .key = row->key,
        .policy = &row->policy,
        .max_age_ms = max_age_ms,
        .load = look,
        .load_arg = x->context->observer,
        .done = on_result,
        .arg = x,
    };
    x->is_live = max_age_ms != UINT64_MAX;
    http_exchange_wait(&x->http, &result_wait, x->server->options.first_survey_ms);
    http_exchange_wait_for(&x->http, cache_results_fetch(x->context->results, &fetch));
}

/* --- reads --- */

static bool is_cached(const struct api_exchange *x, uint64_t max_age_ms)
{
    uint64_t unused_ms;
    if (max_age_ms != UINT64_MAX &&
        cache_snapshot_age_ms(api_cached_snapshot(x), clock_mono_ms()) > max_age_ms)
        return false;
    return cache_results_get(x->context->results, row->key, &unused_ms) != NULL;
}

void api_cached_instances(struct api_exchange *x, const struct api_stages *stages)
{
    uint64_t max_age_ms;
    if ((stages->check && !stages->check(x)) || !api_cached_max_age(x, &max_age_ms))
        return;
    x->answer = stages->answer;
    /* After a look that was no good only another one tells how things are. */
    if (max_age_ms != UINT64_MAX && ctl_observer_verdict(x->context->observer)->status != 0)
        max_age_ms = 0;
    if (max_age_ms == 0 || !is_cached(x, max_age_ms)) {
        fetch(x, max_age_ms);
        return;
    }
    x->outcome = cache_snapshot_stale_reason(api_cached_snapshot(x)) ? CACHE_STALE : CACHE_HIT;
    x->is_live = false;
    x->answer(x);
}

void api_cached_known_instances(struct api_exchange *x, const struct api_stages *stages)
{
    if (stages->check && !stages->check(x))
        return;
    x->answer = stages->answer;
    if (is_known(api_cached_snapshot(x)))
        x->answer(x);
    else
        fetch(x, UINT64_MAX);
}

void api_cached_snapshot_headers(struct api_exchange *x, const struct cache_snapshot *s)
{
    api_cached_headers(x, age_ms(s));
}
