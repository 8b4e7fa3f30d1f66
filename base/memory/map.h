/* SPDX-License-Identifier: MIT */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Intrusive hash table keyed by strings. Members embed a `struct map_node`; the table owns only
 *  its buckets. The key text belongs to the member and must not change while it is linked.
 *  The hash is seeded at random, because keys may come from clients. */
struct map_node {
    struct map_node *next;
    const char *key;
    uint64_t hash;
};

struct map {
    struct map_node **buckets;
    size_t n_buckets, n_items;
    uint64_t seed[2];
};

void map_init(struct map *m);
/** Frees the buckets; members are the owner's affair. */
void map_deinit(struct map *m);
/** Links NODE under KEY. The caller made sure that no member has this key. */
void map_insert(struct map *m, struct map_node *node, const char *key);
struct map_node *map_find(const struct map *m, const char *key);
/** NODE must be a member. */
void map_remove(struct map *m, struct map_node *node);
/** Any member after NODE in table order, or the first for NULL; NULL at the end. Removing the
 *  returned member before asking for the next is not allowed: fetch the next first. */
struct map_node *map_next(const struct map *m, const struct map_node *node);
/** Gives back the room of members that have left. Ends a walk with map_next. */
void map_fit(struct map *m);

#endif
