/* SPDX-License-Identifier: MIT */
#include "tests/unit/cache/results/results_fixture.h"

static struct house h;
static struct reader a, b, c;

static void set_up(void)
{
    house_open(&h, NULL);
    a.h = b.h = c.h = &h;
}

static void tear_down(void)
{
    house_close(&h);
}

TestSuite(cache_results_forget, .init = set_up, .fini = tear_down);

static struct cache_results_stats stats(void)
{
    return cache_results_stats(h.r);
}

/* --- invalidation --- */

static const char *const on_source[] = {"other", "source", NULL};
static const struct cache_policy bound = {
    .ttl_ms = 60000, .failure_ms = 1000, .dependencies = on_source};

Test(cache_results_forget, entries_are_forgotten_and_counted)
{
    fill(&h, "list", &bound, "1");
    fill(&h, "one", &bound, "2");
    fill(&h, "free_1", &plain, "3");
    fill(&h, "free_2", &plain, "4");
    fill(&h, "rest", &plain, "5");
    cr_assert_eq(cache_results_change(h.r, "nothing of ours", 7), 0);
    cr_assert_eq(cache_results_change(h.r, "source", 7), 2);
    cr_assert_eq(cache_results_invalidate(h.r, "free_*"), 2);
    cr_assert_eq(cache_results_invalidate(h.r, "[oops"), 0, "no pattern");
    cr_assert_eq(cache_results_invalidate(h.r, "none"), 0);
    cr_assert_eq(cache_results_clear(h.r), 1);
    fill(&h, "one", &plain, "6");
    cr_assert_eq(cache_results_invalidate(h.r, "one"), 1);
    cr_assert_eq(stats().invalidated, 6);
}

Test(cache_results_forget, what_is_told_again_has_not_changed)
{
    cache_results_change(h.r, "source", 7);
    fill(&h, "k", &bound, "v");
    cr_assert_eq(cache_results_change(h.r, "source", 7), 0);
    cr_assert_eq(cache_results_change(h.r, "other", 0), 0, "as it was to begin with");
    cr_assert_str_eq(look(&h, "k", &bound), "HIT v");
    cr_assert_eq(cache_results_change(h.r, "other", 1), 1);
    cr_assert_str_eq(look(&h, "k", &bound), "pending");
}

enum way { BY_PATTERN, BY_DEPENDENCY, BY_CLEAR };

static uint64_t state;

static void forget(enum way way)
{
    if (way == BY_PATTERN)
        cache_results_invalidate(h.r, "[k]*");
    else if (way == BY_DEPENDENCY)
        cache_results_change(h.r, "source", ++state);
    else
        cache_results_clear(h.r);
}

/* What a load read before an invalidation is for those who asked before it, and for nobody else. */
Test(cache_results_forget, a_load_that_was_overtaken_answers_who_waited_and_is_not_kept)
{
    for (enum way way = BY_PATTERN; way <= BY_CLEAR; way++) {
        h.n_begun = 0;
        ask(&a, "k", &bound);
        ask(&b, "k", &bound);
        forget(way);
        ask(&c, "k", &bound);
        cr_assert_eq(h.n_begun, 1, "there is one load at a time");
        end_load(&h, 0, "before");
        cr_assert_str_eq(told(&a), "MISS before");
        cr_assert_str_eq(told(&b), "MISS before");
        cr_assert_str_eq(told(&c), "pending");
        cr_assert_eq(h.n_begun, 2);
        end_load(&h, 0, "after");
        cr_assert_str_eq(told(&c), "MISS after");
        cr_assert_str_eq(look(&h, "k", &bound), "HIT after");

        ask_bypass(&a, "k", &bound);
        forget(way);
        end_load(&h, 0, "before");
        cr_assert_str_eq(told(&a), "BYPASS before");
        cr_assert_str_eq(look(&h, "k", &bound), "pending", "it was not kept");
    }
}

Test(cache_results_forget, what_did_not_change_during_a_load_does_not_matter)
{
    cache_results_change(h.r, "source", 1);
    ask(&a, "k", &bound);
    cache_results_change(h.r, "unrelated", 1);
    cache_results_change(h.r, "source", 1);
    cache_results_invalidate(h.r, "other*");
    cache_results_invalidate(h.r, "other");
    end_load(&h, 0, "v");
    cr_assert_str_eq(look(&h, "k", &bound), "HIT v");
}

Test(cache_results_forget, a_failure_of_an_overtaken_load_is_not_for_who_came_later)
{
    ask(&a, "k", &rich);
    cache_results_invalidate(h.r, "k");
    ask(&b, "k", &rich);
    end_load(&h, UV_EIO, NULL);
    cr_assert_str_eq(told(&a), "MISS EIO");
    cr_assert_str_eq(told(&b), "pending");
    end_load(&h, 0, "v");
    cr_assert_str_eq(told(&b), "MISS v");
}

Test(cache_results_forget, a_failure_of_an_overtaken_load_is_not_remembered)
{
    ask(&a, "k", &rich);
    cache_results_invalidate(h.r, "k");
    end_load(&h, UV_EIO, NULL);
    cr_assert_str_eq(told(&a), "MISS EIO");
    cr_assert_str_eq(look(&h, "k", &rich), "pending");
}
