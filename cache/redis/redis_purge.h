/* SPDX-License-Identifier: MIT */
#ifndef CACHE_REDIS_PURGE_H
#define CACHE_REDIS_PURGE_H

#include <stdbool.h>

#include "cache/redis/redis_link.h"

/** Removes from redis what patterns match: one pattern after the other, each in bounded steps. What
 * redis could not be told yet is kept, also over a lost connection, until it can; when too much
 * gathers, "*" stands for all of it. Loop thread only. */
struct cache_redis_purge {
    struct cache_redis_link *link;
    const char *prefix;
    void (*on_rest)(void *arg); /* nothing is under way any more: all is done, or it got stuck */
    void *arg;

    struct list patterns; /* the first is the one at work unless is_resting */
    size_t n_patterns;
    bool is_resting;
    struct cache_redis_call call;
    char cursor[24]; /* where the scan of the first pattern goes on; "0" = it is complete */
    struct cache_redis_trouble trouble;
};

/** PREFIX, of all our keys, is as long-lived as the purge. */
void cache_redis_purge_init(struct cache_redis_purge *p, struct cache_redis_link *link,
                            const char *prefix);
/** The link is closed by now. */
void cache_redis_purge_deinit(struct cache_redis_purge *p);
/** PATTERN is a glob that passed cache_glob_check. */
void cache_redis_purge_add(struct cache_redis_purge *p, const char *pattern);
/** Goes on with what is left; for when the link is up, and from time to time after errors. */
void cache_redis_purge_resume(struct cache_redis_purge *p);
/** Whether redis may still have a value under KEY that is to be removed. */
bool cache_redis_purge_matches(const struct cache_redis_purge *p, const char *key);

#endif
