/* SPDX-License-Identifier: MIT */
#include "cache/results/results_private.h"

#include <assert.h>
#include <string.h>

#include "base/memory/mem.h"

/*      new -> ask -> the tier has it ------------------------------> gone
 *       |      |  \                                               ^
 *       |      |   too old, or a reader wants none that is kept   |
 *       |      v    v                                             |
 *       +----> begin -> cache_load_end ---------------------------+
 *                ^          |
 *                +----------+ readers are left that came after an invalidation, which came after
 *                             the load began
 *
 * There is one load of a key at any time, so a source is never asked for more, and nobody waits for
 * more than two. */

struct cache_load *cache_load_find(const struct cache_results *r, const char *key)
{
    struct map_node *node = map_find(&r->loads, key);
    return node ? container_of(node, struct cache_load, by_key) : NULL;
}

struct cache_load *cache_load_new(struct cache_results *r, const struct cache_fetch *fetch)
{
    size_t len = strlen(fetch->key);
    struct cache_load *load = mem_alloc(sizeof(*load) + len + 1);
    memcpy(load->key, fetch->key, len);
    load->r = r;
    load->policy = *fetch->policy;
    load->fn = fetch->load;
    load->arg = fetch->load_arg;
    list_init(&load->waits);
    map_insert(&r->loads, &load->by_key, load->key);
    r->n_open++;
    return load;
}

static void drop(struct cache_load *load)
{
    struct cache_results *r = load->r;
    map_remove(&r->loads, &load->by_key);
    mem_free(load);
    r->n_open--;
    cache_results_settle(r);
}

/* --- those who wait --- */

struct cache_wait *cache_load_join(struct cache_load *load, const struct cache_fetch *fetch)
{
    struct cache_wait *wait = mem_new(struct cache_wait);
    wait->r = load->r;
    wait->load = load;
    wait->sequence = load->r->sequence;
    wait->is_bypass = fetch->is_bypass;
    wait->done = fetch->done;
    wait->arg = fetch->arg;
    list_append(&load->waits, &wait->link);
    load->n_waiting++;
    load->r->stats.waiting++;
    return wait;
}

static void leave_load(struct cache_wait *wait)
{
    list_unlink(&wait->link);
    if (!wait->load)
        return;
    wait->load->n_waiting--;
    wait->load = NULL;
}

void cache_results_cancel(struct cache_wait *wait)
{
    leave_load(wait);
    wait->r->stats.waiting--;
    mem_free(wait);
}

/* Takes those off the load who came before SEQUENCE, and of them those that a kept value is good
 * enough for when WITH_BYPASS is false. They can still be cancelled. */
static void take_waits(struct cache_load *load, uint64_t sequence, bool with_bypass,
                       struct list *taken)
{
    list_foreach(item, &load->waits) {
        struct cache_wait *wait = list_entry(item, struct cache_wait, link);
        if (wait->sequence >= sequence || (wait->is_bypass && !with_bypass))
            continue;
        leave_load(wait);
        list_append(taken, &wait->link);
    }
}

static void answer_wait(struct cache_wait *wait, struct cache_result result)
{
    struct cache_wait copy = *wait;
    if (wait->in_call)
        *wait->in_call = NULL;
    cache_results_cancel(wait);
    cache_results_answer(copy.r, &result, copy.done, copy.arg);
}

/* Whoever is called may cancel any of the others. */
static void answer_waits(struct list *taken, const struct cache_result *result, int status)
{
    while (!list_is_empty(taken)) {
        struct cache_wait *wait = list_entry(taken->next, struct cache_wait, link);
        struct cache_result bypass = {.outcome = CACHE_BYPASS, .status = status};
        if (status == 0)
            bypass.value = result->value;
        answer_wait(wait, wait->is_bypass ? bypass : *result);
    }
}

void cache_load_cancel_waits(struct cache_results *r)
{
    struct list taken;
    list_init(&taken);
    for (struct map_node *node = NULL; (node = map_next(&r->loads, node));)
        take_waits(container_of(node, struct cache_load, by_key), UINT64_MAX, true, &taken);
    struct cache_result result = {.outcome = CACHE_MISS, .status = UV_ECANCELED};
    answer_waits(&taken, &result, result.status);
}

/* --- the second tier --- */

static void on_tier(void *arg, const struct cache_tier_item *item)
{
    struct cache_load *load = arg;
    struct cache_result result;
    struct list taken;
    if (!cache_results_tier_take(load, item, &result)) {
        cache_load_begin(load);
        return;
    }
    list_init(&taken);
    load->r->stats.tier_hits += load->n_waiting;
    take_waits(load, UINT64_MAX, false, &taken);
    load->r->stats.tier_hits -= load->n_waiting;
    answer_waits(&taken, &result, 0);
    blob_unref(result.value);
    if (result.outcome == CACHE_STALE || load->n_waiting > 0)
        cache_load_begin(load);
    else
        drop(load);
}

void cache_load_ask(struct cache_load *load)
{
    struct cache_tier *tier = load->r->tier;
    if (tier && load->r->options.is_enabled && !load->policy.is_local)
        tier->ops->get(tier, load->key, on_tier, load);
    else
        cache_load_begin(load);
}

/* --- the load itself --- */

void cache_load_begin(struct cache_load *load)
{
    struct cache_results *r = load->r;
    if (r->is_closing) {
        drop(load);
        return;
    }
    load->began_ms = cache_results_now(r);
    load->began_sequence = r->sequence;
    load->outdated_sequence = 0;
    r->stats.loading++;
    r->stats.refreshes += load->n_waiting == 0;
    load->fn(load->arg, load->key, load);
}

static void count_end(struct cache_load *load, int status)
{
    struct cache_results_stats *stats = &load->r->stats;
    uint64_t ms = cache_results_now(load->r) - load->began_ms;
    stats->loading--;
    stats->loads++;
    stats->failed_loads += status < 0;
    stats->load_ms += ms;
    if (ms > stats->max_load_ms)
        stats->max_load_ms = ms;
}

/* The first invalidation since the load began of its key or of what it was made from; 0 = none.
 * Of a dependency only the last change is known, so it is taken for the earliest one that can be:
 * who came after that one waits again, perhaps for nothing. */
static uint64_t first_invalidation(const struct cache_load *load, const char *const *dependencies)
{
    if (cache_changes_last(load->r->changes, dependencies).sequence > load->began_sequence)
        return load->began_sequence + 1;
    return load->outdated_sequence;
}

static void remember_failure(const struct cache_load *load, int status)
{
    struct cache_item item = {
        .key = load->key,
        .ttl_ms = load->policy.failure_ms,
    };
    if (item.ttl_ms == 0 || status == UV_ECANCELED || !load->r->options.is_enabled)
        return;
    item.value = blob_copy(&status, sizeof(status));
    (void)cache_lru_put(load->r->failures, &item, cache_results_now(load->r));
}

/* What those who waited get. What is outdated by now is for nobody else. */
static struct cache_result conclude(struct cache_load *load, int status, struct blob *value,
                                    const char *const *dependencies, bool is_outdated)
{
    struct cache_results *r = load->r;
    if (status < 0) {
        if (!is_outdated)
            remember_failure(load, status);
        return cache_results_bridge(r, load->key, &load->policy, status);
    }
    if (!is_outdated)
        (void)cache_results_keep(r, load->key, &load->policy, blob_ref(value), dependencies);
    return (struct cache_result){.outcome = CACHE_MISS, .value = value};
}

bool cache_load_is_in_vain(const struct cache_load *load)
{
    return load->r->is_closing;
}

void cache_load_end(struct cache_load *load, int status, struct blob *value,
                    const char *const *dependencies)
{
    struct list taken;
    assert(status <= 0 && (status == 0) == (value != NULL));
    count_end(load, status);
    if (load->r->is_closing) {
        blob_unref(value);
        drop(load);
        return;
    }
    uint64_t first = first_invalidation(load, dependencies);
    struct cache_result result = conclude(load, status, value, dependencies, first > 0);
    list_init(&taken);
    take_waits(load, first > 0 && status == 0 ? first : UINT64_MAX, true, &taken);
    if (load->n_waiting > 0)
        cache_load_begin(load);
    else
        drop(load);
    answer_waits(&taken, &result, status);
    blob_unref(result.value);
}
