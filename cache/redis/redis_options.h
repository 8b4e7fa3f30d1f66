/* SPDX-License-Identifier: MIT */
#ifndef CACHE_REDIS_OPTIONS_H
#define CACHE_REDIS_OPTIONS_H

#include <stddef.h>

#include "cache/redis/redis_url.h"
#include "cache/redis/redis_value.h"

/** How the tier in redis is set up. */
enum { CACHE_REDIS_PREFIX_MAX = 64 };

struct cache_redis_options {
    struct cache_redis_url url;
    struct cache_redis_owner owner;
    char prefix[CACHE_REDIS_PREFIX_MAX + 1]; /* in front of our own, "ldplayerd:NODE:vVERSION:" */
    unsigned get_ms;                         /* a get that is not answered by then is a miss */
    unsigned patience_ms; /* for connecting; and for any answer, then the connection is lost */
    unsigned beat_ms;     /* between two looks at whether redis still answers */
    unsigned min_wait_ms, max_wait_ms; /* before connecting again; doubles each time, with jitter */
    unsigned max_gets;                 /* under way; more are misses at once */
    size_t max_value_bytes; /* larger ones are not put, and are none of ours when they are there */
    size_t max_out_bytes;   /* puts that redis has not taken yet; more are dropped */
    /** Told of each value that was found and is none of ours, or not whole; it is removed. SENTENCE
     *  names it. May be NULL. */
    void (*on_bad_value)(void *arg, const char *sentence);
    void *arg;
};

/** Everything but the URL, which is 127.0.0.1, and the owner. */
void cache_redis_options_init(struct cache_redis_options *options);
/** A prefix has no wildcard and is not empty. Returns 0, or UV_EINVAL with the rule in words that
 *  follow "the prefix ". */
int cache_redis_options_check_prefix(const char *prefix, const char **reterr_rule);

#endif
