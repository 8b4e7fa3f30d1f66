/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "cache/results/lru.h"

/* What the cache says it takes against what malloc says. Not built for a sanitizer: those have an
 * allocator of their own. */

static size_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void fill(struct cache_lru *l, unsigned n, size_t key_len, size_t value_len, unsigned n_tags)
{
    static const char *const names[] = {"instance:%04u", "workstation:%04u", "local", NULL};
    for (unsigned i = 0; i < n; i++) {
        char key[600], tag_names[3][32];
        const char *tags[4] = {NULL};
        snprintf(key, sizeof(key), "%0*u", (int)key_len, i);
        for (unsigned t = 0; t < n_tags; t++) {
            snprintf(tag_names[t], sizeof(tag_names[t]), names[t], i / (1 + 10 * t));
            tags[t] = tag_names[t];
        }
        struct cache_item item = {.key = key, .value = blob_new(value_len), .tags = tags};
        cr_assert_eq(cache_lru_put(l, &item, 0), 0);
    }
}

static void check(unsigned n, size_t key_len, size_t value_len, unsigned n_tags)
{
    struct cache_limits limits = {.max_entries = 1000000, .max_bytes = 1 << 30, .ttl_ms = 1000};
    size_t before = allocated();
    struct cache_lru *l = cache_lru_new(&limits);
    fill(l, n, key_len, value_len, n_tags);
    double taken = (double)(allocated() - before), said = (double)cache_lru_stats(l).bytes;
    cr_assert(taken / said > 0.95 && taken / said < 1.05,
              "%u entries, keys of %zu bytes, values of %zu, %u tags: %.0f bytes taken, %.0f said",
              n, key_len, value_len, n_tags, taken, said);
    cache_lru_free(l);
}

Test(cache_lru_memory, the_count_is_what_malloc_takes)
{
    static const size_t keys[] = {5, 20, 60, 512}, values[] = {0, 1, 20, 100, 1000, 5000, 65536};
    for (size_t k = 0; k < countof(keys); k++) {
        for (size_t v = 0; v < countof(values); v++) {
            for (unsigned n_tags = 0; n_tags <= 3; n_tags++)
                check(values[v] > 10000 ? 100 : 1500, keys[k], values[v], n_tags);
        }
    }
}

/* From a page's worth on, malloc asks the system for each. */
Test(cache_lru_memory, large_values_are_counted_as_well)
{
    check(20, 20, 200000, 0);
    check(20, 20, 1000001, 1);
    check(5, 20, 40000000, 0);
}

/* Between two sizes of the table its places are up to twice as many as entries. */
Test(cache_lru_memory, the_count_holds_at_any_number_of_entries)
{
    for (unsigned n = 500; n < 5000; n += 250)
        check(n, 20, 100, 0);
    check(16384, 20, 100, 0);
    check(16385, 20, 100, 0);
}

Test(cache_lru_memory, what_is_given_back_is_given_back)
{
    struct cache_limits limits = {.max_entries = 1000000, .max_bytes = 1 << 30, .ttl_ms = 1000};
    struct cache_limits small = {.max_entries = 10, .max_bytes = 1 << 30, .ttl_ms = 1000};
    struct cache_lru *l = cache_lru_new(&limits);
    size_t empty = allocated();
    fill(l, 100000, 20, 100, 3);
    size_t full = allocated();
    cache_lru_configure(l, &small);
    cr_assert_eq(cache_lru_stats(l).entries, 10);
    cr_assert_lt(allocated() - empty, (full - empty) / 100, "%zu bytes of %zu are left",
                 allocated() - empty, full - empty);
    cache_lru_free(l);
}
