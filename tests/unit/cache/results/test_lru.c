/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "cache/results/lru.h"

static const struct cache_limits roomy = {
    .max_entries = 1000, .max_bytes = 1 << 20, .ttl_ms = 1000};

static struct cache_lru *l;

static void set_up(void)
{
    l = cache_lru_new(&roomy);
}

static void tear_down(void)
{
    cache_lru_free(l);
}

TestSuite(cache_lru, .init = set_up, .fini = tear_down);

static struct blob *text(const char *s)
{
    return blob_copy(s, strlen(s));
}

static void put(const char *key, const char *value, uint64_t now_ms)
{
    cr_assert_eq(cache_lru_put(l, &(struct cache_item){.key = key, .value = text(value)}, now_ms),
                 0);
}

static void put_tagged(const char *key, const char *const *tags)
{
    struct cache_item item = {.key = key, .value = text(key), .tags = tags};
    cr_assert_eq(cache_lru_put(l, &item, 0), 0);
}

static const char *get(const char *key, uint64_t now_ms)
{
    struct cache_lru_entry *e = cache_lru_get(l, key, now_ms);
    return e ? e->value->data : NULL;
}

static size_t count(void)
{
    return cache_lru_stats(l).entries;
}

/* The keys from the one used last, "c b a". */
static const char *order(void)
{
    static char keys[400];
    size_t len = 0;
    keys[0] = '\0';
    for (const struct cache_lru_entry *e = NULL; (e = cache_lru_next(l, e));)
        len +=
            (size_t)snprintf(keys + len, sizeof(keys) - len, "%s%s", len ? " " : "", e->by_key.key);
    return keys;
}

static void limit(uint64_t max_entries, uint64_t max_bytes)
{
    struct cache_limits limits = {max_entries, max_bytes, roomy.ttl_ms};
    cache_lru_configure(l, &limits);
}

/* --- basics --- */

Test(cache_lru, gives_what_was_put)
{
    cr_assert_null(get("a", 0));
    put("a", "1", 0);
    put("b", "2", 0);
    put("", "empty key", 0);
    cr_assert_str_eq(get("a", 0), "1");
    cr_assert_str_eq(get("b", 0), "2");
    cr_assert_str_eq(get("", 0), "empty key");
    cr_assert_null(get("A", 0));
    cr_assert_eq(count(), 3);
}

Test(cache_lru, putting_again_replaces)
{
    put("a", "old", 0);
    put("a", "new", 0);
    cr_assert_str_eq(get("a", 0), "new");
    cr_assert_eq(count(), 1);
}

Test(cache_lru, removes_one_and_says_so)
{
    put("a", "1", 0);
    put("b", "2", 0);
    cr_assert_eq(cache_lru_remove(l, "a"), 1);
    cr_assert_eq(cache_lru_remove(l, "a"), 0);
    cr_assert_null(get("a", 0));
    cr_assert_str_eq(get("b", 0), "2");
}

Test(cache_lru, clearing_leaves_nothing_and_counts_nothing_twice)
{
    for (int i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key-%d", i);
        put_tagged(key, (const char *const[]){"all", key, NULL});
    }
    cr_assert_eq(cache_lru_clear(l), 100);
    cr_assert_eq(cache_lru_clear(l), 0);
    cr_assert_eq(count(), 0);
    cr_assert_eq(cache_lru_stats(l).bytes, 0);
    cr_assert_null(get("key-1", 0));
    put("key-1", "again", 0);
    cr_assert_str_eq(get("key-1", 0), "again");
}

Test(cache_lru, a_value_that_is_held_outlives_its_entry)
{
    put("a", "held", 0);
    struct blob *value = blob_ref(cache_lru_get(l, "a", 0)->value);
    cache_lru_clear(l);
    cr_assert_str_eq(value->data, "held");
    cr_assert_eq(value->refs, 1);
    blob_unref(value);
    cache_lru_free(NULL);
}

Test(cache_lru, an_entry_can_be_put_again_from_itself)
{
    put_tagged("a", (const char *const[]){"t", NULL});
    const struct cache_lru_entry *e = cache_lru_peek(l, "a", 0);
    const char *const tags[] = {"t", "u", NULL};
    struct cache_item item = {.key = e->by_key.key, .value = blob_ref(e->value), .tags = tags};
    cr_assert_eq(cache_lru_put(l, &item, 5), 0);
    cr_assert_str_eq(get("a", 5), "a");
    cr_assert_str_eq(cache_lru_tagged(l, "u")->by_key.key, "a");
    cr_assert_eq(cache_lru_stats(l).bytes,
                 cache_lru_cost(1, 1, 2) + cache_lru_tag_cost(1) + cache_lru_tag_cost(1));
}

/* --- eviction --- */

Test(cache_lru, evicts_what_was_not_used_for_longest)
{
    limit(3, 1 << 20);
    put("a", "1", 0);
    put("b", "2", 0);
    put("c", "3", 0);
    get("a", 0);
    put("d", "4", 0);
    cr_assert_str_eq(order(), "d a c");
    cr_assert_null(get("b", 0));
    put("c", "5", 0);
    put("e", "6", 0);
    cr_assert_str_eq(order(), "e c d");
    cr_assert_eq(cache_lru_stats(l).evicted_for_entries, 2);
    cr_assert_eq(cache_lru_stats(l).evicted_for_bytes, 0);
}

Test(cache_lru, peeking_and_trying_in_vain_do_not_save_an_entry)
{
    limit(2, 1 << 20);
    put("a", "1", 0);
    put("b", "2", 0);
    cr_assert_not_null(cache_lru_peek(l, "a", 0));
    cr_assert_null(cache_lru_try(l, "a", 1000), "it is not fresh");
    put("c", "3", 0);
    cr_assert_str_eq(order(), "c b");
    cache_lru_use(l, cache_lru_peek(l, "b", 0), 0);
    cr_assert_str_eq(order(), "b c");
}

Test(cache_lru, stays_below_its_bytes_and_counts_all_of_an_entry)
{
    char value[1000] = {0};
    size_t each = cache_lru_cost(1, sizeof(value), 0);
    cr_assert_gt(each, 1 + sizeof(value) + sizeof(struct cache_lru_entry) + sizeof(struct blob));
    limit(1000, 3 * each);
    for (char key[] = "a"; *key <= 'z'; ++*key) {
        struct cache_item item = {.key = key, .value = blob_copy(value, sizeof(value))};
        cr_assert_eq(cache_lru_put(l, &item, 0), 0);
        cr_assert_leq(cache_lru_stats(l).bytes, 3 * each);
    }
    cr_assert_str_eq(order(), "z y x");
    cr_assert_eq(cache_lru_stats(l).evicted_for_bytes, 23);
    cr_assert_eq(cache_lru_stats(l).evicted_for_entries, 0);
    cr_assert_eq(cache_lru_stats(l).peak_bytes, 3 * each);
}

Test(cache_lru, refuses_what_cannot_fit_and_forgets_what_it_should_replace)
{
    limit(10, cache_lru_cost(1, 1, 0));
    put("a", "1", 0);
    struct cache_item item = {.key = "a", .value = text("twenty bytes more ..")};
    cr_assert_eq(cache_lru_put(l, &item, 0), UV_E2BIG);
    cr_assert_null(get("a", 0), "the old value is outdated");
    put("a", "1", 0);
    item = (struct cache_item){.key = "b", .value = text("x"), .tags = (const char *[]){"t", NULL}};
    cr_assert_eq(cache_lru_put(l, &item, 0), UV_E2BIG, "tags take room as well");
    cr_assert_str_eq(get("a", 0), "1", "nothing was evicted for it");
    cr_assert_eq(cache_lru_stats(l).refused, 2);
    cr_assert_eq(cache_lru_stats(l).evicted_for_bytes, 0);
}

/* --- time --- */

Test(cache_lru, entries_end_after_the_default_ttl)
{
    put("a", "1", 5000);
    cr_assert_str_eq(get("a", 5999), "1");
    cr_assert_null(get("a", 6000));
    cr_assert_eq(count(), 0, "it is removed when it is asked for");
    cr_assert_eq(cache_lru_stats(l).expirations, 1);
}

Test(cache_lru, entries_end_after_their_own_ttl)
{
    struct cache_item item = {.key = "a", .value = text("1"), .ttl_ms = 10};
    cache_lru_put(l, &item, 0);
    item = (struct cache_item){.key = "b", .value = text("2"), .ttl_ms = 5000};
    cache_lru_put(l, &item, 0);
    cr_assert_null(get("a", 10));
    cr_assert_str_eq(get("b", 4999), "2");
    cr_assert_null(get("b", 5000));
}

Test(cache_lru, using_an_entry_does_not_make_it_live_longer)
{
    put("a", "1", 0);
    for (uint64_t now = 0; now < 1000; now += 100)
        cr_assert_not_null(get("a", now));
    cr_assert_null(get("a", 1000));
}

Test(cache_lru, a_stale_entry_can_be_peeked_until_its_time_is_over)
{
    struct cache_item item = {.key = "a", .value = text("1"), .ttl_ms = 100, .stale_ms = 50};
    cache_lru_put(l, &item, 0);
    cr_assert_null(get("a", 100));
    const struct cache_lru_entry *e = cache_lru_peek(l, "a", 149);
    cr_assert_not_null(e);
    cr_assert_eq(cache_lru_entry_age_ms(e, 149), 149);
    cr_assert_eq(cache_lru_entry_ttl_ms(e), 100);
    cr_assert_eq(cache_lru_entry_stale_ms(e, 149), 49);
    cr_assert_eq(cache_lru_entry_stale_ms(e, 99), 0);
    cr_assert_null(cache_lru_peek(l, "a", 150));
    cr_assert_eq(count(), 1, "looking removes nothing");
    cr_assert_null(get("a", 150));
    cr_assert_eq(count(), 0);
}

Test(cache_lru, what_was_made_elsewhere_keeps_its_age)
{
    struct cache_item item = {.key = "a", .value = text("1"), .age_ms = 700, .ttl_ms = 1000};
    cache_lru_put(l, &item, 10);
    const struct cache_lru_entry *e = cache_lru_get(l, "a", 309);
    cr_assert_not_null(e);
    cr_assert_eq(cache_lru_entry_age_ms(e, 309), 999);
    cr_assert_null(get("a", 310));
}

Test(cache_lru, a_try_that_fails_counts_nothing)
{
    cr_assert_null(cache_lru_try(l, "a", 0));
    put("a", "1", 0);
    cr_assert_not_null(cache_lru_try(l, "a", 999));
    cr_assert_null(cache_lru_try(l, "a", 1000));
    cr_assert_eq(cache_lru_stats(l).hits, 1);
    cr_assert_eq(cache_lru_stats(l).misses, 0);
    cr_assert_eq(cache_lru_stats(l).expirations, 0);
}

Test(cache_lru, absurd_times_are_cut)
{
    struct cache_item item = {.key = "a",
                              .value = text("1"),
                              .age_ms = UINT64_MAX,
                              .ttl_ms = UINT64_MAX,
                              .stale_ms = UINT64_MAX};
    cache_lru_put(l, &item, 1);
    cr_assert_null(get("a", 1));
    cr_assert_not_null(cache_lru_peek(l, "a", CACHE_MAX_MS));
    cr_assert_null(cache_lru_peek(l, "a", 1 + CACHE_MAX_MS));
}

Test(cache_lru, sweeping_removes_what_is_gone_and_keeps_what_is_stale)
{
    struct cache_item item = {.key = "stale", .value = text("1"), .stale_ms = 5000};
    cache_lru_put(l, &item, 0);
    put("old", "2", 0);
    put("young", "3", 500);
    cr_assert(cache_lru_sweep(l, 1000, SIZE_MAX));
    cr_assert_str_eq(order(), "young stale");
    cr_assert_eq(cache_lru_stats(l).expirations, 1);
    cr_assert(cache_lru_sweep(l, 6000, SIZE_MAX));
    cr_assert_eq(count(), 0);
}

Test(cache_lru, sweeping_goes_on_where_it_stopped)
{
    for (int i = 0; i < 500; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key-%d", i);
        put(key, "x", 0);
    }
    size_t n_calls = 1, before = count();
    for (; !cache_lru_sweep(l, 1000, 32); n_calls++) {
        cr_assert_leq(count(), before);
        before = count();
    }
    cr_assert_eq(count(), 0);
    cr_assert_eq(n_calls, 512 / 32);
    cr_assert_eq(cache_lru_stats(l).expirations, 500);
}

/* --- invalidation --- */

Test(cache_lru, forgets_what_a_pattern_matches)
{
    put("workstations_list", "1", 0);
    put("workstations_7", "2", 0);
    put("instances_list", "3", 0);
    cr_assert_eq(cache_lru_invalidate(l, "nothing*"), 0);
    cr_assert_eq(cache_lru_invalidate(l, "workstations_*"), 2);
    cr_assert_str_eq(order(), "instances_list");
    cr_assert_eq(cache_lru_invalidate(l, "*_l?st"), 1);
    cr_assert_eq(cache_lru_stats(l).invalidated, 3);
}

Test(cache_lru, forgets_all_that_depends_on_a_name)
{
    put_tagged("list",
               (const char *const[]){"instance:1", "instance:2", "workstation:local", NULL});
    put_tagged("one", (const char *const[]){"instance:1", NULL});
    put_tagged("two", (const char *const[]){"instance:2", NULL});
    put("free", "x", 0);
    cr_assert_eq(cache_lru_invalidate_tag(l, "instance:3"), 0);
    cr_assert_null(cache_lru_tagged(l, "instance:3"));
    cr_assert_eq(cache_lru_invalidate_tag(l, "instance:1"), 2);
    cr_assert_str_eq(order(), "free two");
    cr_assert_null(cache_lru_tagged(l, "workstation:local"));
    cr_assert_str_eq(cache_lru_tagged(l, "instance:2")->by_key.key, "two");
    cr_assert_eq(cache_lru_invalidate_tag(l, "instance:2"), 1);
    cr_assert_eq(cache_lru_stats(l).bytes, cache_lru_cost(4, 1, 0), "tags go with their entries");
}

Test(cache_lru, replacing_an_entry_replaces_its_tags)
{
    put_tagged("a", (const char *const[]){"t", NULL});
    put_tagged("a", (const char *const[]){"u", NULL});
    cr_assert_eq(cache_lru_invalidate_tag(l, "t"), 0);
    cr_assert_eq(cache_lru_invalidate_tag(l, "u"), 1);
}

Test(cache_lru, a_name_given_twice_is_one_dependency)
{
    put_tagged("a", (const char *const[]){"t", "t", NULL});
    cr_assert_eq(cache_lru_invalidate_tag(l, "t"), 1);
    cr_assert_eq(cache_lru_stats(l).bytes, 0);
}

/* --- configuration --- */

Test(cache_lru, smaller_limits_evict_at_once)
{
    for (char key[] = "a"; *key <= 'j'; ++*key)
        put(key, "1", 0);
    limit(7, 1 << 20);
    cr_assert_str_eq(order(), "j i h g f e d");
    limit(7, 2 * cache_lru_cost(1, 1, 0));
    cr_assert_str_eq(order(), "j i");
    cr_assert_eq(cache_lru_stats(l).evicted_for_entries, 3);
    cr_assert_eq(cache_lru_stats(l).evicted_for_bytes, 5);
}

Test(cache_lru, larger_limits_lose_nothing)
{
    limit(2, 1 << 20);
    put("a", "1", 0);
    put("b", "2", 0);
    limit(3, 1 << 20);
    put("c", "3", 0);
    cr_assert_str_eq(order(), "c b a");
}

Test(cache_lru, a_new_default_ttl_is_for_what_is_put_from_then_on)
{
    struct cache_limits limits = roomy;
    put("a", "1", 0);
    limits.ttl_ms = 10;
    cache_lru_configure(l, &limits);
    put("b", "2", 0);
    cr_assert_str_eq(get("a", 999), "1");
    cr_assert_null(get("b", 10));
}

/* --- statistics and listing --- */

Test(cache_lru, counts_hits_misses_and_insertions)
{
    put("a", "1", 0);
    put("a", "2", 0);
    get("a", 0);
    get("a", 1);
    get("b", 0);
    cr_assert_not_null(cache_lru_try(l, "a", 2));
    cr_assert_null(cache_lru_try(l, "b", 2));
    struct cache_lru_stats stats = cache_lru_stats(l);
    cr_assert_eq(stats.hits, 3);
    cr_assert_eq(stats.misses, 1, "trying in vain is no miss");
    cr_assert_eq(stats.insertions, 2);
    cr_assert_eq(stats.entries, 1);
    cr_assert_eq(stats.bytes, cache_lru_cost(1, 1, 0));
}

Test(cache_lru, resetting_forgets_the_past_and_keeps_the_present)
{
    put("a", "1", 0);
    put("b", "2", 0);
    cache_lru_remove(l, "a");
    get("b", 0);
    cache_lru_reset_stats(l);
    struct cache_lru_stats stats = cache_lru_stats(l), zero = {.entries = 1};
    zero.bytes = zero.peak_bytes = cache_lru_cost(1, 1, 0);
    cr_assert_eq(memcmp(&stats, &zero, sizeof(stats)), 0);
    cr_assert_str_eq(get("b", 0), "2");
}

Test(cache_lru, the_peak_stays_when_bytes_go)
{
    put("a", "1", 0);
    put("b", "2", 0);
    uint64_t both = cache_lru_stats(l).bytes;
    cache_lru_remove(l, "a");
    cr_assert_eq(cache_lru_stats(l).peak_bytes, both);
    cr_assert_lt(cache_lru_stats(l).bytes, both);
}

Test(cache_lru, an_entry_knows_its_uses)
{
    put("a", "1", 100);
    get("a", 150);
    get("a", 170);
    const struct cache_lru_entry *e = cache_lru_next(l, NULL);
    cr_assert_str_eq(e->by_key.key, "a");
    cr_assert_eq(e->n_uses, 2);
    cr_assert_eq(e->used_at, 170);
    cr_assert_eq(e->bytes, cache_lru_cost(1, 1, 0));
    cr_assert_null(cache_lru_next(l, e));
}
