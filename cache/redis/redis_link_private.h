/* SPDX-License-Identifier: MIT */
#ifndef CACHE_REDIS_LINK_PRIVATE_H
#define CACHE_REDIS_LINK_PRIVATE_H

#include "cache/redis/redis_link.h"

/** What redis_link.c, the life of a connection, and redis_link_greeting.c, what is said on it by
 *  itself, know of each other. */

/** Introduces us on a connection that has just been made; with the last answer the link is up. */
void cache_redis_link_greet(struct cache_redis_link *l);
/** As cache_redis_link_send, whether the link is up or not. */
int cache_redis_link_push(struct cache_redis_link *l, struct cache_redis_call *call, int n,
                          const char **arguments, const size_t *lengths);
/** Gives the connection up; `trouble` says why. Nothing happens when there is none. */
void cache_redis_link_leave(struct cache_redis_link *l);

/** How long to wait before connecting again after N_TRIES that failed: twice as long each time up
 *  to the maximum, and half of it is CHANCE, so that nodes that lost redis together do not come
 * back together. */
unsigned cache_redis_link_wait_ms(const struct cache_redis_link_options *options, unsigned n_tries,
                                  uint32_t chance);

#endif
