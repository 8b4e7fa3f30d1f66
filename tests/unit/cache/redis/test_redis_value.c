/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <uv.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "cache/redis/redis_value.h"

enum { NOW = 1000000 };

static void store(struct buf *out, const char *text, uint64_t fresh_ms, uint64_t left_ms)
{
    struct blob *value cleanup(blob_unrefp) = blob_copy(text, strlen(text));
    buf_clear(out);
    cache_redis_value_write(out, value, NOW, fresh_ms, left_ms);
}

static void expect(const struct buf *stored, uint64_t now_ms, uint64_t age_ms, uint64_t fresh_ms,
                   uint64_t left_ms)
{
    struct cache_tier_item item;
    cr_assert_eq(cache_redis_value_read(stored->data, stored->len, now_ms, &item), 0);
    cr_assert_eq(item.age_ms, age_ms);
    cr_assert_eq(item.fresh_ms, fresh_ms);
    cr_assert_eq(item.left_ms, left_ms);
    cr_assert_eq(item.value->len, 5);
    cr_assert(memcmp(item.value->data, "value", 5) == 0);
    blob_unref(item.value);
}

static int read_at(const struct buf *stored, size_t n, uint64_t now_ms)
{
    struct cache_tier_item item;
    int r = cache_redis_value_read(stored->data, n, now_ms, &item);
    if (r == 0)
        blob_unref(item.value);
    return r;
}

Test(cache_redis_value, ages_on_one_clock)
{
    struct buf stored cleanup(buf_deinit) = {0};
    store(&stored, "value", 100, 300);
    expect(&stored, NOW, 0, 100, 300);
    expect(&stored, NOW + 99, 99, 1, 201);
    expect(&stored, NOW + 100, 100, 0, 200);
    expect(&stored, NOW + 299, 299, 0, 1);
    cr_assert_eq(read_at(&stored, stored.len, NOW + 300), UV_ENOENT);
    cr_assert_eq(read_at(&stored, stored.len, UINT64_MAX), UV_ENOENT);
}

Test(cache_redis_value, a_little_in_the_future_is_now_and_more_is_of_unknown_age)
{
    struct buf stored cleanup(buf_deinit) = {0};
    store(&stored, "value", 100, 300);
    expect(&stored, NOW - 1000, 0, 100, 300);
    cr_assert_eq(read_at(&stored, stored.len, NOW - 1001), UV_ENOENT);
    cr_assert_eq(read_at(&stored, stored.len, 0), UV_ENOENT);
}

Test(cache_redis_value, times_may_be_as_large_as_numbers_get)
{
    struct buf stored cleanup(buf_deinit) = {0};
    store(&stored, "value", UINT64_MAX, UINT64_MAX);
    expect(&stored, NOW + 5, 5, UINT64_MAX - 5, UINT64_MAX - 5);
}

Test(cache_redis_value, other_bytes_are_no_value)
{
    struct buf stored cleanup(buf_deinit) = {0};
    store(&stored, "", 100, 300);
    cr_assert_eq(stored.len, CACHE_REDIS_VALUE_HEADER);
    cr_assert_eq(read_at(&stored, stored.len, NOW), 0, "an empty value is one");
    for (size_t n = 0; n < CACHE_REDIS_VALUE_HEADER; n++)
        cr_assert_eq(read_at(&stored, n, NOW), UV_EINVAL, "%zu bytes", n);
    for (size_t i = 0; i < 4; i++) {
        stored.data[i]++;
        cr_assert_eq(read_at(&stored, stored.len, NOW), UV_EINVAL, "byte %zu", i);
        stored.data[i]--;
    }
}
