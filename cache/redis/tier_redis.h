/* SPDX-License-Identifier: MIT */
#ifndef CACHE_TIER_REDIS_H
#define CACHE_TIER_REDIS_H

#include "base/loop/loop.h"
#include "cache/redis/redis_options.h"
#include "cache/results/tier.h"

/** The tier that keeps values in a redis, shared by all nodes with the same database and prefix.
 *  It answers only while redis can be reached both for commands and to listen for invalidations;
 *  otherwise every get is a miss at once, and it connects again by itself. */

/** OPTIONS is copied; its prefix passed the check. */
struct cache_tier *cache_tier_redis_new(struct loop *loop,
                                        const struct cache_redis_options *options);

#endif
