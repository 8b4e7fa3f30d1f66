/* SPDX-License-Identifier: MIT */
#ifndef CACHE_SHARED_LRU_H
#define CACHE_SHARED_LRU_H

#include "cache/results/lru.h"

/** The cache of cache/results/lru.h for threads other than the loop's, behind one lock. Values are
 * copied in and out, because a blob's count belongs to one thread: what is given back is the
 * caller's own. Any thread, but for new and free. */
struct cache_shared_lru;

/** The limits have passed the check. */
struct cache_shared_lru *cache_shared_lru_new(const struct cache_limits *limits);
/** Accepts NULL. No thread uses it any more. */
void cache_shared_lru_free(struct cache_shared_lru *s);
void cache_shared_lru_configure(struct cache_shared_lru *s, const struct cache_limits *limits);
/** A copy of the value of KEY when it is fresh; NULL otherwise. */
struct blob *cache_shared_lru_get(struct cache_shared_lru *s, const char *key, uint64_t now_ms);
/** Keeps a copy of ITEM's value, which stays the caller's. Returns as cache_lru_put. */
int cache_shared_lru_put(struct cache_shared_lru *s, const struct cache_item *item,
                         uint64_t now_ms);
/** Each returns how many went. */
size_t cache_shared_lru_remove(struct cache_shared_lru *s, const char *key);
size_t cache_shared_lru_invalidate(struct cache_shared_lru *s, const char *pattern);
size_t cache_shared_lru_invalidate_tag(struct cache_shared_lru *s, const char *name);
size_t cache_shared_lru_clear(struct cache_shared_lru *s);
/** Removes everything that is gone by time. */
void cache_shared_lru_sweep(struct cache_shared_lru *s, uint64_t now_ms);
struct cache_lru_stats cache_shared_lru_stats(struct cache_shared_lru *s);
void cache_shared_lru_reset_stats(struct cache_shared_lru *s);

#endif
