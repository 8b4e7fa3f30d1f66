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

TestSuite(cache_results, .init = set_up, .fini = tear_down);

static struct cache_results_stats stats(void)
{
    return cache_results_stats(h.r);
}

/* --- hits and misses --- */

Test(cache_results, a_miss_loads_and_then_there_are_hits)
{
    ask(&a, "k", &plain);
    cr_assert_str_eq(told(&a), "pending");
    end_load(&h, 0, "v");
    cr_assert_str_eq(told(&a), "MISS v");
    cr_assert_eq(a.age_ms, 0);
    now_ms += 59999;
    ask(&b, "k", &plain);
    cr_assert_str_eq(told(&b), "HIT v");
    cr_assert_eq(b.age_ms, 59999);
    cr_assert_eq(h.n_begun, 1);
    now_ms += 1;
    cr_assert_str_eq(look(&h, "k", &plain), "pending", "its TTL is over");
}

Test(cache_results, a_load_may_end_within_the_call)
{
    h.is_sync = true;
    ask(&a, "k", &plain);
    cr_assert_str_eq(told(&a), "MISS sync");
    ask(&b, "k", &plain);
    cr_assert_str_eq(told(&b), "HIT sync");
    h.sync_status = UV_EIO;
    ask(&c, "other", &plain);
    cr_assert_str_eq(told(&c), "MISS EIO");
}

Test(cache_results, a_policy_without_ttl_has_the_default)
{
    struct cache_policy none = {0};
    fill(&h, "k", &none, "v");
    now_ms += 999;
    cr_assert_str_eq(look(&h, "k", &none), "HIT v");
    now_ms += 1;
    cr_assert_str_eq(look(&h, "k", &none), "pending");
}

Test(cache_results, the_hot_path_gives_what_is_fresh_and_counts_nothing_else)
{
    uint64_t age_ms = 7;
    cr_assert_null(cache_results_get(h.r, "k", &age_ms));
    fill(&h, "k", &rich, "v");
    now_ms += 59999;
    struct blob *value = cache_results_get(h.r, "k", &age_ms);
    cr_assert_str_eq(value->data, "v");
    cr_assert_eq(age_ms, 59999);
    now_ms += 1;
    cr_assert_null(cache_results_get(h.r, "k", &age_ms), "a fetch shall renew it");
    cr_assert_eq(stats().hits, 1);
    cr_assert_eq(stats().misses, 1);
    cr_assert_eq(stats().memory.hits, 1);
}

Test(cache_results, bad_keys_are_refused)
{
    char longest[CACHE_KEY_MAX + 2];
    static const char *const bad[] = {"", "a\nb", "\x1f", "a\x7f"};
    for (size_t i = 0; i < countof(bad); i++) {
        cr_assert_str_eq(look(&h, bad[i], &plain), "MISS EINVAL");
        cr_assert_eq(cache_results_put(h.r, bad[i], &plain, blob_new(1), 0), UV_EINVAL);
    }
    memset(longest, 'k', sizeof(longest));
    longest[CACHE_KEY_MAX + 1] = '\0';
    cr_assert_str_eq(look(&h, longest, &plain), "MISS EINVAL");
    longest[CACHE_KEY_MAX] = '\0';
    fill(&h, longest, &plain, "v");
    cr_assert_eq(cache_results_invalidate(h.r, longest), 1);
    cr_assert_eq(cache_results_invalidate(h.r, ""), 0);
}

Test(cache_results, a_value_that_does_not_fit_answers_and_is_not_kept)
{
    struct cache_results_options options = house_options();
    options.limits.max_bytes = 200;
    cache_results_configure(h.r, &options);
    fill(&h, "k", &plain, "small");
    cr_assert_str_eq(look(&h, "k", &plain), "HIT small");
    cache_results_invalidate(h.r, "k");
    fill(&h, "k", &plain, "a value of many more bytes than can be kept, which are few");
    cr_assert_eq(stats().memory.refused, 1);
    cr_assert_str_eq(look(&h, "k", &plain), "pending");
}

Test(cache_results, what_was_learnt_anyway_can_be_put)
{
    cr_assert_eq(cache_results_put(h.r, "k", &plain, blob_copy("v", 1), 0), 0);
    cr_assert_str_eq(look(&h, "k", &plain), "HIT v");
    ask_bypass(&a, "k", &plain);
    cr_assert_eq(cache_results_put(h.r, "k", &plain, blob_copy("newer", 5), 0), 0);
    end_load(&h, 0, "older");
    cr_assert_str_eq(told(&a), "BYPASS older");
    cr_assert_str_eq(look(&h, "k", &plain), "HIT newer");
    struct cache_results_options options = house_options();
    options.limits.max_bytes = 1;
    cache_results_configure(h.r, &options);
    cr_assert_eq(cache_results_put(h.r, "k", &plain, blob_copy("v", 1), 0), UV_E2BIG);
}

/* --- stale answers --- */

Test(cache_results, an_old_value_answers_while_one_load_renews_it)
{
    fill(&h, "k", &rich, "old");
    now_ms += 60000;
    ask(&a, "k", &rich);
    ask(&b, "k", &rich);
    cr_assert_str_eq(told(&a), "STALE old");
    cr_assert_str_eq(told(&b), "STALE old");
    cr_assert_eq(a.age_ms, 60000);
    cr_assert_eq(h.n_begun, 2);
    end_load(&h, 0, "new");
    cr_assert_str_eq(look(&h, "k", &rich), "HIT new");
    cr_assert_eq(stats().stale, 2);
    cr_assert_eq(stats().refreshes, 1);
}

Test(cache_results, a_value_that_is_too_stale_is_waited_for)
{
    fill(&h, "k", &rich, "old");
    now_ms += 89999;
    ask(&a, "k", &rich);
    cr_assert_str_eq(told(&a), "STALE old");
    end_load(&h, UV_EIO, NULL);
    now_ms += 1001;
    ask(&b, "k", &rich);
    cr_assert_str_eq(told(&b), "pending");
    end_load(&h, 0, "new");
    cr_assert_str_eq(told(&b), "MISS new");
}

Test(cache_results, a_renewal_that_fails_is_not_tried_at_each_request)
{
    fill(&h, "k", &rich, "old");
    now_ms += 60000;
    ask(&a, "k", &rich);
    end_load(&h, UV_EIO, NULL);
    cr_assert_str_eq(look(&h, "k", &rich), "STALE old");
    cr_assert_eq(h.n_loads, 0);
    now_ms += 1000;
    cr_assert_str_eq(look(&h, "k", &rich), "STALE old");
    cr_assert_eq(h.n_loads, 1);
}

Test(cache_results, errors_are_bridged_as_long_as_may_be)
{
    struct cache_policy policy = {.ttl_ms = 1000, .error_ms = 5000};
    fill(&h, "k", &policy, "old");
    now_ms += 5999;
    ask(&a, "k", &policy);
    ask_bypass(&b, "k", &policy);
    cr_assert_str_eq(told(&a), "pending", "only errors are bridged");
    end_load(&h, UV_EIO, NULL);
    cr_assert_str_eq(told(&a), "STALE old");
    cr_assert_eq(a.age_ms, 5999);
    end_load(&h, UV_EIO, NULL);
    cr_assert_str_eq(told(&b), "BYPASS EIO", "who wants no kept value gets none");
    now_ms += 1;
    ask(&a, "k", &policy);
    end_load(&h, UV_EIO, NULL);
    cr_assert_str_eq(told(&a), "MISS EIO");
}

Test(cache_results, a_remembered_failure_is_bridged_without_a_load)
{
    struct cache_policy policy = {.ttl_ms = 1000, .error_ms = 5000, .failure_ms = 100};
    fill(&h, "k", &policy, "old");
    now_ms += 1000;
    ask(&a, "k", &policy);
    end_load(&h, UV_EIO, NULL);
    cr_assert_str_eq(told(&a), "STALE old");
    cr_assert_str_eq(look(&h, "k", &policy), "STALE old");
    cr_assert_eq(h.n_begun, 2);
}

Test(cache_results, a_failure_after_a_value_was_put_gives_the_value)
{
    ask(&a, "k", &plain);
    cache_results_put(h.r, "k", &plain, blob_copy("put", 3), 0);
    end_load(&h, UV_EIO, NULL);
    cr_assert_str_eq(told(&a), "HIT put");
}

Test(cache_results, a_renewal_may_end_within_the_call)
{
    fill(&h, "k", &rich, "old");
    now_ms += 60000;
    h.is_sync = true;
    ask(&a, "k", &rich);
    cr_assert_str_eq(told(&a), "STALE old");
    cr_assert_str_eq(look(&h, "k", &rich), "HIT sync");
}

/* --- ages --- */

/* What a load reads may be as old as the moment in which it began, or older still. */
Test(cache_results, an_age_counts_from_the_begin_of_the_load)
{
    ask(&a, "k", &plain);
    now_ms += 300;
    end_load(&h, 0, "v");
    cr_assert_eq(a.age_ms, 300);
    now_ms += 1;
    ask(&b, "k", &plain);
    cr_assert_eq(b.age_ms, 301);
    h.age_ms = 5000;
    ask_bypass(&a, "k", &plain);
    end_load(&h, 0, "w");
    cr_assert_eq(a.age_ms, 5000);
    now_ms += 54999;
    cr_assert_str_eq(look(&h, "k", &plain), "HIT w");
    now_ms += 1;
    cr_assert_str_eq(look(&h, "k", &plain), "pending", "the TTL counts from there as well");
}

Test(cache_results, what_was_learnt_has_the_age_it_came_with)
{
    uint64_t age_ms = 0;
    cr_assert_eq(cache_results_put(h.r, "k", &plain, blob_copy("v", 1), 700), 0);
    cr_assert_str_eq(cache_results_get(h.r, "k", &age_ms)->data, "v");
    cr_assert_eq(age_ms, 700);
}

/* --- sweeping --- */

Test(cache_results, what_is_gone_is_swept_without_being_asked_for)
{
    cr_assert_eq(sweep_in_ms, 30000);
    cr_assert_not(uv_has_ref((uv_handle_t *)sweep_timer), "it keeps no loop alive");
    fill(&h, "k", &plain, "v");
    sweep_in_ms = 0;
    sweep_fn(sweep_timer);
    cr_assert_eq(stats().memory.entries, 1);
    cr_assert_eq(sweep_in_ms, 30000);
    now_ms += 60000;
    sweep_fn(sweep_timer);
    cr_assert_eq(stats().memory.entries, 0);
    cr_assert_eq(stats().memory.expirations, 1);
}

Test(cache_results, a_large_table_is_swept_in_turns)
{
    struct cache_results_options options = house_options();
    options.limits.max_entries = 20000;
    options.limits.max_bytes = 64 << 20;
    cache_results_configure(h.r, &options);
    for (int i = 0; i < 10000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key-%d", i);
        cache_results_put(h.r, key, &plain, blob_copy("v", 1), 0);
    }
    now_ms += 60000;
    unsigned n_turns = 0;
    do {
        sweep_fn(sweep_timer);
        n_turns++;
    } while (sweep_in_ms < 30000);
    cr_assert_eq(n_turns, 4, "%u turns for 16,384 places", n_turns);
    cr_assert_eq(stats().memory.entries, 0);
}

/* --- configuration --- */

Test(cache_results, smaller_limits_evict_at_once)
{
    fill(&h, "k", &plain, "1");
    fill(&h, "l", &plain, "2");
    struct cache_results_options options = house_options();
    options.limits.max_entries = 1;
    cache_results_configure(h.r, &options);
    cr_assert_eq(stats().memory.entries, 1);
    cr_assert_eq(stats().memory.evicted_for_entries, 1);
    cr_assert_eq(cache_results_options(h.r)->limits.max_entries, 1);
    cr_assert_str_eq(cache_lru_next(cache_results_memory(h.r), NULL)->by_key.key, "l");
}

Test(cache_results, disabled_it_keeps_nothing_and_still_shares_loads)
{
    struct cache_results_options options = house_options();
    fill(&h, "k", &rich, "v");
    ask(&a, "l", &rich);
    end_load(&h, UV_EIO, NULL);
    options.is_enabled = false;
    cache_results_configure(h.r, &options);
    cr_assert_eq(stats().memory.entries, 0);
    ask(&a, "k", &rich);
    ask(&b, "k", &rich);
    ask(&c, "l", &rich);
    cr_assert_eq(h.n_loads, 2, "the failure is forgotten as well");
    end_load(&h, 0, "w");
    cr_assert_str_eq(told(&a), "BYPASS w", "there is nothing that could have been missed");
    cr_assert_str_eq(told(&b), "BYPASS w");
    end_load(&h, UV_EIO, NULL);
    cr_assert_str_eq(told(&c), "BYPASS EIO");
    cr_assert_eq(stats().bypassed, 3);
    cr_assert_eq(cache_results_put(h.r, "m", &rich, blob_new(1), 0), UV_ECANCELED);
    cr_assert_eq(stats().memory.entries, 0);
    options.is_enabled = true;
    cache_results_configure(h.r, &options);
    cr_assert_str_eq(look(&h, "l", &rich), "pending");
    fill(&h, "k", &rich, "x");
    cr_assert_str_eq(look(&h, "k", &rich), "HIT x");
}

/* --- figures --- */

Test(cache_results, loads_are_counted_with_their_time)
{
    ask(&a, "k", &plain);
    now_ms += 30;
    end_load(&h, 0, "v");
    ask(&a, "l", &plain);
    now_ms += 70;
    end_load(&h, UV_EIO, NULL);
    cr_assert_eq(stats().loads, 2);
    cr_assert_eq(stats().failed_loads, 1);
    cr_assert_eq(stats().load_ms, 100);
    cr_assert_eq(stats().max_load_ms, 70);
}

Test(cache_results, a_reset_keeps_what_is_so_now)
{
    fill(&h, "k", &plain, "v");
    cr_assert_str_eq(look(&h, "k", &plain), "HIT v");
    ask(&a, "l", &plain);
    cache_results_reset_stats(h.r);
    struct cache_results_stats zero = {.loading = 1, .waiting = 1}, now = stats();
    zero.memory = (struct cache_lru_stats){
        .entries = 1, .bytes = now.memory.bytes, .peak_bytes = now.memory.bytes};
    cr_assert_eq(memcmp(&now, &zero, sizeof(now)), 0);
    cr_assert_gt(now.memory.bytes, 0);
}

Test(cache_results, outcomes_have_the_names_of_the_header)
{
    cr_assert_str_eq(cache_outcome_name(CACHE_HIT), "HIT");
    cr_assert_str_eq(cache_outcome_name(CACHE_MISS), "MISS");
    cr_assert_str_eq(cache_outcome_name(CACHE_STALE), "STALE");
    cr_assert_str_eq(cache_outcome_name(CACHE_BYPASS), "BYPASS");
    cr_assert_null(cache_results_tier(h.r));
}
