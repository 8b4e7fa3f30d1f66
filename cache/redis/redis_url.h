/* SPDX-License-Identifier: MIT */
#ifndef CACHE_REDIS_URL_H
#define CACHE_REDIS_URL_H

#include <stddef.h>

/** Where a redis is and who we are there: redis://[user:password@]host[:port][/db]. */
enum { CACHE_REDIS_URL_MAX = 1024, CACHE_REDIS_PORT = 6379 };

struct cache_redis_url {
    char host[254]; /* a name or an address; IPv6 without its brackets */
    int port;
    unsigned db;
    char user[129];     /* "" = redis' default user */
    char password[513]; /* "" = none */
};

/** Strict, so that a mistake shows at the start and not as a redis that cannot be found. User and
 *  password may have %XX for bytes that mean something in a URL; an empty user stands for the
 *  default one. Returns 0, or UV_EINVAL with the rule that TEXT breaks in words that follow
 *  "the URL ". They never repeat TEXT, which may hold a password. */
int cache_redis_url_parse(const char *text, struct cache_redis_url *ret, const char **reterr_rule);
/** The URL for people, without user and password. OUT is returned. */
char *cache_redis_url_show(const struct cache_redis_url *url, char *out, size_t size);

#endif
