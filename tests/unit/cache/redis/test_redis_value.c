/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "cache/redis/redis_value.h"

enum { NOW = 1000000 };

static const struct cache_redis_owner owner = {"01234567-89ab-4cde-8f01-23456789abcd", 3};

static void store(struct buf *out, const char *text, uint64_t age_ms, uint64_t ttl_ms,
                  uint64_t stale_ms)
{
    const struct cache_tier_item item = {
        .value = blob_copy(text, strlen(text)),
        .age_ms = age_ms,
        .ttl_ms = ttl_ms,
        .stale_ms = stale_ms,
        .made_from = 77,
    };
    buf_clear(out);
    cache_redis_value_write(out, &owner, "key", &item, NOW);
    blob_unref(item.value);
}

static void expect_age(const struct buf *stored, uint64_t now_ms, uint64_t age_ms)
{
    struct cache_tier_item item;
    const char *what =
        cache_redis_value_read(stored->data, stored->len, &owner, "key", now_ms, &item);
    cr_assert_null(what, "%s", what);
    cr_assert_not_null(item.value);
    cr_assert_eq(item.age_ms, age_ms);
    cr_assert_eq(item.made_from, 77);
    cr_assert_eq(item.value->len, 5);
    cr_assert(memcmp(item.value->data, "value", 5) == 0);
    blob_unref(item.value);
}

/* "good", "too old", or what is wrong. */
static const char *read_as(const struct buf *stored, size_t n,
                           const struct cache_redis_owner *reader, const char *key, uint64_t now_ms)
{
    struct cache_tier_item item;
    const char *what = cache_redis_value_read(stored->data, n, reader, key, now_ms, &item);
    bool is_there = item.value != NULL;
    blob_unref(item.value);
    return what ? what : is_there ? "good" : "too old";
}

static const char *read_at(const struct buf *stored, uint64_t now_ms)
{
    return read_as(stored, stored->len, &owner, "key", now_ms);
}

Test(cache_redis_value, ages_on_one_clock)
{
    struct buf stored cleanup(buf_deinit) = {0};
    store(&stored, "value", 0, 100, 200);
    expect_age(&stored, NOW, 0);
    expect_age(&stored, NOW + 100, 100);
    expect_age(&stored, NOW + 299, 299);
    cr_assert_str_eq(read_at(&stored, NOW + 300), "too old");
    cr_assert_str_eq(read_at(&stored, UINT64_MAX), "too old");
    store(&stored, "value", 40, 100, 200);
    expect_age(&stored, NOW + 10, 50);
    cr_assert_str_eq(read_at(&stored, NOW + 260), "too old");
}

Test(cache_redis_value, a_little_in_the_future_is_now_and_more_is_of_unknown_age)
{
    struct buf stored cleanup(buf_deinit) = {0};
    store(&stored, "value", 0, 100, 200);
    expect_age(&stored, NOW - 1000, 0);
    cr_assert_str_eq(read_at(&stored, NOW - 1001), "too old");
    cr_assert_str_eq(read_at(&stored, 0), "too old");
}

Test(cache_redis_value, times_may_be_as_large_as_numbers_get)
{
    struct buf stored cleanup(buf_deinit) = {0};
    store(&stored, "value", 0, UINT64_MAX, UINT64_MAX);
    expect_age(&stored, NOW + 5, 5);
}

Test(cache_redis_value, an_empty_value_is_one)
{
    struct buf stored cleanup(buf_deinit) = {0};
    store(&stored, "", 0, 100, 200);
    cr_assert_eq(stored.len, CACHE_REDIS_VALUE_HEADER);
    cr_assert_str_eq(read_at(&stored, NOW), "good");
}

Test(cache_redis_value, every_byte_counts_and_so_does_the_length)
{
    struct buf stored cleanup(buf_deinit) = {0};
    store(&stored, "value", 0, 100, 200);
    for (size_t n = 0; n < stored.len; n++) {
        cr_assert_str_eq(read_as(&stored, n, &owner, "key", NOW),
                         n < 4 ? "is none of ours" : "is cut off", "%zu bytes", n);
    }
    for (size_t i = 0; i < stored.len; i++) {
        stored.data[i]++;
        cr_assert_str_neq(read_at(&stored, NOW), "good", "byte %zu", i);
        stored.data[i]--;
    }
    cr_assert_eq(buf_append(&stored, "s", 1), 0);
    cr_assert_str_eq(read_as(&stored, stored.len, &owner, "key", NOW),
                     "was changed since it was put there");
}

Test(cache_redis_value, is_its_owners_under_its_key_alone)
{
    struct buf stored cleanup(buf_deinit) = {0};
    struct cache_redis_owner other = owner;
    store(&stored, "value", 0, 100, 200);
    cr_assert_str_eq(read_as(&stored, stored.len, &owner, "other", NOW),
                     "was changed since it was put there");
    other.version = 4;
    cr_assert_str_eq(read_as(&stored, stored.len, &other, "key", NOW),
                     "is of another version of ldplayerd");
    other.node[0] = 'f';
    cr_assert_str_eq(read_as(&stored, stored.len, &other, "key", NOW), "is another node's");
    stored.data[3]++;
    cr_assert_str_eq(read_as(&stored, stored.len, &owner, "key", NOW),
                     "is of a version that is laid out otherwise");
    stored.data[0]++;
    cr_assert_str_eq(read_as(&stored, stored.len, &owner, "key", NOW), "is none of ours");
}
