/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>

#include "base/cleanup.h"
#include "base/map.h"

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
