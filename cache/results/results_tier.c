/* SPDX-License-Identifier: MIT */
#include "cache/results/results_private.h"

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "cache/results/envelope.h"
#include "cache/results/glob.h"

/* --- to the tier --- */

void cache_results_tier_put(struct cache_results *r, const struct cache_item *item)
{
    if (!r->tier)
        return;
    struct blob *sealed cleanup(blob_unrefp) = cache_envelope_seal(item->value, item->tags);
    r->tier->ops->put(r->tier, item->key, sealed, item->ttl_ms, item->ttl_ms + item->stale_ms);
}

void cache_results_tier_forget(struct cache_results *r, const char *key_pattern)
{
    if (r->tier)
        r->tier->ops->invalidate(r->tier, key_pattern);
}

void cache_results_tier_forget_key(struct cache_results *r, const char *key)
{
    if (!r->tier)
        return;
    char *pattern cleanup(mem_freep) = cache_glob_escape(key);
    cache_results_tier_forget(r, pattern);
}

void cache_results_tier_forget_dependency(struct cache_results *r, const char *name)
{
    const char *rule;
    if (!r->tier)
        return;
    char *escaped cleanup(mem_freep) = cache_glob_escape(name);
    char *pattern cleanup(mem_freep) = mem_printf("@%s", escaped);
    /* A name that cannot be told takes everything with it. */
    cache_results_tier_forget(r, cache_glob_check(pattern, &rule) == 0 ? pattern : "*");
}

/* --- from the tier --- */

/* An item with its times as those of an entry. */
struct arrival {
    struct blob *value;
    const char **names;
    bool is_fresh;
    uint64_t over_ms; /* beyond its TTL */
};

static void arrival_deinit(struct arrival *a)
{
    blob_unref(a->value);
    mem_free(a->names);
}

/* Whether it can still be used after what has changed since it was made. What was made before we
 * listened may be outdated: it counts as too old since we do. */
static bool judge(const struct cache_results *r, const struct cache_tier_item *item,
                  struct arrival *a)
{
    uint64_t now_ms = cache_results_now(r);
    int64_t made_at = (int64_t)now_ms - (int64_t)item->age_ms;
    const char *const *names = (const char *const *)a->names;
    struct cache_change_time last = cache_changes_last(r->changes, names);
    if (last.sequence > 0 && made_at <= (int64_t)last.at_ms)
        return false;
    if (a->is_fresh && *names && made_at < (int64_t)r->tier_trusted_ms) {
        a->is_fresh = false;
        a->over_ms = now_ms - r->tier_trusted_ms;
    }
    return true;
}

static int keep(struct cache_load *load, const struct cache_tier_item *item,
                const struct arrival *a)
{
    uint64_t left_ms = item->left_ms > item->fresh_ms ? item->left_ms - item->fresh_ms : 0;
    struct cache_item kept = {
        .key = load->key,
        .value = blob_ref(a->value),
        .age_ms = item->age_ms,
        .ttl_ms = item->age_ms + item->fresh_ms,
        .ahead_ms = load->policy.ahead_ms,
        .stale_ms = left_ms,
        .tags = (const char *const *)a->names,
    };
    if (!a->is_fresh) {
        kept.ttl_ms = item->age_ms > a->over_ms ? item->age_ms - a->over_ms : 1;
        kept.stale_ms = a->over_ms + item->left_ms;
    }
    return cache_lru_put(load->r->memory, &kept, cache_results_now(load->r));
}

bool cache_results_tier_take(struct cache_load *load, const struct cache_tier_item *item,
                             struct cache_result *ret)
{
    struct cache_results *r = load->r;
    struct arrival a cleanup(arrival_deinit) = {0};
    if (!item || item->left_ms == 0 || load->outdated_sequence || !r->options.is_enabled)
        return false;
    if (cache_envelope_open(item->value, &a.value, &a.names) < 0)
        return false;
    uint64_t stale_ms = cache_results_stale_ms(&load->policy);
    a.is_fresh = item->fresh_ms > 0;
    if (!a.is_fresh && item->left_ms < stale_ms)
        a.over_ms = stale_ms - item->left_ms;
    if (!judge(r, item, &a))
        return false;
    (void)keep(load, item, &a);
    if (!a.is_fresh && a.over_ms >= load->policy.stale_ms)
        return false;
    *ret = (struct cache_result){
        .outcome = a.is_fresh ? CACHE_HIT : CACHE_STALE,
        .value = blob_ref(a.value),
        .age_ms = item->age_ms,
    };
    return true;
}
