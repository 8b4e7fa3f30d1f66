/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "cache/results/changes.h"

static uint64_t last(const struct cache_changes *c, const char *a, const char *b)
{
    const char *names[] = {a, b, NULL};
    return cache_changes_last(c, names).sequence;
}

Test(cache_changes, knows_the_last_change_of_any_of_some_names)
{
    struct cache_changes *c = cache_changes_new(10);
    cr_assert_eq(last(c, "a", "b"), 0);
    cache_changes_note(c, "a", (struct cache_change_time){1, 100});
    cache_changes_note(c, "b", (struct cache_change_time){2, 200});
    cache_changes_note(c, "a", (struct cache_change_time){3, 300});
    cr_assert_eq(last(c, "a", "b"), 3);
    cr_assert_eq(last(c, "b", "c"), 2);
    cr_assert_eq(last(c, "c", NULL), 0);
    cr_assert_eq(cache_changes_last(c, (const char *const[]){"b", NULL}).at_ms, 200);
    cr_assert_eq(cache_changes_last(c, NULL).sequence, 0);
    cache_changes_free(c);
    cache_changes_free(NULL);
}

Test(cache_changes, takes_what_it_has_dropped_for_changed_as_late_as_that)
{
    struct cache_changes *c = cache_changes_new(2);
    cache_changes_note(c, "a", (struct cache_change_time){1, 100});
    cache_changes_note(c, "b", (struct cache_change_time){2, 200});
    cache_changes_note(c, "a", (struct cache_change_time){3, 300});
    cache_changes_note(c, "c", (struct cache_change_time){4, 400});
    cr_assert_eq(last(c, "a", NULL), 3);
    cr_assert_eq(last(c, "c", NULL), 4);
    cr_assert_eq(last(c, "b", NULL), 2, "it was dropped");
    cr_assert_eq(last(c, "never", NULL), 2, "it may have been");
    cr_assert_eq(last(c, NULL, NULL), 0, "no name, no change");
    cache_changes_free(c);
}
