/* SPDX-License-Identifier: MIT */
#ifndef CACHE_REDIS_VALUE_H
#define CACHE_REDIS_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/memory/buf.h"
#include "cache/results/tier.h"

/** How a value lies in redis: a header with the version of this layout and the times, then the
 *  bytes. Times are on redis' own clock (see cache_redis_link_now_ms), the one that all nodes
 *  share, so an age is right however late redis took the value and whoever reads it. */
enum { CACHE_REDIS_VALUE_HEADER = 28 };

/** Appends to OUT what is to be stored of VALUE, made NOW_MS. */
void cache_redis_value_write(struct buf *out, const struct blob *value, uint64_t now_ms,
                             uint64_t fresh_ms, uint64_t left_ms);
/** The item in the N bytes at STORED as of NOW_MS; the caller owns its blob. Returns 0, UV_ENOENT
 *  when it is good for nothing by now, or UV_EINVAL for bytes of another layout. */
int cache_redis_value_read(const char *stored, size_t n, uint64_t now_ms,
                           struct cache_tier_item *ret);

#endif
