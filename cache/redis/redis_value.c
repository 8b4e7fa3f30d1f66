/* SPDX-License-Identifier: MIT */
#include "cache/redis/redis_value.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory/hash.h"

/* Numbers are 64 bits each, lowest byte first. */
enum {
    AT_MAGIC = 0,    /* "LDP" and the version of this layout */
    AT_NODE = 4,     /* as text, without its end */
    AT_VERSION = 40, /* of the owner, 32 bits */
    AT_MADE = 44,    /* on redis' clock */
    AT_TTL = 52,
    AT_STALE = 60,
    AT_MADE_FROM = 68,
    AT_LENGTH = 76, /* of the bytes behind the header */
    AT_CHECKSUM = 84,
    CHECKSUM_SIZE = 8
};
_Static_assert(AT_CHECKSUM + CHECKSUM_SIZE == CACHE_REDIS_VALUE_HEADER, "the header has no gaps");
_Static_assert(AT_VERSION - AT_NODE == UUID_SIZE - 1, "a node's id fits");

static const char magic[4] = {'L', 'D', 'P', 3};

/* We know redis' clock to about a round trip. What claims to be made later than that is from a
 * clock that was set back, and its age is not known. */
enum { CLOCK_SLACK_MS = 1000 };

static void put_number(char *out, uint64_t number, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        out[i] = (char)(number >> (8 * i));
}

static uint64_t get_number(const char *bytes)
{
    uint64_t number = 0;
    for (size_t i = 8; i-- > 0;)
        number = number << 8 | (unsigned char)bytes[i];
    return number;
}

/* Of the header before it, of KEY and of the N bytes of the value. It tells what was changed by
 * accident; who may write to redis can make one as well. */
static uint64_t make_checksum(const char *header, const char *key, const char *value, size_t n)
{
    uint64_t sum = hash_more(0, header, AT_CHECKSUM);
    sum = hash_more(sum, key, strlen(key));
    return hash_more(sum, value, n);
}

/* What of the header is the same for all values of OWNER. */
static void write_owner(const struct cache_redis_owner *owner, char *header)
{
    memcpy(header + AT_MAGIC, magic, sizeof(magic));
    memcpy(header + AT_NODE, owner->node, UUID_SIZE - 1);
    put_number(header + AT_VERSION, owner->version, 4);
}

void cache_redis_value_write(struct buf *out, const struct cache_redis_owner *owner,
                             const char *key, const struct cache_tier_item *item, uint64_t now_ms)
{
    char header[CACHE_REDIS_VALUE_HEADER];
    write_owner(owner, header);
    put_number(header + AT_MADE, now_ms - item->age_ms, 8);
    put_number(header + AT_TTL, item->ttl_ms, 8);
    put_number(header + AT_STALE, item->stale_ms, 8);
    put_number(header + AT_MADE_FROM, item->made_from, 8);
    put_number(header + AT_LENGTH, item->value->len, 8);
    put_number(header + AT_CHECKSUM,
               make_checksum(header, key, item->value->data, item->value->len), CHECKSUM_SIZE);
    (void)buf_append(out, header, sizeof(header));
    (void)buf_append(out, item->value->data, item->value->len);
}

/* Returns what is wrong with the N bytes at STORED, or NULL. */
static const char *check(const char *stored, size_t n, const struct cache_redis_owner *owner,
                         const char *key)
{
    char wanted[CACHE_REDIS_VALUE_HEADER];
    size_t length = n - CACHE_REDIS_VALUE_HEADER;
    if (n < sizeof(magic) || memcmp(stored, magic, sizeof(magic) - 1) != 0)
        return "is none of ours";
    if (stored[sizeof(magic) - 1] != magic[sizeof(magic) - 1])
        return "is of a version that is laid out otherwise";
    if (n < CACHE_REDIS_VALUE_HEADER || get_number(stored + AT_LENGTH) > length)
        return "is cut off";
    write_owner(owner, wanted);
    if (memcmp(stored + AT_NODE, wanted + AT_NODE, AT_VERSION - AT_NODE) != 0)
        return "is another node's";
    if (memcmp(stored + AT_VERSION, wanted + AT_VERSION, AT_MADE - AT_VERSION) != 0)
        return "is of another version of ldplayerd";
    if (make_checksum(stored, key, stored + CACHE_REDIS_VALUE_HEADER, length) !=
        get_number(stored + AT_CHECKSUM))
        return "was changed since it was put there";
    return NULL;
}

const char *cache_redis_value_read(const char *stored, size_t n,
                                   const struct cache_redis_owner *owner, const char *key,
                                   uint64_t now_ms, struct cache_tier_item *ret)
{
    const char *what = check(stored, n, owner, key);
    *ret = (struct cache_tier_item){.value = NULL};
    if (what)
        return what;
    uint64_t made_ms = get_number(stored + AT_MADE);
    ret->age_ms = now_ms > made_ms ? now_ms - made_ms : 0;
    ret->ttl_ms = get_number(stored + AT_TTL);
    ret->stale_ms = get_number(stored + AT_STALE);
    ret->made_from = get_number(stored + AT_MADE_FROM);
    bool is_too_old = ret->age_ms >= ret->ttl_ms && ret->age_ms - ret->ttl_ms >= ret->stale_ms;
    bool is_ahead = made_ms > now_ms && made_ms - now_ms > CLOCK_SLACK_MS;
    if (!is_too_old && !is_ahead)
        ret->value = blob_copy(stored + CACHE_REDIS_VALUE_HEADER, n - CACHE_REDIS_VALUE_HEADER);
    return NULL;
}
