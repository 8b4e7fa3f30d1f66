/* SPDX-License-Identifier: MIT */
#include "cache/results/results_private.h"

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"

enum {
    SWEEP_EVERY_MS = 30000,
    SWEEP_PLACES = 4096, /* in one turn of the loop */
    SWEEP_PAUSE_MS = 10,
    MAX_FAILURES = 1000,
    MAX_FAILURE_BYTES = 1 << 20
};

const char *cache_outcome_name(enum cache_outcome outcome)
{
    static const char *const names[] = {
        [CACHE_HIT] = "HIT",
        [CACHE_MISS] = "MISS",
        [CACHE_STALE] = "STALE",
        [CACHE_BYPASS] = "BYPASS",
    };
    return names[outcome];
}

/* --- life --- */

static void on_sweep(uv_timer_t *timer)
{
    struct cache_results *r = container_of(timer, struct cache_results, sweep);
    bool is_complete = cache_lru_sweep(r->memory, cache_results_now(r), SWEEP_PLACES);
    uv_timer_start(timer, on_sweep, is_complete ? SWEEP_EVERY_MS : SWEEP_PAUSE_MS, 0);
}

static void start_sweep(struct cache_results *r)
{
    uv_timer_init(&r->loop->uv, &r->sweep);
    uv_timer_start(&r->sweep, on_sweep, SWEEP_EVERY_MS, 0);
    uv_unref((uv_handle_t *)&r->sweep);
    r->n_open++;
}

struct cache_results *cache_results_new(struct loop *loop, struct cache_tier *tier,
                                        const struct cache_results_options *options)
{
    static const struct cache_limits failure_limits = {
        .max_entries = MAX_FAILURES, .max_bytes = MAX_FAILURE_BYTES, .ttl_ms = 1};
    struct cache_results *r = mem_new(struct cache_results);
    r->loop = loop;
    r->options = *options;
    r->memory = cache_lru_new(&options->limits);
    r->failures = cache_lru_new(&failure_limits);
    map_init(&r->states);
    map_init(&r->loads);
    start_sweep(r);
    r->tier = tier;
    r->n_open += tier != NULL;
    return r;
}

void cache_results_settle(struct cache_results *r)
{
    if (!r->is_closing || r->n_open > 0)
        return;
    void (*on_closed)(void *arg) = r->on_closed;
    void *arg = r->on_closed_arg;
    cache_lru_free(r->memory);
    cache_lru_free(r->failures);
    cache_results_free_states(r);
    map_deinit(&r->loads);
    mem_free(r);
    on_closed(arg);
}

static void on_part_closed(void *arg)
{
    struct cache_results *r = arg;
    r->n_open--;
    cache_results_settle(r);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_part_closed(container_of((uv_timer_t *)handle, struct cache_results, sweep));
}

void cache_results_close(struct cache_results *r, void (*on_closed)(void *arg), void *arg)
{
    r->is_closing = true;
    r->on_closed = on_closed;
    r->on_closed_arg = arg;
    cache_load_cancel_waits(r);
    struct cache_tier *tier = take_ptr(r->tier);
    if (tier)
        tier->ops->close(tier, on_part_closed, r);
    uv_close((uv_handle_t *)&r->sweep, on_timer_closed);
}

/* --- keeping --- */

static bool is_key(const char *key)
{
    size_t len = strlen(key);
    return len > 0 && len <= CACHE_KEY_MAX && !str_has_controls(key);
}

uint64_t cache_results_stale_ms(const struct cache_policy *policy)
{
    return policy->stale_ms > policy->error_ms ? policy->stale_ms : policy->error_ms;
}

int cache_results_keep(struct cache_results *r, const char *key, const struct cache_policy *policy,
                       struct blob *value, uint64_t age_ms)
{
    struct blob *held cleanup(blob_unrefp) = value;
    if (!r->options.is_enabled || r->is_closing)
        return UV_ECANCELED;
    struct cache_item item = {
        .key = key,
        .value = blob_ref(held),
        .age_ms = age_ms,
        .ttl_ms = policy->ttl_ms ? policy->ttl_ms : r->options.limits.ttl_ms,
        .stale_ms = cache_results_stale_ms(policy),
        .tags = policy->dependencies,
    };
    (void)cache_lru_remove(r->failures, key);
    int status = cache_lru_put(r->memory, &item, cache_results_now(r));
    if (policy->is_local)
        return status;
    if (status == 0)
        cache_results_tier_put(r, &item);
    else
        cache_results_tier_forget_key(r, key);
    return status;
}

int cache_results_put(struct cache_results *r, const char *key, const struct cache_policy *policy,
                      struct blob *value, uint64_t age_ms)
{
    if (!is_key(key)) {
        blob_unref(value);
        return UV_EINVAL;
    }
    struct cache_load *load = cache_load_find(r, key);
    if (load)
        load->is_outdated = true;
    return cache_results_keep(r, key, policy, value, age_ms);
}

/* --- asking --- */

struct blob *cache_results_get(struct cache_results *r, const char *key, uint64_t *ret_age_ms)
{
    uint64_t now_ms = cache_results_now(r);
    const struct cache_lru_entry *e = cache_lru_try(r->memory, key, now_ms);
    if (!e)
        return NULL;
    r->stats.hits++;
    *ret_age_ms = cache_lru_entry_age_ms(e, now_ms);
    return e->value;
}

void cache_results_answer(struct cache_results *r, const struct cache_result *result,
                          cache_result_fn done, void *arg)
{
    uint64_t *const counts[] = {
        [CACHE_HIT] = &r->stats.hits,
        [CACHE_MISS] = &r->stats.misses,
        [CACHE_STALE] = &r->stats.stale,
        [CACHE_BYPASS] = &r->stats.bypassed,
    };
    ++*counts[result->outcome];
    done(arg, result);
}

int cache_results_failure(struct cache_results *r, const char *key)
{
    int status = 0;
    const struct cache_lru_entry *e = cache_lru_peek(r->failures, key, cache_results_now(r));
    if (e)
        memcpy(&status, e->value->data, sizeof(status));
    return status;
}

struct cache_result cache_results_bridge(struct cache_results *r, const char *key,
                                         const struct cache_policy *policy, int status)
{
    uint64_t now_ms = cache_results_now(r);
    struct cache_lru_entry *e = cache_lru_peek(r->memory, key, now_ms);
    bool is_fresh = e && (int64_t)now_ms < e->fresh_until;
    if (!e || (!is_fresh && cache_lru_entry_stale_ms(e, now_ms) >= policy->error_ms))
        return (struct cache_result){.outcome = cache_results_loaded(r, UINT64_MAX),
                                     .status = status};
    cache_lru_use(r->memory, e, now_ms);
    return (struct cache_result){
        .outcome = is_fresh ? CACHE_HIT : CACHE_STALE,
        .value = blob_ref(e->value),
        .age_ms = cache_lru_entry_age_ms(e, now_ms),
    };
}

enum cache_outcome cache_results_loaded(const struct cache_results *r, uint64_t max_age_ms)
{
    return max_age_ms == UINT64_MAX && r->options.is_enabled ? CACHE_MISS : CACHE_BYPASS;
}

static void answer_failure(struct cache_results *r, const struct cache_fetch *fetch, int status)
{
    struct cache_result result = {.outcome = CACHE_BYPASS, .status = status};
    if (fetch->max_age_ms == UINT64_MAX)
        result = cache_results_bridge(r, fetch->key, fetch->policy, status);
    cache_results_answer(r, &result, fetch->done, fetch->arg);
    blob_unref(result.value);
}

/* The load is made before the answer, because FETCH may be gone with it, and begins after it. */
static void answer_entry(struct cache_results *r, const struct cache_fetch *fetch,
                         const struct cache_lru_entry *e, enum cache_outcome outcome)
{
    uint64_t now_ms = cache_results_now(r);
    struct blob *value cleanup(blob_unrefp) = blob_ref(e->value);
    struct cache_result result = {
        .outcome = outcome, .value = value, .age_ms = cache_lru_entry_age_ms(e, now_ms)};
    struct cache_load *refresh = NULL;
    if (outcome == CACHE_STALE && !cache_load_find(r, fetch->key) &&
        cache_results_failure(r, fetch->key) == 0)
        refresh = cache_load_new(r, fetch);
    cache_results_answer(r, &result, fetch->done, fetch->arg);
    if (refresh)
        cache_load_begin(refresh);
}

static bool has_younger(struct cache_results *r, const struct cache_fetch *fetch)
{
    uint64_t now_ms = cache_results_now(r);
    const struct cache_lru_entry *e = cache_lru_peek(r->memory, fetch->key, now_ms);
    return e && cache_results_is_young(cache_lru_entry_age_ms(e, now_ms), fetch->max_age_ms);
}

static bool answer_from_memory(struct cache_results *r, const struct cache_fetch *fetch)
{
    uint64_t now_ms = cache_results_now(r);
    if (fetch->max_age_ms != UINT64_MAX && !has_younger(r, fetch))
        return false;
    struct cache_lru_entry *e = cache_lru_get(r->memory, fetch->key, now_ms);
    if (e) {
        answer_entry(r, fetch, e, CACHE_HIT);
        return true;
    }
    if (fetch->max_age_ms != UINT64_MAX)
        return false;
    e = cache_lru_peek(r->memory, fetch->key, now_ms);
    if (e && cache_lru_entry_stale_ms(e, now_ms) < fetch->policy->stale_ms) {
        cache_lru_use(r->memory, e, now_ms);
        answer_entry(r, fetch, e, CACHE_STALE);
        return true;
    }
    int status = cache_results_failure(r, fetch->key);
    if (status == 0)
        return false;
    answer_failure(r, fetch, status);
    return true;
}

static struct cache_wait *wait_for_load(struct cache_results *r, const struct cache_fetch *fetch)
{
    struct cache_load *load = cache_load_find(r, fetch->key);
    if (load && load->n_waiting >= r->options.max_waiters) {
        r->stats.refused++;
        answer_failure(r, fetch, UV_EBUSY);
        return NULL;
    }
    if (load) {
        r->stats.coalesced++;
        return cache_load_join(load, fetch);
    }
    load = cache_load_new(r, fetch);
    struct cache_wait *wait = cache_load_join(load, fetch);
    wait->in_call = &wait;
    if (fetch->max_age_ms == 0)
        cache_load_begin(load);
    else
        cache_load_ask(load);
    if (wait)
        wait->in_call = NULL;
    return wait;
}

static void refuse(const struct cache_fetch *fetch, int status)
{
    fetch->done(fetch->arg, &(struct cache_result){.outcome = CACHE_MISS, .status = status});
}

struct cache_wait *cache_results_fetch(struct cache_results *r, const struct cache_fetch *fetch)
{
    if (!is_key(fetch->key))
        refuse(fetch, UV_EINVAL);
    else if (r->is_closing)
        refuse(fetch, UV_ECANCELED);
    else if (!answer_from_memory(r, fetch))
        return wait_for_load(r, fetch);
    return NULL;
}

/* --- options and figures --- */

void cache_results_configure(struct cache_results *r, const struct cache_results_options *options)
{
    r->options = *options;
    cache_lru_configure(r->memory, &options->limits);
    if (options->is_enabled)
        return;
    (void)cache_lru_clear(r->memory);
    (void)cache_lru_clear(r->failures);
}

const struct cache_results_options *cache_results_options(const struct cache_results *r)
{
    return &r->options;
}

struct cache_results_stats cache_results_stats(const struct cache_results *r)
{
    struct cache_results_stats stats = r->stats;
    stats.memory = cache_lru_stats(r->memory);
    return stats;
}

void cache_results_reset_stats(struct cache_results *r)
{
    cache_lru_reset_stats(r->memory);
    r->stats = (struct cache_results_stats){
        .loading = r->stats.loading,
        .waiting = r->stats.waiting,
    };
}

const struct cache_lru *cache_results_memory(const struct cache_results *r)
{
    return r->memory;
}

const struct cache_tier *cache_results_tier(const struct cache_results *r)
{
    return r->tier;
}
