/* SPDX-License-Identifier: MIT */
#include "base/map.h"

#include <string.h>

#include "base/mem.h"
#include "base/random.h"

static uint64_t hash_of(const struct map *m, const char *key)
{
    uint64_t h = 0xcbf29ce484222325u ^ m->seed;
    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 0x100000001b3u;
    return h ^ (h >> 32);
}

void map_init(struct map *m)
{
    *m = (struct map){.n_buckets = 16};
    m->buckets = mem_calloc(m->n_buckets, sizeof(*m->buckets));
    random_bytes(&m->seed, sizeof(m->seed));
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

static void grow(struct map *m)
{
    struct map_node **old = m->buckets;
    size_t n_old = m->n_buckets;

    m->n_buckets = n_old * 2;
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
        grow(m);
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
