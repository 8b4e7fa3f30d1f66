/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <uv.h>

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
    const char *what = NULL;
    cr_assert_eq(
        cache_redis_value_read(stored->data, stored->len, &owner, "key", now_ms, &item, &what), 0,
        "%s", what);
    cr_assert_eq(item.age_ms, age_ms);
    cr_assert_eq(item.made_from, 77);
    cr_assert_eq(item.value->len, 5);
    cr_assert(memcmp(item.value->data, "value", 5) == 0);
    blob_unref(item.value);
}

static int read_as(const struct buf *stored, size_t n, const struct cache_redis_owner *reader,
                   const char *key, uint64_t now_ms, const char **ret_what)
{
    struct cache_tier_item item;
    *ret_what = "";
    int r = cache_redis_value_read(stored->data, n, reader, key, now_ms, &item, ret_what);
    if (r == 0)
        blob_unref(item.value);
    return r;
}

static int read_at(const struct buf *stored, uint64_t now_ms)
{
    const char *what;
    return read_as(stored, stored->len, &owner, "key", now_ms, &what);
}

Test(cache_redis_value, ages_on_one_clock)
{
    struct buf stored cleanup(buf_deinit) = {0};
    store(&stored, "value", 0, 100, 200);
    expect_age(&stored, NOW, 0);
    expect_age(&stored, NOW + 100, 100);
    expect_age(&stored, NOW + 299, 299);
    cr_assert_eq(read_at(&stored, NOW + 300), UV_ENOENT);
    cr_assert_eq(read_at(&stored, UINT64_MAX), UV_ENOENT);
    store(&stored, "value", 40, 100, 200);
    expect_age(&stored, NOW + 10, 50);
    cr_assert_eq(read_at(&stored, NOW + 260), UV_ENOENT);
}

Test(cache_redis_value, a_little_in_the_future_is_now_and_more_is_of_unknown_age)
{
    struct buf stored cleanup(buf_deinit) = {0};
    store(&stored, "value", 0, 100, 200);
    expect_age(&stored, NOW - 1000, 0);
    cr_assert_eq(read_at(&stored, NOW - 1001), UV_ENOENT);
    cr_assert_eq(read_at(&stored, 0), UV_ENOENT);
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
    cr_assert_eq(read_at(&stored, NOW), 0);
}

Test(cache_redis_value, every_byte_counts_and_so_does_the_length)
{
    struct buf stored cleanup(buf_deinit) = {0};
    const char *what;
    store(&stored, "value", 0, 100, 200);
    for (size_t n = 0; n < stored.len; n++) {
        cr_assert_eq(read_as(&stored, n, &owner, "key", NOW, &what), UV_EINVAL, "%zu bytes", n);
        cr_assert_str_eq(what, n < 4 ? "is none of ours" : "is cut off", "%zu bytes", n);
    }
    for (size_t i = 0; i < stored.len; i++) {
        stored.data[i]++;
        cr_assert_eq(read_at(&stored, NOW), UV_EINVAL, "byte %zu", i);
        stored.data[i]--;
    }
    cr_assert_eq(buf_append(&stored, "s", 1), 0);
    cr_assert_eq(read_as(&stored, stored.len, &owner, "key", NOW, &what), UV_EINVAL);
    cr_assert_str_eq(what, "was changed since it was put there");
}

Test(cache_redis_value, is_its_owners_under_its_key_alone)
{
    struct buf stored cleanup(buf_deinit) = {0};
    struct cache_redis_owner other = owner;
    const char *what;
    store(&stored, "value", 0, 100, 200);
    cr_assert_eq(read_as(&stored, stored.len, &owner, "other", NOW, &what), UV_EINVAL);
    cr_assert_str_eq(what, "was changed since it was put there");
    other.version = 4;
    cr_assert_eq(read_as(&stored, stored.len, &other, "key", NOW, &what), UV_EINVAL);
    cr_assert_str_eq(what, "is of another version of ldplayerd");
    other.node[0] = 'f';
    cr_assert_eq(read_as(&stored, stored.len, &other, "key", NOW, &what), UV_EINVAL);
    cr_assert_str_eq(what, "is another node's");
    stored.data[3]++;
    cr_assert_eq(read_as(&stored, stored.len, &owner, "key", NOW, &what), UV_EINVAL);
    cr_assert_str_eq(what, "is of a version that is laid out otherwise");
    stored.data[0]++;
    cr_assert_eq(read_as(&stored, stored.len, &owner, "key", NOW, &what), UV_EINVAL);
    cr_assert_str_eq(what, "is none of ours");
}
