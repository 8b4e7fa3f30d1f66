/* SPDX-License-Identifier: MIT */
#include "cache/redis/redis_options.h"

#include <string.h>

#include <uv.h>

void cache_redis_options_init(struct cache_redis_options *options)
{
    *options = (struct cache_redis_options){
        .url = {.host = "127.0.0.1", .port = CACHE_REDIS_PORT},
        .get_ms = 100,
        .patience_ms = 2000,
        .beat_ms = 1000,
        .min_wait_ms = 100,
        .max_wait_ms = 10000,
        .max_gets = 1024,
        .max_value_bytes = 8 << 20,
        .max_out_bytes = 32 << 20,
    };
}

int cache_redis_options_check_prefix(const char *prefix, const char **reterr_rule)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789:-_./";
    size_t n = strlen(prefix);
    if (n > 0 && n <= CACHE_REDIS_PREFIX_MAX && strspn(prefix, allowed) == n)
        return 0;
    *reterr_rule = "must have 1 to 64 letters, digits or any of : - _ . /";
    return UV_EINVAL;
}
