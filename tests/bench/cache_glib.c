/* SPDX-License-Identifier: MIT */
/* The cache that is well written with GLib: a GHashTable from key to value, and a GQueue in the
 * order of use whose links the values keep, so that nothing is looked for. It has no limits, times
 * or figures.
 *
 *     bench_cache_glib KEYS   ->   {"ns":..}     a hit */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "tests/bench/cache_keys.h"
#include "tests/bench/timing.h"

enum { N_ROUNDS = 5, MAX_KEYS = 1000000 };

struct value {
    char *key;
    GBytes *bytes;
    GList *link;
};

static GHashTable *table;
static GQueue queue = G_QUEUE_INIT;

static void put(const char *key)
{
    struct value *v = g_new0(struct value, 1);
    v->key = g_strdup(key);
    v->bytes = g_bytes_new("value", 5);
    g_queue_push_head(&queue, v->key);
    v->link = queue.head;
    g_hash_table_insert(table, v->key, v);
}

static size_t hit(const char *key)
{
    struct value *v = g_hash_table_lookup(table, key);
    g_queue_unlink(&queue, v->link);
    g_queue_push_head_link(&queue, v->link);
    return g_bytes_get_size(v->bytes);
}

int main(int argc, char **argv)
{
    struct cache_keys keys;
    double ns[N_ROUNDS];
    size_t sum = 0;
    if (argc != 2) {
        fprintf(stderr, "Usage: bench_cache_glib KEYS\n");
        return 2;
    }
    cache_keys_init(&keys, timing_read_number(argv[1], "KEYS", MAX_KEYS));
    table = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < keys.n; i++)
        put(keys.stored[i]);
    for (int round = 0; round < N_ROUNDS; round++) {
        uint64_t started = timing_thread_ns();
        for (size_t i = 0; i < CACHE_KEYS_ASKED; i++)
            sum += hit(keys.asked[i]);
        ns[round] = (double)(timing_thread_ns() - started) / CACHE_KEYS_ASKED;
    }
    if (sum != 5u * N_ROUNDS * CACHE_KEYS_ASKED) {
        fprintf(stderr, "bench_cache_glib: not all were hits\n");
        return 1;
    }
    printf("{\"ns\":%.2f}\n", timing_median(ns, N_ROUNDS));
    return 0;
}
