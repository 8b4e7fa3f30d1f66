/* SPDX-License-Identifier: MIT */
#ifndef CACHE_REDIS_TROUBLE_H
#define CACHE_REDIS_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

/** Why something with redis does not work, for an operator: a sentence that follows
 *  "redis at HOST:PORT: ", says what to do, and holds nothing secret. */
struct cache_redis_trouble {
    char text[160];   /* "" = none */
    int64_t since_ms; /* wall clock; when it began, though the reason may have changed since */
};

void cache_redis_trouble_set(struct cache_redis_trouble *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/** The same for REPLY, an error that redis answered: "OOM command not allowed ...". */
void cache_redis_trouble_set_reply(struct cache_redis_trouble *t, const char *reply);
void cache_redis_trouble_clear(struct cache_redis_trouble *t);
bool cache_redis_trouble_is_set(const struct cache_redis_trouble *t);

#endif
