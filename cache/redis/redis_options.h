/* SPDX-License-Identifier: MIT */
#ifndef CACHE_REDIS_OPTIONS_H
#define CACHE_REDIS_OPTIONS_H

#include <stddef.h>

#include "cache/redis/redis_url.h"

/** How the tier in redis is set up. */
enum { CACHE_REDIS_PREFIX_MAX = 64 };

struct cache_redis_options {
    struct cache_redis_url url;
    char prefix[CACHE_REDIS_PREFIX_MAX + 1]; /* of keys, and of the channel "<prefix>invalidate" */
    unsigned get_ms;                         /* a get that is not answered by then is a miss */
    unsigned patience_ms; /* for connecting; and for any answer, then the connection is lost */
    unsigned beat_ms;     /* between two looks at whether redis still answers */
    unsigned min_wait_ms, max_wait_ms; /* before connecting again; doubles each time, with jitter */
    unsigned max_gets;                 /* under way; more are misses at once */
    size_t max_value_bytes;            /* larger ones are not put */
    size_t max_out_bytes;              /* puts that redis has not taken yet; more are dropped */
};

/** Everything but the URL, which is 127.0.0.1. */
void cache_redis_options_init(struct cache_redis_options *options);
/** The prefix keeps us from what others store, so it is not empty, and has no wildcard. Returns 0,
 *  or UV_EINVAL with the rule in words that follow "the prefix ". */
int cache_redis_options_check_prefix(const char *prefix, const char **reterr_rule);

#endif
