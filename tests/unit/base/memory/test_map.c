/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/map.h"

struct item {
    struct map_node node;
    char key[16];
    bool seen;
};

static struct item items[1000];

static void fill(struct map *m)
{
    map_init(m);
    for (size_t i = 0; i < countof(items); i++) {
        snprintf(items[i].key, sizeof(items[i].key), "key-%zu", i);
        map_insert(m, &items[i].node, items[i].key);
    }
}

Test(map, finds_every_member_after_growing)
{
    struct map m;
    fill(&m);
    cr_assert_eq(m.n_items, countof(items));
    for (size_t i = 0; i < countof(items); i++)
        cr_assert_eq(map_find(&m, items[i].key), &items[i].node);
    cr_assert_null(map_find(&m, "key-1000"));
    cr_assert_null(map_find(&m, ""));
    map_deinit(&m);
}

Test(map, forgets_what_is_removed_and_nothing_else)
{
    struct map m;
    fill(&m);
    for (size_t i = 0; i < countof(items); i += 2)
        map_remove(&m, &items[i].node);
    cr_assert_eq(m.n_items, countof(items) / 2);
    for (size_t i = 0; i < countof(items); i++)
        cr_assert_eq(map_find(&m, items[i].key), i % 2 ? &items[i].node : NULL);
    map_deinit(&m);
}

Test(map, visits_each_member_once_even_while_they_are_removed)
{
    struct map m;
    size_t n = 0;
    fill(&m);
    for (struct map_node *node = map_next(&m, NULL), *next; node; node = next) {
        struct item *item = container_of(node, struct item, node);
        next = map_next(&m, node);
        cr_assert_not(item->seen);
        item->seen = true;
        n++;
        map_remove(&m, node);
    }
    cr_assert_eq(n, countof(items));
    cr_assert_eq(m.n_items, 0);
    cr_assert_null(map_next(&m, NULL));
    map_deinit(&m);
}

Test(map, gives_back_the_room_of_members_that_have_left)
{
    struct map m;
    fill(&m);
    size_t n_full = m.n_buckets;
    map_fit(&m);
    cr_assert_eq(m.n_buckets, n_full, "a full table stays");
    for (size_t i = 10; i < countof(items); i++)
        map_remove(&m, &items[i].node);
    map_fit(&m);
    cr_assert_lt(m.n_buckets, 64, "%zu buckets for 10 members", m.n_buckets);
    for (size_t i = 0; i < countof(items); i++)
        cr_assert_eq(map_find(&m, items[i].key), i < 10 ? &items[i].node : NULL);
    map_deinit(&m);
}

Test(map, an_empty_one_is_as_small_as_a_new_one)
{
    struct map m;
    fill(&m);
    for (size_t i = 0; i < countof(items); i++)
        map_remove(&m, &items[i].node);
    map_fit(&m);
    cr_assert_eq(m.n_buckets, 16);
    map_fit(&m);
    cr_assert_eq(m.n_buckets, 16);
    map_deinit(&m);
}

static size_t longest_chain(const struct map *m)
{
    size_t longest = 0;
    for (size_t i = 0; i < m->n_buckets; i++) {
        size_t n = 0;
        for (const struct map_node *node = m->buckets[i]; node; node = node->next)
            n++;
        longest = n > longest ? n : longest;
    }
    return longest;
}

/* A thousand members in 1,024 places at random: a chain of 13 comes once in a million runs. */
Test(map, spreads_keys_that_hardly_differ)
{
    static const char *const shapes[] = {"%03zu",
                                         "key-%03zu",
                                         "%03zu-and-a-tail-of-the-same-bytes",
                                         "a-head-of-the-same-bytes-and-then-%03zu",
                                         "sixteen bytes aa%03zu sixteen bytes bb",
                                         "twelve bytes%03zu and then a tail of many"};
    for (size_t shape = 0; shape < countof(shapes); shape++) {
        static char keys[1000][48];
        struct map m;
        map_init(&m);
        for (size_t i = 0; i < countof(items); i++) {
            snprintf(keys[i], sizeof(keys[i]), shapes[shape], i);
            map_insert(&m, &items[i].node, keys[i]);
        }
        cr_assert_lt(longest_chain(&m), 13, "%s: a chain of %zu", shapes[shape], longest_chain(&m));
        map_deinit(&m);
    }
}

Test(map, spreads_keys_that_differ_in_length_alone)
{
    static char bytes[countof(items) + 1];
    struct map m;
    map_init(&m);
    memset(bytes, 'x', countof(items));
    for (size_t i = 0; i < countof(items); i++)
        map_insert(&m, &items[i].node, bytes + i);
    cr_assert_lt(longest_chain(&m), 13, "a chain of %zu", longest_chain(&m));
    map_deinit(&m);
}

/* Of every length, and each byte counts. */
Test(map, tells_keys_of_one_byte_difference_apart)
{
    char key[70] = {0}, other[70];
    for (size_t len = 0; len < 64; len++) {
        struct map m;
        struct map_node node = {0};
        map_init(&m);
        map_insert(&m, &node, key);
        for (size_t i = 0; i < len; i++) {
            memcpy(other, key, sizeof(key));
            cr_assert_eq(map_find(&m, other), &node);
            other[i]++;
            cr_assert_null(map_find(&m, other), "byte %zu of %zu", i, len);
        }
        map_deinit(&m);
        key[len] = 'a';
    }
}
