/* SPDX-License-Identifier: MIT */
#include "cache/redis/redis_value.h"

#include <string.h>

#include <uv.h>

/* "LDP", the version, then made_at, fresh_ms and left_ms as 64 bits each, lowest byte first. */
static const char magic[4] = {'L', 'D', 'P', 1};

/* Two nodes know redis' clock to about a round trip. What claims to be made later than that is
 * from a clock that was set back, and its age is not known. */
enum { CLOCK_SLACK_MS = 1000 };

static void put_number(struct buf *out, uint64_t number)
{
    char bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(number >> (8 * i));
    (void)buf_append(out, bytes, sizeof(bytes));
}

static uint64_t get_number(const char *bytes)
{
    uint64_t number = 0;
    for (size_t i = 8; i-- > 0;)
        number = number << 8 | (unsigned char)bytes[i];
    return number;
}

void cache_redis_value_write(struct buf *out, const struct blob *value, uint64_t now_ms,
                             uint64_t fresh_ms, uint64_t left_ms)
{
    (void)buf_append(out, magic, sizeof(magic));
    put_number(out, now_ms);
    put_number(out, fresh_ms);
    put_number(out, left_ms);
    (void)buf_append(out, value->data, value->len);
}

int cache_redis_value_read(const char *stored, size_t n, uint64_t now_ms,
                           struct cache_tier_item *ret)
{
    if (n < CACHE_REDIS_VALUE_HEADER || memcmp(stored, magic, sizeof(magic)) != 0)
        return UV_EINVAL;
    uint64_t made_at = get_number(stored + 4), fresh_ms = get_number(stored + 12),
             left_ms = get_number(stored + 20);
    if (made_at > now_ms && made_at - now_ms > CLOCK_SLACK_MS)
        return UV_ENOENT;
    uint64_t age_ms = now_ms > made_at ? now_ms - made_at : 0;
    if (age_ms >= left_ms)
        return UV_ENOENT;
    *ret = (struct cache_tier_item){
        .value = blob_copy(stored + CACHE_REDIS_VALUE_HEADER, n - CACHE_REDIS_VALUE_HEADER),
        .age_ms = age_ms,
        .fresh_ms = fresh_ms > age_ms ? fresh_ms - age_ms : 0,
        .left_ms = left_ms - age_ms,
    };
    return 0;
}
