/* SPDX-License-Identifier: MIT */
#include "cache/results/results_private.h"

#include <string.h>

#include "base/memory/mem.h"
#include "cache/results/glob.h"

/* --- by key --- */

static size_t count_forgotten(struct cache_results *r, size_t n)
{
    r->stats.invalidated += n;
    return n;
}

static size_t forget_pattern(struct cache_results *r, const char *pattern)
{
    for (struct map_node *node = NULL; (node = map_next(&r->loads, node));) {
        if (cache_glob_match(pattern, node->key))
            container_of(node, struct cache_load, by_key)->is_outdated = true;
    }
    cache_results_tier_forget(r, pattern);
    (void)cache_lru_invalidate(r->failures, pattern);
    return count_forgotten(r, cache_lru_invalidate(r->memory, pattern));
}

size_t cache_results_invalidate(struct cache_results *r, const char *pattern)
{
    const char *rule;
    return cache_glob_check(pattern, &rule) < 0 ? 0 : forget_pattern(r, pattern);
}

size_t cache_results_clear(struct cache_results *r)
{
    return forget_pattern(r, "*");
}

/* --- by what it was made from --- */

struct state {
    struct map_node by_name;
    uint64_t now;
    char name[];
};

static struct state *find_state(const struct cache_results *r, const char *name)
{
    struct map_node *node = map_find(&r->states, name);
    return node ? container_of(node, struct state, by_name) : NULL;
}

static struct state *add_state(struct cache_results *r, const char *name)
{
    size_t size = strlen(name) + 1;
    struct state *state = mem_alloc(sizeof(*state) + size);
    memcpy(state->name, name, size);
    map_insert(&r->states, &state->by_name, state->name);
    return state;
}

static bool has_name(const char *const *names, const char *name)
{
    while (names && *names && strcmp(*names, name) != 0)
        names++;
    return names && *names;
}

size_t cache_results_change(struct cache_results *r, const char *name, uint64_t now)
{
    struct state *state = find_state(r, name);
    if ((state ? state->now : 0) == now)
        return 0;
    if (!state)
        state = add_state(r, name);
    state->now = now;
    for (struct map_node *node = NULL; (node = map_next(&r->loads, node));) {
        struct cache_load *load = container_of(node, struct cache_load, by_key);
        load->is_outdated |= has_name(load->policy.dependencies, name);
    }
    /* What they depend on is not known. */
    (void)cache_lru_clear(r->failures);
    return count_forgotten(r, cache_lru_invalidate_tag(r->memory, name));
}

uint64_t cache_results_state_of(const struct cache_results *r, const char *const *names)
{
    uint64_t digest = 0;
    for (; names && *names; names++) {
        const struct state *state = find_state(r, *names);
        /* An odd factor loses nothing of what came before. */
        digest = digest * UINT64_C(0x9e3779b97f4a7c15) + (state ? state->now : 0);
    }
    return digest;
}

void cache_results_free_states(struct cache_results *r)
{
    for (struct map_node *node; (node = map_next(&r->states, NULL));) {
        map_remove(&r->states, node);
        mem_free(container_of(node, struct state, by_name));
    }
    map_deinit(&r->states);
}
