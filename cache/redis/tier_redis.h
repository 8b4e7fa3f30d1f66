/* SPDX-License-Identifier: MIT */
#ifndef CACHE_TIER_REDIS_H
#define CACHE_TIER_REDIS_H

#include "base/loop/loop.h"
#include "cache/redis/redis_options.h"
#include "cache/results/tier.h"

/** The tier that keeps values in a redis, under keys that only this node uses. While redis cannot
 *  be reached every get is a miss at once, and it connects again by itself. What it finds under its
 *  keys is checked (cache/redis/redis_value.h): what is none of its values is a miss, told and
 *  removed, and no reason to call redis broken. */

/** OPTIONS is copied; its prefix is empty or passed the check. It begins to connect. */
struct cache_tier *cache_tier_redis_new(struct loop *loop,
                                        const struct cache_redis_options *options);

#endif
