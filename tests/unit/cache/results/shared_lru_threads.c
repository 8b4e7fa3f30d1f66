/* SPDX-License-Identifier: MIT */
/* Threads that do everything there is to do with one cache at once, under ThreadSanitizer. A value
 * says which key it is of and is the same byte all over, so a torn one shows. No Criterion: its
 * library is not built for this sanitizer. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "cache/results/shared_lru.h"
#include "tests/support/locks.h"

enum { N_THREADS = 4, N_STEPS = 50000, N_KEYS = 32 };

static struct cache_shared_lru *cache;

static const struct cache_limits limits[] = {
    {.max_entries = 20, .max_bytes = 1 << 20, .ttl_ms = 500},
    {.max_entries = 100, .max_bytes = 6000, .ttl_ms = 500, .idle_ms = 100},
};

static void fail(const char *what)
{
    fprintf(stderr, "shared_lru_threads: %s\n", what);
    exit(1);
}

static void check_value(const struct blob *value, unsigned key)
{
    if (value->len == 0 || (unsigned char)value->data[0] != key)
        fail("a value of another key");
    for (size_t i = 1; i < value->len; i++) {
        if (value->data[i] != value->data[0])
            fail("a value is torn");
    }
}

static void put(const char *name, unsigned key, uint64_t now_ms)
{
    const char *const tags[] = {"all", key % 2 ? "odd" : "even", NULL};
    struct blob *value = blob_new(1 + now_ms % 100);
    memset(value->data, (int)key, value->len);
    struct cache_item item = {.key = name, .value = value, .tags = tags};
    (void)cache_shared_lru_put(cache, &item, now_ms);
    blob_unref(value);
}

static void get(const char *name, unsigned key, uint64_t now_ms)
{
    struct blob *value = cache_shared_lru_get(cache, name, now_ms);
    if (value)
        check_value(value, key);
    blob_unref(value);
}

static void do_rarely(unsigned what, const char *name, uint64_t now_ms)
{
    if (what < 8)
        cache_shared_lru_remove(cache, name);
    else if (what < 10)
        cache_shared_lru_invalidate(cache, "key-1*");
    else if (what < 12)
        cache_shared_lru_invalidate_tag(cache, "odd");
    else if (what < 14)
        cache_shared_lru_sweep(cache, now_ms);
    else if (what < 16)
        cache_shared_lru_configure(cache, &limits[now_ms % countof(limits)]);
    else if (what < 17)
        cache_shared_lru_clear(cache);
    else if (what < 18)
        cache_shared_lru_reset_stats(cache);
    else if (cache_shared_lru_stats(cache).entries > 100)
        fail("more entries than may be");
}

static void *work(void *arg)
{
    unsigned state = (unsigned)(uintptr_t)arg;
    for (uint64_t now_ms = 1; now_ms <= N_STEPS; now_ms++) {
        char name[16];
        unsigned key = (unsigned)rand_r(&state) % N_KEYS, what = (unsigned)rand_r(&state) % 100;
        snprintf(name, sizeof(name), "key-%u", key);
        if (what < 20)
            do_rarely(what, name, now_ms);
        else if (what < 50)
            put(name, key, now_ms);
        else
            get(name, key, now_ms);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[N_THREADS];
    cache = cache_shared_lru_new(&limits[0]);
    for (uintptr_t i = 0; i < N_THREADS; i++) {
        if (pthread_create(&threads[i], NULL, work, (void *)(i + 1)) != 0)
            fail("no thread could be started");
    }
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    cache_shared_lru_free(cache);
    if (!has_locks)
        fail("without locks, no race was found");
    return 0;
}
