/* SPDX-License-Identifier: MIT */
#include "cache/results/results_private.h"

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "cache/results/glob.h"

/* --- to the tier --- */

void cache_results_tier_put(struct cache_results *r, const struct cache_item *item)
{
    if (!r->tier)
        return;
    const struct cache_tier_item kept = {
        .value = item->value,
        .age_ms = item->age_ms,
        .ttl_ms = item->ttl_ms,
        .stale_ms = item->stale_ms,
        .made_from = cache_results_state_of(r, item->tags),
    };
    r->tier->ops->put(r->tier, item->key, &kept);
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

/* --- from the tier --- */

/* What was made from another state is as if it were not there; what is loaded takes its place. */
static bool is_usable(const struct cache_load *load, const struct cache_tier_item *item)
{
    const struct cache_results *r = load->r;
    return item && !load->is_outdated && r->options.is_enabled &&
           item->age_ms < item->ttl_ms + item->stale_ms &&
           item->made_from == cache_results_state_of(r, load->policy.dependencies);
}

bool cache_results_tier_take(struct cache_load *load, const struct cache_tier_item *item,
                             struct cache_result *ret)
{
    if (!is_usable(load, item))
        return false;
    const struct cache_item kept = {
        .key = load->key,
        .value = blob_ref(item->value),
        .age_ms = item->age_ms,
        .ttl_ms = item->ttl_ms,
        .stale_ms = item->stale_ms,
        .tags = load->policy.dependencies,
    };
    (void)cache_lru_put(load->r->memory, &kept, cache_results_now(load->r));
    bool is_fresh = item->age_ms < item->ttl_ms;
    if (!is_fresh && item->age_ms - item->ttl_ms >= load->policy.stale_ms)
        return false;
    *ret = (struct cache_result){
        .outcome = is_fresh ? CACHE_HIT : CACHE_STALE,
        .value = blob_ref(item->value),
        .age_ms = item->age_ms,
    };
    return true;
}
