/* SPDX-License-Identifier: MIT */
#include "tests/unit/cache/results/fake_tier.h"
#include "tests/unit/cache/results/results_fixture.h"

/* The second tier: what is asked of it, what it is told, and what becomes of its answers. */

static struct house h;
static struct fake_tier tier;
static struct reader a, b, c;

static const struct cache_policy policy = {
    .ttl_ms = 60000, .stale_ms = 30000, .error_ms = 60000, .failure_ms = 1000};
static const char *const on_source[] = {"source", NULL};
static const struct cache_policy bound = {
    .ttl_ms = 60000, .error_ms = 60000, .dependencies = on_source};

static void set_up(void)
{
    fake_tier_init(&tier);
    house_open(&h, &tier.base);
    a.h = b.h = c.h = &h;
}

static void tear_down(void)
{
    house_close(&h);
    fake_tier_deinit(&tier);
}

TestSuite(cache_results_tier, .init = set_up, .fini = tear_down);

static struct cache_results_stats stats(void)
{
    return cache_results_stats(h.r);
}

/* As a former process put it AGE_MS ago, when what it is made from was in state MADE_FROM. */
static void store_made_from(const char *key, const char *value, uint64_t age_ms, uint64_t made_from)
{
    const struct cache_tier_item item = {
        .value = blob_copy(value, strlen(value)),
        .age_ms = age_ms,
        .ttl_ms = policy.ttl_ms,
        .stale_ms = policy.error_ms,
        .made_from = made_from,
    };
    fake_tier_store(&tier, key, &item);
    blob_unref(item.value);
}

static void store(const char *key, const char *value, uint64_t age_ms)
{
    store_made_from(key, value, age_ms, 0);
}

Test(cache_results_tier, what_is_loaded_goes_there_and_outlives_memory)
{
    cr_assert_eq(cache_results_tier(h.r), &tier.base);
    fill(&h, "k", &policy, "v");
    const struct cache_tier_item *item = fake_tier_find(&tier, "k");
    cr_assert_not_null(item);
    cr_assert_eq(item->age_ms, 0);
    cr_assert_eq(item->ttl_ms, 60000);
    cr_assert_eq(item->stale_ms, 60000);
    cr_assert_eq(tier.n_asked, 1, "before it was loaded");
    cr_assert_str_eq(look(&h, "k", &policy), "HIT v");
    cr_assert_eq(tier.n_asked, 1, "memory has it");
    cr_assert_eq(h.n_begun, 1);
}

Test(cache_results_tier, a_miss_in_memory_is_a_hit_with_its_age)
{
    store("k", "v", 20000);
    ask(&a, "k", &policy);
    cr_assert_str_eq(told(&a), "HIT v");
    cr_assert_eq(a.age_ms, 20000);
    cr_assert_eq(h.n_begun, 0);
    ask(&b, "k", &policy);
    cr_assert_str_eq(told(&b), "HIT v");
    cr_assert_eq(tier.n_asked, 1, "now memory has it");
    cr_assert_eq(stats().tier_hits, 1);
    cr_assert_eq(stats().hits, 2);
    now_ms += 40000;
    ask(&a, "k", &policy);
    cr_assert_str_eq(told(&a), "STALE v", "the TTL began where it was made");
}

Test(cache_results_tier, readers_share_the_question)
{
    tier.is_async = true;
    store("k", "v", 0);
    ask(&a, "k", &policy);
    ask(&b, "k", &policy);
    cr_assert_eq(tier.n_asked, 1);
    cache_results_cancel(b.wait);
    ask(&c, "k", &policy);
    fake_tier_answer(&tier, 0);
    cr_assert_str_eq(told(&a), "HIT v");
    cr_assert_str_eq(told(&b), "pending");
    cr_assert_str_eq(told(&c), "HIT v");
    cr_assert_eq(stats().tier_hits, 2);
    cr_assert_eq(h.n_begun, 0);
}

Test(cache_results_tier, what_it_does_not_have_is_loaded)
{
    tier.is_async = true;
    ask(&a, "k", &policy);
    cr_assert_eq(h.n_begun, 0);
    fake_tier_answer(&tier, 0);
    cr_assert_eq(h.n_begun, 1);
    end_load(&h, 0, "v");
    cr_assert_str_eq(told(&a), "MISS v");
}

Test(cache_results_tier, a_bypass_does_not_ask_it)
{
    store("k", "old", 0);
    ask_bypass(&a, "k", &policy);
    cr_assert_eq(tier.n_asked, 0);
    end_load(&h, 0, "new");
    cr_assert_str_eq(told(&a), "BYPASS new");
    cache_results_configure(h.r, &(struct cache_results_options){.limits = house_options().limits,
                                                                 .is_enabled = false});
    struct cache_results_options options = house_options();
    cache_results_configure(h.r, &options);
    cr_assert_str_eq(look(&h, "k", &policy), "HIT new", "the tier has the new value");
}

Test(cache_results_tier, a_bypass_that_came_while_it_was_asked_still_loads)
{
    tier.is_async = true;
    store("k", "old", 0);
    ask(&a, "k", &policy);
    ask_bypass(&b, "k", &policy);
    fake_tier_answer(&tier, 0);
    cr_assert_str_eq(told(&a), "HIT old");
    cr_assert_str_eq(told(&b), "pending");
    end_load(&h, 0, "new");
    cr_assert_str_eq(told(&b), "BYPASS new");
    cr_assert_str_eq(look(&h, "k", &policy), "HIT new");
}

Test(cache_results_tier, what_is_too_old_there_answers_as_a_stale_one_and_is_renewed)
{
    store("k", "old", 89999);
    ask(&a, "k", &policy);
    cr_assert_str_eq(told(&a), "STALE old");
    cr_assert_eq(a.age_ms, 89999);
    cr_assert_eq(h.n_loads, 1);
    cr_assert_eq(stats().refreshes, 1);
    end_load(&h, 0, "new");
    cr_assert_str_eq(look(&h, "k", &policy), "HIT new");
}

Test(cache_results_tier, what_is_even_older_there_only_bridges_errors)
{
    store("k", "old", 90000);
    ask(&a, "k", &policy);
    cr_assert_str_eq(told(&a), "pending");
    end_load(&h, UV_EIO, NULL);
    cr_assert_str_eq(told(&a), "STALE old");
    now_ms += 29999;
    cr_assert_str_eq(look(&h, "k", &policy), "pending", "the failure is forgotten by now");
    ask(&a, "k", &policy);
    end_load(&h, UV_EIO, NULL);
    cr_assert_str_eq(told(&a), "STALE old");
    now_ms += 1;
    ask(&b, "k", &policy);
    cr_assert_str_eq(told(&b), "MISS EIO");
}

Test(cache_results_tier, who_asks_for_an_age_gets_what_is_young_enough)
{
    tier.is_async = true;
    store("k", "v", 1000);
    ask_young(&a, "k", &policy, 1000);
    ask_young(&b, "k", &policy, 999);
    fake_tier_answer(&tier, 0);
    cr_assert_str_eq(told(&a), "HIT v");
    cr_assert_str_eq(told(&b), "pending");
    end_load(&h, 0, "new");
    cr_assert_str_eq(told(&b), "BYPASS new");
}

Test(cache_results_tier, a_value_too_large_for_memory_is_taken_out_of_it)
{
    struct cache_results_options options = house_options();
    store("k", "far too large to be kept in memory, with little room", 0);
    options.limits.max_bytes = 200;
    cache_results_configure(h.r, &options);
    ask(&a, "k", &policy);
    cr_assert_str_eq(told(&a), "HIT far too large to be kept in memory, with little room");
    ask_bypass(&a, "k", &policy);
    end_load(&h, 0, "again far too large to be kept in memory, with little room");
    cr_assert_null(fake_tier_find(&tier, "k"), "it is outdated");
}

/* --- what it is told --- */

Test(cache_results_tier, it_is_told_of_what_is_invalidated)
{
    fill(&h, "m", &policy, "x");
    cache_results_invalidate(h.r, "m");
    cr_assert_str_eq(tier.told, "m ");
    cache_results_invalidate(h.r, "n*");
    cr_assert_str_eq(tier.told, "m n* ");
    cr_assert_eq(tier.n_items, 0);
    cache_results_clear(h.r);
    cr_assert_str_eq(tier.told, "m n* * ");
}

/* --- what values are made from --- */

Test(cache_results_tier, a_value_comes_back_while_all_it_was_made_from_is_as_it_was)
{
    struct cache_results_options options = house_options();
    cache_results_change(h.r, "source", 7);
    fill(&h, "k", &bound, "made from 7");
    options.is_enabled = false;
    cache_results_configure(h.r, &options);
    options.is_enabled = true;
    cache_results_configure(h.r, &options);
    cr_assert_str_eq(look(&h, "k", &bound), "HIT made from 7", "memory had forgotten it");
    cache_results_change(h.r, "source", 8);
    cr_assert_str_eq(look(&h, "k", &bound), "pending");
    cache_results_change(h.r, "source", 7);
    cr_assert_str_eq(look(&h, "k", &bound), "HIT made from 7");
}

/* As after a kill -9: what the tier should have been told it was never told. */
Test(cache_results_tier, a_value_of_another_state_does_not_even_bridge_errors)
{
    cache_results_change(h.r, "source", 8);
    store_made_from("k", "made from 7", 1, 7);
    ask(&a, "k", &bound);
    cr_assert_str_eq(told(&a), "pending");
    end_load(&h, UV_EIO, NULL);
    cr_assert_str_eq(told(&a), "MISS EIO");
    store_made_from("k", "made from 8", 1000, 8);
    ask(&b, "k", &bound);
    cr_assert_str_eq(told(&b), "HIT made from 8");
    cr_assert_eq(b.age_ms, 1000);
}

Test(cache_results_tier, each_of_several_states_counts)
{
    static const char *const on_two[] = {"a", "b", NULL};
    const struct cache_policy two = {.ttl_ms = 60000, .dependencies = on_two};
    struct cache_results_options off = house_options(), on = house_options();
    off.is_enabled = false;
    cache_results_change(h.r, "a", 1);
    cache_results_change(h.r, "b", 2);
    fill(&h, "k", &two, "v");
    cache_results_change(h.r, "a", 2);
    cache_results_change(h.r, "b", 1);
    cr_assert_str_eq(look(&h, "k", &two), "pending");
    cache_results_change(h.r, "a", 1);
    cache_results_change(h.r, "b", 2);
    cache_results_configure(h.r, &off);
    cache_results_configure(h.r, &on);
    cr_assert_str_eq(look(&h, "k", &two), "HIT v");
}

Test(cache_results_tier, a_state_that_changes_while_it_is_asked_counts)
{
    tier.is_async = true;
    store("k", "old", 0);
    ask(&a, "k", &bound);
    cache_results_change(h.r, "source", 1);
    fake_tier_answer(&tier, 0);
    cr_assert_str_eq(told(&a), "pending");
    end_load(&h, 0, "new");
    cr_assert_str_eq(told(&a), "MISS new");
}

Test(cache_results_tier, what_changed_while_it_was_asked_is_loaded)
{
    tier.is_async = true;
    store("k", "old", 0);
    ask(&a, "k", &policy);
    cache_results_put(h.r, "k", &policy, blob_copy("put", 3), 0);
    fake_tier_answer(&tier, 0);
    cr_assert_str_eq(told(&a), "pending");
    end_load(&h, 0, "new");
    cr_assert_str_eq(told(&a), "MISS new");
}

Test(cache_results_tier, what_is_of_this_process_alone_stays_in_it)
{
    struct cache_policy local = policy;
    local.is_local = true;
    store("k", "of a former process", 0);
    ask(&a, "k", &local);
    cr_assert_str_eq(told(&a), "pending");
    end_load(&h, 0, "ours");
    cache_results_put(h.r, "l", &local, blob_copy("ours", 4), 0);
    cr_assert_eq(tier.n_asked, 0);
    cr_assert_null(fake_tier_find(&tier, "l"));
    cr_assert_eq(tier.n_items, 1);
    cr_assert_str_eq(look(&h, "k", &local), "HIT ours");
}

/* --- switching off and closing --- */

Test(cache_results_tier, disabled_it_is_not_asked_and_gets_nothing)
{
    struct cache_results_options options = house_options();
    options.is_enabled = false;
    store("k", "old", 0);
    tier.is_async = true;
    ask(&a, "k", &policy);
    cache_results_configure(h.r, &options);
    fake_tier_answer(&tier, 0);
    cr_assert_str_eq(told(&a), "pending", "it was switched off meanwhile");
    end_load(&h, 0, "new");
    ask(&a, "l", &policy);
    end_load(&h, 0, "new");
    cr_assert_eq(tier.n_asked, 1);
    cr_assert_null(fake_tier_find(&tier, "l"));
    cache_results_invalidate(h.r, "k");
    cr_assert_null(fake_tier_find(&tier, "k"),
                   "it must not be there when we are switched on again");
}

Test(cache_results_tier_closing, ends_what_it_was_asked, .init = set_up)
{
    tier.is_async = true;
    ask(&a, "k", &policy);
    house_begin_close(&h);
    cr_assert_str_eq(told(&a), "MISS ECANCELED");
    cr_assert(tier.is_closed);
    cr_assert_null(cache_results_tier(h.r));
    cr_assert_eq(h.n_begun, 0);
    house_finish_close(&h);
    fake_tier_deinit(&tier);
}
