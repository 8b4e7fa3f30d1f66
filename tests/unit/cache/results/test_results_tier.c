/* SPDX-License-Identifier: MIT */
#include "cache/results/envelope.h"
#include "tests/unit/cache/results/fake_tier.h"
#include "tests/unit/cache/results/results_fixture.h"

/* The second tier: what is asked of it, what it is told, and what becomes of its answers. */

static struct house h;
static struct fake_tier tier;
static struct reader a, b, c;

static const struct cache_policy policy = {
    .ttl_ms = 60000, .stale_ms = 30000, .error_ms = 60000, .failure_ms = 1000};
static const char *const on_one[] = {"instance:1", NULL};

static void set_up(void)
{
    fake_tier_init(&tier);
    house_open(&h, &tier.base);
    a.h = b.h = c.h = &h;
    now_ms += 3600000; /* it has listened for an hour */
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

/* As another node put it AGE_MS ago. */
static void store(const char *key, const char *value, const char *const *names, uint64_t age_ms)
{
    struct blob *plain_value = blob_copy(value, strlen(value));
    struct blob *sealed = cache_envelope_seal(plain_value, names);
    uint64_t ttl_ms = policy.ttl_ms, left_ms = ttl_ms + policy.error_ms;
    fake_tier_store(&tier, key, sealed, age_ms, ttl_ms > age_ms ? ttl_ms - age_ms : 0,
                    left_ms > age_ms ? left_ms - age_ms : 0);
    blob_unref(sealed);
    blob_unref(plain_value);
}

Test(cache_results_tier, what_is_loaded_goes_there_and_outlives_memory)
{
    cr_assert_eq(cache_results_tier(h.r), &tier.base);
    fill(&h, "k", &policy, "v");
    cr_assert(fake_tier_has(&tier, "k"));
    cr_assert_eq(tier.items[0].fresh_until_ms, now_ms + 60000);
    cr_assert_eq(tier.items[0].left_until_ms, now_ms + 120000);
    cr_assert_eq(tier.n_asked, 1, "before it was loaded");
    cr_assert_str_eq(look(&h, "k", &policy), "HIT v");
    cr_assert_eq(tier.n_asked, 1, "memory has it");
    cr_assert_eq(h.n_begun, 1);
}

Test(cache_results_tier, a_miss_in_memory_is_a_hit_with_its_age)
{
    store("k", "v", NULL, 20000);
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
    store("k", "v", NULL, 0);
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
    store("k", "old", NULL, 0);
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
    store("k", "old", NULL, 0);
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
    store("k", "old", NULL, 89999);
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
    store("k", "old", NULL, 90000);
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

Test(cache_results_tier, bytes_that_nobody_understands_are_a_miss)
{
    struct blob *garbage = blob_copy("garbage", 7);
    fake_tier_store(&tier, "k", garbage, 0, 1000, 1000);
    blob_unref(garbage);
    fill(&h, "k", &policy, "v");
}

Test(cache_results_tier, a_value_too_large_for_memory_is_taken_out_of_it)
{
    struct cache_results_options options = house_options();
    store("k", "far too large to be kept in memory, with little room", NULL, 0);
    options.limits.max_bytes = 200;
    cache_results_configure(h.r, &options);
    ask(&a, "k", &policy);
    cr_assert_str_eq(told(&a), "HIT far too large to be kept in memory, with little room");
    ask_bypass(&a, "k", &policy);
    end_load(&h, 0, "again far too large to be kept in memory, with little room");
    cr_assert_not(fake_tier_has(&tier, "k"), "it is outdated");
}

/* --- what it is told --- */

Test(cache_results_tier, it_is_told_of_what_is_invalidated)
{
    h.dependencies = on_one;
    fill(&h, "k[1]", &policy, "v");
    fill(&h, "l", &policy, "w");
    h.dependencies = NULL;
    fill(&h, "m", &policy, "x");
    cache_results_invalidate(h.r, "m");
    cr_assert_str_eq(tier.told, "m ");
    cache_results_invalidate(h.r, "n*");
    cr_assert_str_eq(tier.told, "m n* ");
    cr_assert_eq(cache_results_invalidate_dependency(h.r, "instance:1"), 2);
    cr_assert_str_eq(tier.told, "m n* k\\[1] l @instance:1 ");
    cr_assert_eq(tier.n_items, 0);
    cache_results_clear(h.r);
    cr_assert_str_eq(tier.told, "m n* k\\[1] l @instance:1 * ");
}

Test(cache_results_tier, a_dependency_that_cannot_be_told_takes_everything_along)
{
    char name[CACHE_KEY_MAX * 3];
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    cache_results_invalidate_dependency(h.r, name);
    cr_assert_str_eq(tier.told, "* ");
    cache_results_invalidate_dependency(h.r, "line\nbreak");
    cr_assert_str_eq(tier.told, "* * ");
}

Test(cache_results_tier, names_come_back_with_the_value)
{
    store("k", "v", on_one, 1000);
    cr_assert_str_eq(look(&h, "k", &policy), "HIT v");
    cr_assert_eq(cache_results_invalidate_dependency(h.r, "instance:1"), 1);
    cr_assert_not(fake_tier_has(&tier, "k"));
}

/* Memory had evicted it, so nobody knew its key when the dependency changed. */
Test(cache_results_tier, what_was_made_before_its_dependency_changed_is_not_taken)
{
    cache_results_invalidate_dependency(h.r, "instance:1");
    store("k", "before", on_one, 1);
    ask(&a, "k", &policy);
    cr_assert_str_eq(told(&a), "pending");
    end_load(&h, UV_EIO, NULL);
    cr_assert_str_eq(told(&a), "MISS EIO", "it does not even bridge errors");
    now_ms += 1000;
    store("k", "after", on_one, 999);
    cr_assert_str_eq(look(&h, "k", &policy), "HIT after");
}

/* --- what it tells --- */

Test(cache_results_tier, other_nodes_invalidations_reach_memory_and_loads)
{
    fill(&h, "k1", &policy, "v");
    fill(&h, "k2", &policy, "w");
    fill(&h, "other", &policy, "x");
    ask_bypass(&a, "k3", &policy);
    ask(&b, "k4", &policy);
    end_load(&h, UV_ECANCELED, NULL);
    end_load(&h, UV_EIO, NULL);
    ask_bypass(&a, "k3", &policy);
    tier.told[0] = '\0';
    tier.invalidated(tier.arg, "k?");
    cr_assert_str_eq(tier.told, "", "it is not told what it told");
    cr_assert_eq(stats().memory.entries, 1);
    cr_assert_eq(stats().invalidated, 2);
    end_load(&h, 0, "before");
    cr_assert_str_eq(told(&a), "BYPASS before");
    cr_assert_not(fake_tier_has(&tier, "k3"));
    ask(&a, "k4", &policy);
    cr_assert_str_eq(told(&a), "pending", "its failure is forgotten");
}

Test(cache_results_tier, other_nodes_dependencies_reach_memory_and_loads)
{
    h.dependencies = on_one;
    fill(&h, "k", &policy, "v");
    ask_bypass(&a, "l", &policy);
    tier.told[0] = '\0';
    tier.invalidated(tier.arg, "@instance:1");
    tier.invalidated(tier.arg, "@instance:*");
    cr_assert_str_eq(tier.told, "");
    cr_assert_eq(stats().memory.entries, 0);
    end_load(&h, 0, "before");
    cr_assert_eq(stats().memory.entries, 0);
    cr_assert_not(fake_tier_has(&tier, "l"));
}

/* When nobody listened for a while, nobody knows what has changed since. */
Test(cache_results_tier, what_is_older_than_our_listening_is_only_good_as_a_stale_one)
{
    tier.invalidated(tier.arg, "*");
    store("free", "v", NULL, 1000);
    store("bound", "w", on_one, 1000);
    cr_assert_str_eq(look(&h, "free", &policy), "HIT v");
    ask(&a, "bound", &policy);
    cr_assert_str_eq(told(&a), "STALE w");
    cr_assert_eq(a.age_ms, 1000);
    end_load(&h, UV_EIO, NULL);
    now_ms += 30000;
    ask(&b, "bound", &policy);
    cr_assert_str_eq(told(&b), "pending", "from here on it is too old by more than may be");
    end_load(&h, UV_EIO, NULL);
    cr_assert_str_eq(told(&b), "STALE w");
}

Test(cache_results_tier, a_message_that_is_no_pattern_stands_for_all)
{
    fill(&h, "k", &policy, "v");
    tier.invalidated(tier.arg, "[oops");
    cr_assert_eq(stats().memory.entries, 0);
}

Test(cache_results_tier, what_changed_while_it_was_asked_is_loaded)
{
    tier.is_async = true;
    store("k", "old", NULL, 0);
    ask(&a, "k", &policy);
    cache_results_put(h.r, "k", &policy, blob_copy("put", 3), NULL);
    fake_tier_answer(&tier, 0);
    cr_assert_str_eq(told(&a), "pending");
    end_load(&h, 0, "new");
    cr_assert_str_eq(told(&a), "MISS new");
}

Test(cache_results_tier, what_is_of_this_process_alone_stays_in_it)
{
    struct cache_policy local = policy;
    local.is_local = true;
    store("k", "of another node", NULL, 0);
    ask(&a, "k", &local);
    cr_assert_str_eq(told(&a), "pending");
    end_load(&h, 0, "ours");
    cache_results_put(h.r, "l", &local, blob_copy("ours", 4), NULL);
    cr_assert_eq(tier.n_asked, 0);
    cr_assert_not(fake_tier_has(&tier, "l"));
    cr_assert_eq(tier.n_items, 1);
    cr_assert_str_eq(look(&h, "k", &local), "HIT ours");
}

/* --- switching off and closing --- */

Test(cache_results_tier, disabled_it_is_not_asked_and_gets_nothing)
{
    struct cache_results_options options = house_options();
    options.is_enabled = false;
    store("k", "old", NULL, 0);
    tier.is_async = true;
    ask(&a, "k", &policy);
    cache_results_configure(h.r, &options);
    fake_tier_answer(&tier, 0);
    cr_assert_str_eq(told(&a), "pending", "it was switched off meanwhile");
    end_load(&h, 0, "new");
    ask(&a, "l", &policy);
    end_load(&h, 0, "new");
    cr_assert_eq(tier.n_asked, 1);
    cr_assert_not(fake_tier_has(&tier, "l"));
    cache_results_invalidate(h.r, "k");
    cr_assert_not(fake_tier_has(&tier, "k"), "it must not be there when we are switched on again");
}

Test(cache_results_tier_closing, ends_what_it_was_asked, .init = set_up)
{
    tier.is_async = true;
    ask(&a, "k", &policy);
    house_begin_close(&h);
    cr_assert_str_eq(told(&a), "MISS ECANCELED");
    cr_assert(tier.is_closed);
    tier.invalidated(tier.arg, "*");
    cr_assert_null(cache_results_tier(h.r));
    cr_assert_eq(h.n_begun, 0);
    house_finish_close(&h);
    fake_tier_deinit(&tier);
}
