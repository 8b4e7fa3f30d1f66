/* SPDX-License-Identifier: MIT */
#include "cache/results/results_private.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

/*      new -> ask -> the tier has it ------------------------------> gone
 *       |      |  \                                               ^
 *       |      |   too old for somebody                           |
 *       |      v    v                                             |
 *       +----> begin -> cache_load_end ---------------------------+
 *                ^          |
 *                +----------+ the next round: for those who came too late for this one, because it
 *                             had begun before an invalidation, or earlier than they ask for
 *
 * There is one load of a key at any time, so a source is never asked for more, and nobody waits for
 * more than two rounds. */

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

/* Whether the round under way, or to come, answers who asks for MAX_AGE_MS now. */
static bool will_do(const struct cache_load *load, uint64_t max_age_ms)
{
    uint64_t age_ms = cache_results_now(load->r) - load->began_ms;
    if (load->round == 0)
        return true;
    if (load->is_outdated)
        return false;
    return max_age_ms == UINT64_MAX ||
           (load->max_age_ms < UINT64_MAX - age_ms &&
            cache_results_is_young(age_ms + load->max_age_ms, max_age_ms));
}

struct cache_wait *cache_load_join(struct cache_load *load, const struct cache_fetch *fetch)
{
    struct cache_wait *wait = mem_new(struct cache_wait);
    wait->r = load->r;
    wait->load = load;
    wait->round = load->round + !will_do(load, fetch->max_age_ms);
    wait->max_age_ms = fetch->max_age_ms;
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

/* They can still be cancelled. */
static void take(struct cache_wait *wait, struct list *taken)
{
    leave_load(wait);
    list_append(taken, &wait->link);
}

/* Those whom ROUND of LOAD does for. */
static void take_round(struct cache_load *load, unsigned round, struct list *taken)
{
    list_foreach(item, &load->waits) {
        struct cache_wait *wait = list_entry(item, struct cache_wait, link);
        if (wait->round <= round)
            take(wait, taken);
    }
}

/* Those who are content with RESULT, which was kept. */
static void take_content(struct cache_load *load, const struct cache_result *result,
                         struct list *taken)
{
    list_foreach(item, &load->waits) {
        struct cache_wait *wait = list_entry(item, struct cache_wait, link);
        if (wait->max_age_ms == UINT64_MAX ||
            (result->outcome == CACHE_HIT &&
             cache_results_is_young(result->age_ms, wait->max_age_ms)))
            take(wait, taken);
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

/* Whoever is called may cancel any of the others. MADE: what those get who asked for an age; NULL =
 * as all. */
static void answer_waits(struct list *taken, const struct cache_result *result,
                         const struct cache_result *made)
{
    while (!list_is_empty(taken)) {
        struct cache_wait *wait = list_entry(taken->next, struct cache_wait, link);
        answer_wait(wait, made && wait->max_age_ms != UINT64_MAX ? *made : *result);
    }
}

void cache_load_cancel_waits(struct cache_results *r)
{
    struct list taken;
    list_init(&taken);
    for (struct map_node *node = NULL; (node = map_next(&r->loads, node));)
        take_round(container_of(node, struct cache_load, by_key), UINT_MAX, &taken);
    const struct cache_result result = {.outcome = CACHE_MISS, .status = UV_ECANCELED},
                              made = {.outcome = CACHE_BYPASS, .status = UV_ECANCELED};
    answer_waits(&taken, &result, &made);
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
    take_content(load, &result, &taken);
    load->r->stats.tier_hits -= load->n_waiting;
    answer_waits(&taken, &result, NULL);
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

static uint64_t smallest_max_age(const struct cache_load *load)
{
    uint64_t smallest = UINT64_MAX;
    list_foreach(item, &load->waits) {
        const struct cache_wait *wait = list_entry(item, struct cache_wait, link);
        if (wait->max_age_ms < smallest)
            smallest = wait->max_age_ms;
    }
    return smallest;
}

void cache_load_begin(struct cache_load *load)
{
    struct cache_results *r = load->r;
    if (r->is_closing) {
        drop(load);
        return;
    }
    load->round++;
    load->began_ms = cache_results_now(r);
    load->max_age_ms = smallest_max_age(load);
    load->is_outdated = false;
    r->stats.loading++;
    r->stats.refreshes += load->n_waiting == 0;
    load->fn(load->arg, load->key, load);
}

uint64_t cache_load_max_age_ms(const struct cache_load *load)
{
    return load->max_age_ms;
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

/* What those get who did not ask for an age. What is outdated by now is for nobody else. */
static struct cache_result conclude(struct cache_load *load, const struct cache_result *made)
{
    struct cache_results *r = load->r;
    if (made->status < 0) {
        if (!load->is_outdated)
            remember_failure(load, made->status);
        return cache_results_bridge(r, load->key, &load->policy, made->status);
    }
    if (!load->is_outdated)
        (void)cache_results_keep(r, load->key, &load->policy, blob_ref(made->value), made->age_ms);
    struct cache_result result = *made;
    result.outcome = cache_results_loaded(r, UINT64_MAX);
    result.value = blob_ref(made->value);
    return result;
}

bool cache_load_is_in_vain(const struct cache_load *load)
{
    return load->r->is_closing;
}

void cache_load_end(struct cache_load *load, int status, struct blob *value, uint64_t age_ms)
{
    struct list taken;
    struct blob *held cleanup(blob_unrefp) = value;
    uint64_t own_age_ms = cache_results_now(load->r) - load->began_ms;
    assert(status <= 0 && (status == 0) == (value != NULL));
    count_end(load, status);
    if (load->r->is_closing) {
        drop(load);
        return;
    }
    const struct cache_result made = {
        .outcome = CACHE_BYPASS,
        .status = status,
        .value = held,
        .age_ms = age_ms > own_age_ms ? age_ms : own_age_ms,
    };
    struct cache_result result = conclude(load, &made);
    list_init(&taken);
    take_round(load, load->round, &taken);
    if (load->n_waiting > 0)
        cache_load_begin(load);
    else
        drop(load);
    answer_waits(&taken, &result, &made);
    blob_unref(result.value);
}
