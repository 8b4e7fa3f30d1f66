/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "cache/results/shared_lru.h"

/* What it does for one thread and for several; that it does so without a race is shown by
 * shared_lru_threads.c. */

static const struct cache_limits limits = {
    .max_entries = 100, .max_bytes = 1 << 20, .ttl_ms = 1000};

static struct cache_shared_lru *s;

static void set_up(void)
{
    s = cache_shared_lru_new(&limits);
}

static void tear_down(void)
{
    cache_shared_lru_free(s);
}

TestSuite(cache_shared_lru, .init = set_up, .fini = tear_down);

static void put(const char *key, const char *value, const char *const *tags)
{
    struct blob *blob cleanup(blob_unrefp) = blob_copy(value, strlen(value));
    struct cache_item item = {.key = key, .value = blob, .tags = tags};
    cr_assert_eq(cache_shared_lru_put(s, &item, 0), 0);
    cr_assert_eq(blob->refs, 1, "it stays the caller's");
}

static bool has(const char *key, uint64_t now_ms)
{
    struct blob *value = cache_shared_lru_get(s, key, now_ms);
    blob_unref(value);
    return value != NULL;
}

Test(cache_shared_lru, gives_copies)
{
    put("a", "1", NULL);
    struct blob *first = cache_shared_lru_get(s, "a", 0), *second = cache_shared_lru_get(s, "a", 0);
    cr_assert_neq(first, second);
    cr_assert_str_eq(first->data, "1");
    cr_assert_eq(first->refs, 1);
    cr_assert_eq(cache_shared_lru_remove(s, "a"), 1);
    cr_assert_str_eq(second->data, "1");
    cr_assert_not(has("a", 0));
    blob_unref(first);
    blob_unref(second);
    cache_shared_lru_free(NULL);
}

Test(cache_shared_lru, does_what_the_cache_behind_it_does)
{
    put("a1", "1", (const char *const[]){"t", NULL});
    put("a2", "2", NULL);
    put("b", "3", (const char *const[]){"t", NULL});
    put("c", "4", NULL);
    cr_assert_eq(cache_shared_lru_invalidate(s, "a*"), 2);
    cr_assert_eq(cache_shared_lru_invalidate_tag(s, "t"), 1);
    cr_assert(has("c", 999));
    cr_assert_not(has("c", 1000));
    put("d", "5", NULL);
    cache_shared_lru_sweep(s, 1000);
    struct cache_lru_stats stats = cache_shared_lru_stats(s);
    cr_assert_eq(stats.entries, 0);
    cr_assert_eq(stats.expirations, 2);
    cr_assert_eq(stats.hits, 1);
    cr_assert_eq(stats.misses, 1);
    cr_assert_eq(stats.invalidated, 3);
    cache_shared_lru_reset_stats(s);
    cr_assert_eq(cache_shared_lru_stats(s).hits, 0);
    put("e", "6", NULL);
    put("f", "7", NULL);
    cache_shared_lru_configure(
        s, &(struct cache_limits){.max_entries = 1, .max_bytes = 1000, .ttl_ms = 1});
    cr_assert(has("f", 0));
    cr_assert_not(has("e", 0));
    struct blob *large = blob_new(2000);
    memset(large->data, 'x', large->len);
    struct cache_item item = {.key = "g", .value = large};
    cr_assert_eq(cache_shared_lru_put(s, &item, 0), UV_E2BIG);
    blob_unref(large);
    cr_assert_eq(cache_shared_lru_clear(s), 1);
}

enum { N_THREADS = 4, N_GETS = 5000 };

/* Each looks for all keys, and puts what is missing. */
static void work(void *arg)
{
    size_t *n_found = arg;
    for (int i = 0; i < N_GETS; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key-%d", i % 50);
        struct blob *value = cache_shared_lru_get(s, key, 0);
        if (value)
            *n_found += strcmp(value->data, key) == 0;
        else
            put(key, key, NULL);
        blob_unref(value);
    }
}

static void run_threads(size_t n_found[N_THREADS])
{
    uv_thread_t threads[N_THREADS];
    for (int i = 0; i < N_THREADS; i++)
        cr_assert_eq(uv_thread_create(&threads[i], work, &n_found[i]), 0);
    for (int i = 0; i < N_THREADS; i++)
        cr_assert_eq(uv_thread_join(&threads[i]), 0);
}

Test(cache_shared_lru, all_threads_see_one_cache)
{
    size_t n_found[N_THREADS] = {0}, n_total = 0;
    run_threads(n_found);
    struct cache_lru_stats stats = cache_shared_lru_stats(s);
    for (int i = 0; i < N_THREADS; i++)
        n_total += n_found[i];
    cr_assert_eq(stats.entries, 50, "what one put the others did not put beside it");
    cr_assert_eq(stats.hits, n_total, "each hit was the value of its key");
    cr_assert_eq(stats.hits + stats.misses, N_THREADS * N_GETS);
    cr_assert_eq(stats.misses, stats.insertions);
    cr_assert_geq(stats.misses, 50);
    cr_assert_leq(stats.misses, 50 * N_THREADS);
}

Test(cache_shared_lru, all_threads_together_stay_within_the_limits)
{
    size_t n_found[N_THREADS] = {0};
    cache_shared_lru_configure(
        s, &(struct cache_limits){.max_entries = 10, .max_bytes = 1500, .ttl_ms = 1000});
    run_threads(n_found);
    struct cache_lru_stats stats = cache_shared_lru_stats(s);
    cr_assert_leq(stats.entries, 10);
    cr_assert_leq(stats.peak_bytes, 1500);
    cr_assert_gt(stats.evicted_for_bytes, 0);
}
