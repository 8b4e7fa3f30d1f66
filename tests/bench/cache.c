/* SPDX-License-Identifier: MIT */
/* What the result cache costs: the time of an operation, or the bytes it takes.
 *
 *     bench_cache hit KEYS                 a hit in the result cache
 *     bench_cache lookup KEYS              finding the same keys in a bare base/memory/map
 *     bench_cache invalidate KEYS PATTERN  forgetting what a pattern matches, one key in a hundred
 *     bench_cache scan KEYS PREFIX         looking at the same entries in the same order, comparing
 *                                          the start of each key, counting those that match
 *         ->   {"ns":..}, for `invalidate` and `scan` of one key
 *     bench_cache memory KEYS BYTES        values of up to BYTES, half as many on average
 *         ->   {"said":..,"taken":..}
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "cache/results/results.h"
#include "tests/bench/cache_keys.h"
#include "tests/bench/timing.h"

enum { N_ROUNDS = 5, MAX_KEYS = 1000000 };

static const struct cache_limits limits = {
    .max_entries = MAX_KEYS, .max_bytes = INT64_C(1) << 34, .ttl_ms = 3600000};

static int print_ns(double *ns)
{
    printf("{\"ns\":%.2f}\n", timing_median(ns, N_ROUNDS));
    return 0;
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench_cache: %s\n", what);
    exit(1);
}

/* --- a hit and a lookup --- */

static int measure_hit(struct cache_keys *keys)
{
    static const struct cache_policy policy = {.ttl_ms = 3600000};
    struct cache_results_options options = {.limits = limits, .is_enabled = true, .max_waiters = 1};
    struct loop loop;
    double ns[N_ROUNDS];
    size_t sum = 0;
    if (loop_init(&loop) < 0)
        fail("no loop");
    struct cache_results *r = cache_results_new(&loop, NULL, &options);
    for (size_t i = 0; i < keys->n; i++)
        cache_results_put(r, keys->stored[i], &policy, blob_copy("value", 5), 0);
    for (int round = 0; round < N_ROUNDS; round++) {
        uint64_t started = timing_thread_ns(), age_ms;
        for (size_t i = 0; i < CACHE_KEYS_ASKED; i++)
            sum += cache_results_get(r, keys->asked[i], &age_ms)->len;
        ns[round] = (double)(timing_thread_ns() - started) / CACHE_KEYS_ASKED;
    }
    if (sum != 5u * N_ROUNDS * CACHE_KEYS_ASKED ||
        cache_results_stats(r).hits != (uint64_t)N_ROUNDS * CACHE_KEYS_ASKED)
        fail("not all were hits");
    return print_ns(ns);
}

/* A key and its value, and nothing else. */
struct member {
    struct map_node node;
    struct blob *value;
    char key[];
};

static int measure_lookup(struct cache_keys *keys)
{
    struct map map;
    double ns[N_ROUNDS];
    size_t sum = 0;
    map_init(&map);
    for (size_t i = 0; i < keys->n; i++) {
        struct member *m = mem_alloc(sizeof(*m) + strlen(keys->stored[i]) + 1);
        m->value = blob_copy("value", 5);
        strcpy(m->key, keys->stored[i]);
        map_insert(&map, &m->node, m->key);
    }
    for (int round = 0; round < N_ROUNDS; round++) {
        uint64_t started = timing_thread_ns();
        for (size_t i = 0; i < CACHE_KEYS_ASKED; i++)
            sum += container_of(map_find(&map, keys->asked[i]), struct member, node)->value->len;
        ns[round] = (double)(timing_thread_ns() - started) / CACHE_KEYS_ASKED;
    }
    if (sum != 5u * N_ROUNDS * CACHE_KEYS_ASKED)
        fail("not all were found");
    return print_ns(ns);
}

/* --- invalidation --- */

static void put(struct cache_lru *l, const char *key, size_t len)
{
    struct cache_item item = {.key = key, .value = blob_new(len)};
    cache_lru_put(l, &item, 1);
}

/* A cache as one looks after a while: the order of use is not the order in memory. */
static struct cache_lru *fill(const struct cache_keys *keys)
{
    struct cache_lru *l = cache_lru_new(&limits);
    for (size_t i = 0; i < keys->n; i++)
        put(l, keys->stored[i], 100);
    for (size_t i = 0; i < CACHE_KEYS_ASKED; i++)
        cache_lru_get(l, keys->asked[i], 1);
    return l;
}

static int measure_invalidate(struct cache_keys *keys, const char *pattern)
{
    struct cache_lru *l = fill(keys);
    double ns[N_ROUNDS];
    for (int round = 0; round < N_ROUNDS; round++) {
        uint64_t started = timing_thread_ns();
        size_t n = cache_lru_invalidate(l, pattern);
        ns[round] = (double)(timing_thread_ns() - started) / (double)keys->n;
        if (n != (keys->n + 99) / 100)
            fail("the pattern should match one key in a hundred");
        for (size_t i = 0; i < keys->n; i += 100)
            put(l, keys->stored[i], 100);
    }
    cache_lru_free(l);
    return print_ns(ns);
}

static int measure_scan(struct cache_keys *keys, const char *prefix)
{
    struct cache_lru *l = fill(keys);
    double ns[N_ROUNDS];
    size_t len = strlen(prefix);
    for (int round = 0; round < N_ROUNDS; round++) {
        uint64_t started = timing_thread_ns();
        size_t n = 0;
        for (const struct cache_lru_entry *e = NULL; (e = cache_lru_next(l, e));)
            n += strncmp(e->by_key.key, prefix, len) == 0;
        ns[round] = (double)(timing_thread_ns() - started) / (double)keys->n;
        if (n != (keys->n + 99) / 100)
            fail("the prefix should match one key in a hundred");
        /* What the other side does between its rounds. */
        for (size_t i = 0; i < keys->n; i += 100)
            put(l, keys->stored[i], 100);
    }
    cache_lru_free(l);
    return print_ns(ns);
}

/* --- memory --- */

static size_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static int measure_memory(struct cache_keys *keys, unsigned max_len)
{
    size_t before = allocated();
    struct cache_lru *l = cache_lru_new(&limits);
    for (size_t i = 0; i < keys->n; i++)
        put(l, keys->stored[i], i * 7919 % (max_len + 1));
    size_t taken = allocated() - before;
    printf("{\"said\":%zu,\"taken\":%zu}\n", (size_t)cache_lru_stats(l).bytes, taken);
    cache_lru_free(l);
    return 0;
}

int main(int argc, char **argv)
{
    struct cache_keys keys;
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "Usage: bench_cache WHAT KEYS [PATTERN|PREFIX|BYTES]\n");
        return 2;
    }
    const char *what = argv[1], *detail = argc == 4 ? argv[3] : "";
    cache_keys_init(&keys, timing_read_number(argv[2], "KEYS", MAX_KEYS));
    if (strcmp(what, "hit") == 0)
        return measure_hit(&keys);
    if (strcmp(what, "lookup") == 0)
        return measure_lookup(&keys);
    if (strcmp(what, "invalidate") == 0)
        return measure_invalidate(&keys, detail);
    if (strcmp(what, "scan") == 0)
        return measure_scan(&keys, detail);
    if (strcmp(what, "memory") == 0)
        return measure_memory(&keys, timing_read_number(detail, "BYTES", 1000000));
    fail("hit, lookup, invalidate, scan or memory?");
}
