/* SPDX-License-Identifier: MIT */
/* The cache that is usually written with GLib: a GHashTable from key to value, and a GQueue with
 * the keys in the order of use beside it. It has no limits, times or figures.
 *
 *     bench_cache_glib remove KEYS   a hit moves its key with g_queue_remove, which looks for it
 *     bench_cache_glib link KEYS     the value knows its link in the queue, so nothing is looked
 * for
 *         ->   {"ns":..} */
#include <stdbool.h>
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

static size_t hit_remove(const char *key)
{
    struct value *v = g_hash_table_lookup(table, key);
    g_queue_remove(&queue, v->key);
    g_queue_push_head(&queue, v->key);
    return g_bytes_get_size(v->bytes);
}

static size_t hit_link(const char *key)
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
    bool is_link = argc == 3 && strcmp(argv[1], "link") == 0;
    if (!is_link && (argc != 3 || strcmp(argv[1], "remove") != 0)) {
        fprintf(stderr, "Usage: bench_cache_glib remove|link KEYS\n");
        return 2;
    }
    cache_keys_init(&keys, timing_read_number(argv[2], "KEYS", MAX_KEYS));
    /* Looking through the queue takes a thousand times as long as anything else here. */
    size_t n_hits = is_link ? CACHE_KEYS_ASKED : 20000;
    table = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < keys.n; i++)
        put(keys.stored[i]);
    for (int round = 0; round < N_ROUNDS; round++) {
        uint64_t started = timing_thread_ns();
        for (size_t i = 0; i < n_hits; i++)
            sum += is_link ? hit_link(keys.asked[i]) : hit_remove(keys.asked[i]);
        ns[round] = (double)(timing_thread_ns() - started) / (double)n_hits;
    }
    if (sum != 5 * N_ROUNDS * n_hits) {
        fprintf(stderr, "bench_cache_glib: not all were hits\n");
        return 1;
    }
    printf("{\"ns\":%.2f}\n", timing_median(ns, N_ROUNDS));
    return 0;
}
