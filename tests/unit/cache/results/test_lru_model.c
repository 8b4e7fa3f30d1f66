/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "cache/results/glob.h"
#include "cache/results/lru.h"
#include "tests/unit/cache/dice.h"

/* A million random operations on the cache and on a model of it: an array in the order of use,
 * where everything is found by looking at all of it. After each operation both must say the same.
 * LDPLAYERD_TEST_SEED throws a run again, LDPLAYERD_TEST_STEPS another number of operations. */

enum { N_KEYS = 40, N_TAGS = 6, MAX_ITEMS = 64 };

struct item {
    int key; /* names[key] */
    uint64_t number;
    size_t len;
    int64_t made, fresh_until, kept_until, used;
    uint64_t n_uses;
    unsigned tags; /* a bit for each */
};

struct model {
    struct item items[MAX_ITEMS]; /* the one used last is at the end */
    size_t n;
    struct cache_limits limits;
    struct cache_lru_stats stats;
};

static char names[N_KEYS][8], tag_names[N_TAGS][8];
static struct model model;
static struct cache_lru *cache;
static struct dice dice;
static uint64_t now;

static size_t model_bytes(void)
{
    size_t bytes = 0;
    unsigned all_tags = 0;
    for (size_t i = 0; i < model.n; i++) {
        const struct item *item = &model.items[i];
        bytes += cache_lru_cost(strlen(names[item->key]), item->len,
                                (size_t)__builtin_popcount(item->tags));
        all_tags |= item->tags;
    }
    for (int t = 0; t < N_TAGS; t++) {
        if (all_tags & 1u << t)
            bytes += cache_lru_tag_cost(strlen(tag_names[t]));
    }
    return bytes;
}

static struct item *model_find(int key)
{
    for (size_t i = 0; i < model.n; i++) {
        if (model.items[i].key == key)
            return &model.items[i];
    }
    return NULL;
}

static void model_drop(struct item *item)
{
    size_t i = (size_t)(item - model.items);
    memmove(item, item + 1, (model.n - i - 1) * sizeof(*item));
    model.n--;
}

static void model_evict(void)
{
    for (; model.n > model.limits.max_entries; model.stats.evicted_for_entries++)
        model_drop(&model.items[0]);
    for (; model_bytes() > model.limits.max_bytes; model.stats.evicted_for_bytes++)
        model_drop(&model.items[0]);
}

static bool model_is_gone(const struct item *item)
{
    return (int64_t)now >= item->kept_until;
}

static void model_use(struct item *item)
{
    struct item copy = *item;
    copy.used = (int64_t)now;
    copy.n_uses++;
    model_drop(item);
    model.items[model.n++] = copy;
}

static bool model_get(int key)
{
    struct item *item = model_find(key);
    if (!item || model_is_gone(item) || (int64_t)now >= item->fresh_until)
        return false;
    model.stats.hits++;
    model_use(item);
    return true;
}

/* --- operations on both --- */

static int throw_key(void)
{
    return (int)dice_below(&dice, N_KEYS);
}

static void check_entry(const struct cache_lru_entry *e, const struct item *item)
{
    char number[32];
    size_t n = (size_t)snprintf(number, sizeof(number), "%" PRIu64, item->number);
    cr_assert_str_eq(e->by_key.key, names[item->key]);
    cr_assert_eq(e->value->len, item->len);
    cr_assert_eq(memcmp(e->value->data, number, n < item->len ? n : item->len), 0);
    cr_assert_eq(e->n_uses, item->n_uses);
    cr_assert_eq(e->used_at, item->used);
    cr_assert_eq(cache_lru_entry_age_ms(e, now), now - (uint64_t)item->made);
    cr_assert_eq(cache_lru_entry_ttl_ms(e), (uint64_t)(item->fresh_until - item->made));
    cr_assert_eq((int64_t)now > item->fresh_until ? now - (uint64_t)item->fresh_until : 0,
                 cache_lru_entry_stale_ms(e, now));
}

static void do_get(void)
{
    int key = throw_key();
    bool is_hit = model_get(key);
    struct cache_lru_entry *e = cache_lru_get(cache, names[key], now);
    cr_assert_eq(e != NULL, is_hit);
    if (e) {
        check_entry(e, model_find(key));
        return;
    }
    model.stats.misses++;
    struct item *item = model_find(key);
    if (item && model_is_gone(item)) {
        model_drop(item);
        model.stats.expirations++;
    }
}

static void do_try(void)
{
    int key = throw_key();
    bool is_hit = model_get(key);
    cr_assert_eq(cache_lru_try(cache, names[key], now) != NULL, is_hit);
}

static void do_peek(void)
{
    int key = throw_key();
    struct item *item = model_find(key);
    struct cache_lru_entry *e = cache_lru_peek(cache, names[key], now);
    cr_assert_eq(e != NULL, item && !model_is_gone(item));
    if (!e)
        return;
    check_entry(e, item);
    if (dice_below(&dice, 2)) {
        cache_lru_use(cache, e, now);
        model_use(item);
    }
}

static struct blob *make_value(uint64_t number, size_t len)
{
    char text[32];
    size_t n = (size_t)snprintf(text, sizeof(text), "%" PRIu64, number);
    struct blob *value = blob_new(len);
    memset(value->data, 'x', len);
    memcpy(value->data, text, n < len ? n : len);
    return value;
}

static void do_put(void)
{
    static uint64_t number;
    struct item it = {.key = throw_key(), .number = number++, .used = (int64_t)now};
    uint64_t age = dice_below(&dice, 4) ? 0 : dice_below(&dice, 50);
    uint64_t ttl = dice_below(&dice, 2) ? 0 : 1 + dice_below(&dice, 100);
    uint64_t stale = dice_below(&dice, 2) ? 0 : dice_below(&dice, 100);
    const char *tags[N_TAGS + 1] = {NULL};
    size_t n_tags = 0, bytes = 0;
    it.len = dice_below(&dice, dice_below(&dice, 20) ? 300 : 20000);
    it.tags = (unsigned)(dice_below(&dice, 1u << N_TAGS) & dice_below(&dice, 1u << N_TAGS));
    for (int t = 0; t < N_TAGS; t++) {
        if (!(it.tags & 1u << t))
            continue;
        tags[n_tags++] = tag_names[t];
        bytes += cache_lru_tag_cost(strlen(tag_names[t]));
    }
    it.made = (int64_t)(now - age);
    it.fresh_until = it.made + (int64_t)(ttl ? ttl : model.limits.ttl_ms);
    it.kept_until = it.fresh_until + (int64_t)stale;
    bytes += cache_lru_cost(strlen(names[it.key]), it.len, n_tags);

    struct item *old = model_find(it.key);
    if (old)
        model_drop(old);
    bool fits = bytes <= model.limits.max_bytes;
    if (fits) {
        model.items[model.n++] = it;
        model_evict();
        model.stats.insertions++;
    } else {
        model.stats.refused++;
    }
    struct cache_item item = {.key = names[it.key],
                              .value = make_value(it.number, it.len),
                              .age_ms = age,
                              .ttl_ms = ttl,
                              .stale_ms = stale,
                              .tags = tags};
    cr_assert_eq(cache_lru_put(cache, &item, now) == 0, fits);
}

static void do_remove(void)
{
    int key = throw_key();
    struct item *item = model_find(key);
    size_t n = item != NULL;
    if (item)
        model_drop(item);
    model.stats.invalidated += n;
    cr_assert_eq(cache_lru_remove(cache, names[key]), n);
}

static void do_invalidate(void)
{
    char pattern[8];
    const char *const shapes[] = {"k%d*", "*%d", "k?[!%d]", "*[%d-9]*"};
    snprintf(pattern, sizeof(pattern), shapes[dice_below(&dice, countof(shapes))],
             (int)dice_below(&dice, 10));
    size_t n = 0;
    for (size_t i = model.n; i-- > 0;) {
        if (!cache_glob_match(pattern, names[model.items[i].key]))
            continue;
        model_drop(&model.items[i]);
        n++;
    }
    model.stats.invalidated += n;
    cr_assert_eq(cache_lru_invalidate(cache, pattern), n, "%s", pattern);
}

static void do_invalidate_tag(void)
{
    int tag = (int)dice_below(&dice, N_TAGS);
    size_t n = 0;
    for (size_t i = model.n; i-- > 0;) {
        if (!(model.items[i].tags & 1u << tag))
            continue;
        model_drop(&model.items[i]);
        n++;
    }
    model.stats.invalidated += n;
    cr_assert_eq(cache_lru_tagged(cache, tag_names[tag]) != NULL, n > 0);
    cr_assert_eq(cache_lru_invalidate_tag(cache, tag_names[tag]), n);
}

static void do_clear(void)
{
    cr_assert_eq(cache_lru_clear(cache), model.n);
    model.stats.invalidated += model.n;
    model.n = 0;
}

static void do_sweep(void)
{
    for (size_t i = model.n; i-- > 0;) {
        if (!model_is_gone(&model.items[i]))
            continue;
        model_drop(&model.items[i]);
        model.stats.expirations++;
    }
    while (!cache_lru_sweep(cache, now, 1 + dice_below(&dice, 64)))
        ;
}

static void do_configure(void)
{
    struct cache_limits limits = {
        .max_entries = 1 + dice_below(&dice, N_KEYS + 10),
        .max_bytes = 1 + dice_below(&dice, dice_below(&dice, 8) ? 40000 : 2000),
        .ttl_ms = 1 + dice_below(&dice, 200),
    };
    model.limits = limits;
    model_evict();
    cache_lru_configure(cache, &limits);
}

static void do_reset(void)
{
    memset(&model.stats, 0, sizeof(model.stats));
    cache_lru_reset_stats(cache);
}

static void pass_time(void)
{
    now += dice_below(&dice, 30);
}

static void step(void)
{
    static const struct {
        unsigned weight;
        void (*fn)(void);
    } moves[] = {
        {300, do_get},   {100, do_try},       {100, do_peek},          {300, do_put},
        {30, do_remove}, {10, do_invalidate}, {10, do_invalidate_tag}, {2, do_clear},
        {10, do_sweep},  {20, do_configure},  {3, do_reset},           {115, pass_time},
    };
    unsigned at = (unsigned)dice_below(&dice, 1000);
    size_t i = 0;
    while (at >= moves[i].weight)
        at -= moves[i++].weight;
    moves[i].fn();
}

/* --- comparing --- */

static void compare_stats(void)
{
    struct cache_lru_stats stats = cache_lru_stats(cache);
    model.stats.entries = model.n;
    model.stats.bytes = model_bytes();
    if (model.stats.bytes > model.stats.peak_bytes)
        model.stats.peak_bytes = model.stats.bytes;
    cr_assert_eq(memcmp(&stats, &model.stats, sizeof(stats)), 0);
    cr_assert_leq(stats.bytes, model.limits.max_bytes);
    cr_assert_leq(stats.entries, model.limits.max_entries);
}

static void compare_entries(void)
{
    const struct cache_lru_entry *e = NULL;
    for (size_t i = model.n; i-- > 0;) {
        e = cache_lru_next(cache, e);
        cr_assert_not_null(e);
        check_entry(e, &model.items[i]);
    }
    cr_assert_null(cache_lru_next(cache, e));
}

Test(cache_lru_model, the_cache_does_what_an_obvious_one_does)
{
    const char *steps = getenv("LDPLAYERD_TEST_STEPS");
    unsigned long n_steps = steps ? strtoul(steps, NULL, 10) : 1000000;
    dice_init(&dice);
    for (int i = 0; i < N_KEYS; i++)
        snprintf(names[i], sizeof(names[i]), "k%d", i);
    for (int i = 0; i < N_TAGS; i++)
        snprintf(tag_names[i], sizeof(tag_names[i]), "tag:%d", i);
    now = 100;
    model.limits = (struct cache_limits){20, 20000, 100};
    cache = cache_lru_new(&model.limits);
    for (unsigned long i = 0; i < n_steps; i++) {
        step();
        compare_stats();
        if (i % 16 == 0)
            compare_entries();
    }
    compare_entries();
    cache_lru_free(cache);
}
