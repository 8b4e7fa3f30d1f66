/* SPDX-License-Identifier: MIT */
#include "cache/results/results_private.h"

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "cache/results/glob.h"

/* Each invalidation has a number. A load compares it with the one it began at, a reader with the
 * one it came at. */

static size_t count_forgotten(struct cache_results *r, size_t n)
{
    r->stats.invalidated += n;
    return n;
}

/* In this process alone. */
static size_t forget_pattern(struct cache_results *r, const char *pattern)
{
    r->sequence++;
    for (struct map_node *node = NULL; (node = map_next(&r->loads, node));) {
        if (cache_glob_match(pattern, node->key))
            cache_load_outdate(container_of(node, struct cache_load, by_key));
    }
    (void)cache_lru_invalidate(r->failures, pattern);
    return cache_lru_invalidate(r->memory, pattern);
}

size_t cache_results_invalidate(struct cache_results *r, const char *pattern)
{
    const char *rule;
    if (cache_glob_check(pattern, &rule) < 0)
        return 0;
    cache_results_tier_forget(r, pattern);
    return count_forgotten(r, forget_pattern(r, pattern));
}

size_t cache_results_clear(struct cache_results *r)
{
    cache_results_tier_forget(r, "*");
    return count_forgotten(r, forget_pattern(r, "*"));
}

/* What a remembered failure depends on is not known. */
static void note_change(struct cache_results *r, const char *name)
{
    struct cache_change_time time = {++r->sequence, cache_results_now(r)};
    cache_changes_note(r->changes, name, time);
    (void)cache_lru_clear(r->failures);
}

size_t cache_results_invalidate_dependency(struct cache_results *r, const char *name)
{
    size_t n = 0;
    note_change(r, name);
    for (const struct cache_lru_entry *e; (e = cache_lru_tagged(r->memory, name)); n++) {
        cache_results_tier_forget_key(r, e->by_key.key);
        (void)cache_lru_remove(r->memory, e->by_key.key);
    }
    cache_results_tier_forget_dependency(r, name);
    return count_forgotten(r, n);
}

static void hear_dependency(struct cache_results *r, const char *pattern)
{
    char *name cleanup(mem_freep) = cache_glob_unescape(pattern);
    if (!name)
        return;
    note_change(r, name);
    r->stats.invalidated += cache_lru_invalidate_tag(r->memory, name);
}

/* What is no pattern may have been meant as one, so it stands for all. So does "*" when it is sent
 * because messages were lost. */
void cache_results_hear(void *arg, const char *pattern)
{
    struct cache_results *r = arg;
    const char *rule;
    if (cache_glob_check(pattern, &rule) < 0)
        pattern = "*";
    if (*pattern == '@')
        hear_dependency(r, pattern + 1);
    if (strcmp(pattern, "*") == 0)
        r->tier_trusted_ms = cache_results_now(r);
    r->stats.invalidated += forget_pattern(r, pattern);
}
