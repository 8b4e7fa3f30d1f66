/* SPDX-License-Identifier: MIT */
#include "base/memory/map.h"

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/memory/hash.h"
#include "base/memory/mem.h"

enum { MIN_BUCKETS = 16 };

static uint64_t hash_of(const struct map *m, const char *key)
{
    return hash_bytes(m->seed, key, strlen(key));
}

void map_init(struct map *m)
{
    *m = (struct map){.n_buckets = MIN_BUCKETS};
    m->buckets = mem_calloc(m->n_buckets, sizeof(*m->buckets));
    /* The system's generator by libuv: base/system/random.h stands right of this room. */
    if (uv_random(NULL, NULL, m->seed, sizeof(m->seed), 0, NULL) < 0)
        abort();
}

void map_deinit(struct map *m)
{
    mem_free(m->buckets);
    m->buckets = NULL;
}

static struct map_node **bucket(const struct map *m, uint64_t hash)
{
    return &m->buckets[hash & (m->n_buckets - 1)];
}

static void link_node(struct map *m, struct map_node *node)
{
    struct map_node **b = bucket(m, node->hash);
    node->next = *b;
    *b = node;
}

static void resize(struct map *m, size_t n_buckets)
{
    struct map_node **old = m->buckets;
    size_t n_old = m->n_buckets;

    m->n_buckets = n_buckets;
    m->buckets = mem_calloc(m->n_buckets, sizeof(*m->buckets));
    for (size_t i = 0; i < n_old; i++) {
        for (struct map_node *node = old[i], *next; node; node = next) {
            next = node->next;
            link_node(m, node);
        }
    }
    mem_free(old);
}

void map_insert(struct map *m, struct map_node *node, const char *key)
{
    if (m->n_items >= m->n_buckets)
        resize(m, m->n_buckets * 2);
    node->key = key;
    node->hash = hash_of(m, key);
    link_node(m, node);
    m->n_items++;
}

struct map_node *map_find(const struct map *m, const char *key)
{
    uint64_t hash = hash_of(m, key);
    struct map_node *node = *bucket(m, hash);
    while (node && (node->hash != hash || strcmp(node->key, key) != 0))
        node = node->next;
    return node;
}

void map_remove(struct map *m, struct map_node *node)
{
    struct map_node **link = bucket(m, node->hash);
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    node->next = NULL;
    m->n_items--;
}

struct map_node *map_next(const struct map *m, const struct map_node *node)
{
    if (node && node->next)
        return node->next;
    size_t i = node ? (node->hash & (m->n_buckets - 1)) + 1 : 0;
    while (i < m->n_buckets && !m->buckets[i])
        i++;
    return i < m->n_buckets ? m->buckets[i] : NULL;
}

void map_fit(struct map *m)
{
    size_t n = m->n_buckets;
    while (n > MIN_BUCKETS && m->n_items <= n / 4)
        n /= 2;
    /* One step is not worth moving all members: a few new ones would undo it. */
    if (n < m->n_buckets / 2)
        resize(m, n);
}
