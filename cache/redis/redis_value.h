/* SPDX-License-Identifier: MIT */
#ifndef CACHE_REDIS_VALUE_H
#define CACHE_REDIS_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/memory/buf.h"
#include "base/system/random.h"
#include "cache/results/tier.h"

/** How a value lies in redis: a header, then the bytes. The header says whose it is, how long it is
 *  good for and of what it was made, and has a checksum over itself, the key and the bytes: what is
 *  cut off, was changed, or belongs to somebody else or under another key is told from a value.
 *  Times are on redis' own clock (see cache_redis_link_now_ms), so an age is right after a restart
 *  and whatever becomes of our own clock. */
enum { CACHE_REDIS_VALUE_HEADER = 92 };

/** Whose values are ours. */
struct cache_redis_owner {
    char node[UUID_SIZE]; /* of this node, for ever */
    uint32_t version;     /* of what the bytes mean */
};

/** Appends to OUT what is to be stored of ITEM under KEY as of NOW_MS. */
void cache_redis_value_write(struct buf *out, const struct cache_redis_owner *owner,
                             const char *key, const struct cache_tier_item *item, uint64_t now_ms);
/** The item in the N bytes at STORED, found under KEY, as of NOW_MS; the caller owns its blob.
 *  Returns NULL; or, when that is no value of OWNER, what is wrong in words that follow "the value
 * ": "is cut off". Then, and when it is good for nothing by now, the item has no blob. */
const char *cache_redis_value_read(const char *stored, size_t n,
                                   const struct cache_redis_owner *owner, const char *key,
                                   uint64_t now_ms, struct cache_tier_item *ret);

#endif
