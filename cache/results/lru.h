/* SPDX-License-Identifier: MIT */
#ifndef CACHE_LRU_H
#define CACHE_LRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory/blob.h"
#include "base/memory/list.h"
#include "base/memory/map.h"
#include "cache/results/limits.h"

/** Values under keys, bounded by number and by memory: what was not used for longest goes first.
 *  An entry is fresh for its TTL, then kept as a stale one for as long as was asked for, then gone.
 *  Entries carry tags: names of what they were made from.
 *
 *  Putting, getting and removing take the same time however many there are. Time is a parameter:
 *  milliseconds that only go forward. One thread: blob counts are plain integers. */

/** One entry. For others than the cache it is read only. */
struct cache_lru_entry {
    struct map_node by_key; /* by_key.key is the key */
    struct list by_use;
    struct blob *value;
    int64_t used_at; /* times on the caller's clock: put, or the last get */
    uint64_t n_uses; /* gets */
    int64_t made_at, fresh_until, kept_until;
    size_t bytes;
    size_t n_tags;
    struct cache_tagging *tags;
};

uint64_t cache_lru_entry_age_ms(const struct cache_lru_entry *e, uint64_t now_ms);
/** Of all its life, not what is left. */
uint64_t cache_lru_entry_ttl_ms(const struct cache_lru_entry *e);
/** How long it has been stale; 0 when it is fresh. */
uint64_t cache_lru_entry_stale_ms(const struct cache_lru_entry *e, uint64_t now_ms);

struct cache_lru_stats {
    uint64_t hits, misses; /* of cache_lru_get */
    uint64_t insertions;   /* puts that were kept, in place of another or not */
    uint64_t refused;      /* puts that did not fit */
    uint64_t evicted_for_entries, evicted_for_bytes;
    uint64_t expirations;                /* found to be gone by time */
    uint64_t invalidated;                /* by key, pattern or tag, or cleared */
    uint64_t entries, bytes, peak_bytes; /* now; peak since the reset */
};

struct cache_lru;

struct cache_lru *cache_lru_new(const struct cache_limits *limits);
/** Accepts NULL. */
void cache_lru_free(struct cache_lru *l);
/** New limits act at once: what is too much is evicted. TTLs of what is kept stay. */
void cache_lru_configure(struct cache_lru *l, const struct cache_limits *limits);

/** The entry of KEY when it is fresh: a hit, and now the one used last. Otherwise a miss and NULL.
 *  An entry is good until the next call that may remove it. */
struct cache_lru_entry *cache_lru_get(struct cache_lru *l, const char *key, uint64_t now_ms);
/** As above, but when it is NULL nothing is counted: for who goes on to ask in another way. */
struct cache_lru_entry *cache_lru_try(struct cache_lru *l, const char *key, uint64_t now_ms);
/** The entry of KEY when it is not gone, fresh or stale. Nothing is counted and nothing moves. */
struct cache_lru_entry *cache_lru_peek(const struct cache_lru *l, const char *key, uint64_t now_ms);
/** E was used: it is now the one used last, without being a hit. */
void cache_lru_use(struct cache_lru *l, struct cache_lru_entry *e, uint64_t now_ms);

/** What is put. */
struct cache_item {
    const char *key;
    struct blob *value;      /* its reference is taken over, in any case */
    uint64_t age_ms;         /* how long ago it was made */
    uint64_t ttl_ms;         /* since it was made; 0 = as the limits say */
    uint64_t stale_ms;       /* kept so long beyond the TTL */
    const char *const *tags; /* copied; NULL-terminated, or NULL */
};
/** Keeps ITEM in place of what KEY had. Returns 0, or UV_E2BIG when it cannot fit whatever else
 *  goes; then KEY has nothing. */
int cache_lru_put(struct cache_lru *l, const struct cache_item *item, uint64_t now_ms);
/** What an entry counts: what its parts take of malloc, headers and rounding included, and its
 *  share of the table. A tag counts once, for all its entries. */
size_t cache_lru_cost(size_t key_len, size_t value_len, size_t n_tags);
size_t cache_lru_tag_cost(size_t name_len);

/** Each returns how many went. */
size_t cache_lru_remove(struct cache_lru *l, const char *key);
/** PATTERN: see cache/results/glob.h. */
size_t cache_lru_invalidate(struct cache_lru *l, const char *pattern);
size_t cache_lru_invalidate_tag(struct cache_lru *l, const char *name);
size_t cache_lru_clear(struct cache_lru *l);
/** Removes what is gone by time. Looks at MAX_PLACES places of the table at most and goes on there
 *  the next time. Returns whether it came to the end of the table. */
bool cache_lru_sweep(struct cache_lru *l, uint64_t now_ms, size_t max_places);

/** The one used last for NULL, then the one used before E; NULL at the end. What is gone by time
 *  may still be among them. */
const struct cache_lru_entry *cache_lru_next(const struct cache_lru *l,
                                             const struct cache_lru_entry *e);
/** One of the entries with the tag NAME; NULL when there is none. */
const struct cache_lru_entry *cache_lru_tagged(const struct cache_lru *l, const char *name);

struct cache_lru_stats cache_lru_stats(const struct cache_lru *l);
void cache_lru_reset_stats(struct cache_lru *l);

#endif
