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

TestSuite(cache_results_load, .init = set_up, .fini = tear_down);

static struct cache_results_stats stats(void)
{
    return cache_results_stats(h.r);
}

/* --- single flight --- */

Test(cache_results_load, readers_of_one_key_share_a_load)
{
    static struct reader readers[1000];
    for (size_t i = 0; i < countof(readers); i++) {
        readers[i].h = &h;
        ask(&readers[i], "k", &plain);
    }
    cr_assert_eq(h.n_begun, 1);
    cr_assert_eq(stats().coalesced, 999);
    cr_assert_eq(stats().waiting, 1000);
    cr_assert_eq(stats().loading, 1);
    end_load(&h, 0, "v");
    for (size_t i = 0; i < countof(readers); i++)
        cr_assert_str_eq(told(&readers[i]), "MISS v");
    cr_assert_eq(stats().misses, 1000);
    cr_assert_eq(stats().waiting, 0);
    cr_assert_eq(stats().loading, 0);
}

Test(cache_results_load, loads_of_two_keys_are_two)
{
    ask(&a, "k", &plain);
    ask(&b, "l", &plain);
    cr_assert_eq(h.n_loads, 2);
    end_load(&h, 0, "1");
    cr_assert_str_eq(told(&a), "MISS 1");
    cr_assert_str_eq(told(&b), "pending");
    end_load(&h, 0, "2");
    cr_assert_str_eq(told(&b), "MISS 2");
}

Test(cache_results_load, no_more_wait_than_may)
{
    struct cache_results_options options = house_options();
    options.max_waiters = 2;
    cache_results_configure(h.r, &options);
    ask(&a, "k", &plain);
    ask(&b, "k", &plain);
    ask(&c, "k", &plain);
    cr_assert_str_eq(told(&c), "MISS EBUSY");
    ask_bypass(&c, "k", &plain);
    cr_assert_str_eq(told(&c), "BYPASS EBUSY");
    cr_assert_eq(stats().refused, 2);
    cache_results_cancel(a.wait);
    ask(&c, "k", &plain);
    cr_assert_str_eq(told(&c), "pending", "there is room again");
    end_load(&h, 0, "v");
    cr_assert_str_eq(told(&b), "MISS v");
    cr_assert_str_eq(told(&c), "MISS v");
    cr_assert_str_eq(look(&h, "k", &plain), "HIT v", "being busy is no failure of the load");
}

Test(cache_results_load, who_cannot_wait_gets_what_bridges_errors)
{
    struct cache_policy policy = {.ttl_ms = 1000, .error_ms = 1000};
    struct cache_results_options options = house_options();
    options.max_waiters = 1;
    cache_results_configure(h.r, &options);
    fill(&h, "k", &policy, "old");
    now_ms += 1500;
    ask(&a, "k", &policy);
    ask(&b, "k", &policy);
    cr_assert_str_eq(told(&a), "pending");
    cr_assert_str_eq(told(&b), "STALE old");
    cr_assert_eq(b.age_ms, 1500);
}

Test(cache_results_load, one_who_leaves_does_not_take_the_load_along)
{
    ask(&a, "k", &plain);
    ask(&b, "k", &plain);
    cache_results_cancel(a.wait);
    end_load(&h, 0, "v");
    cr_assert_str_eq(told(&a), "pending");
    cr_assert_str_eq(told(&b), "MISS v");
    ask(&a, "l", &plain);
    cache_results_cancel(a.wait);
    cr_assert_eq(stats().waiting, 0);
    end_load(&h, 0, "w");
    cr_assert_str_eq(look(&h, "l", &plain), "HIT w", "it was loaded for the cache");
}

static void cancel_other(struct reader *reader)
{
    cache_results_cancel(reader->other->wait);
}

Test(cache_results_load, one_who_is_answered_can_cancel_the_next)
{
    a.then = cancel_other;
    a.other = &b;
    ask(&a, "k", &plain);
    ask(&b, "k", &plain);
    ask(&c, "k", &plain);
    end_load(&h, 0, "v");
    cr_assert_str_eq(told(&a), "MISS v");
    cr_assert_str_eq(told(&b), "pending");
    cr_assert_str_eq(told(&c), "MISS v");
    cr_assert_eq(stats().waiting, 0);
}

static void forget_and_ask_again(struct reader *reader)
{
    cr_assert_eq(cache_results_clear(reader->h->r), 1);
    ask(reader->other, "k", &plain);
}

Test(cache_results_load, one_who_is_answered_can_forget_and_ask_again)
{
    a.then = forget_and_ask_again;
    a.other = &c;
    ask(&a, "k", &plain);
    ask(&b, "k", &plain);
    end_load(&h, 0, "v");
    cr_assert_str_eq(told(&b), "MISS v");
    cr_assert_str_eq(told(&c), "pending");
    cr_assert_eq(h.n_loads, 1);
    end_load(&h, 0, "w");
    cr_assert_str_eq(told(&c), "MISS w");
}

/* --- failures --- */

Test(cache_results_load, one_failure_answers_all_and_is_remembered_for_a_while)
{
    ask(&a, "k", &rich);
    ask(&b, "k", &rich);
    end_load(&h, UV_ETIMEDOUT, NULL);
    cr_assert_str_eq(told(&a), "MISS ETIMEDOUT");
    cr_assert_str_eq(told(&b), "MISS ETIMEDOUT");
    now_ms += 999;
    cr_assert_str_eq(look(&h, "k", &rich), "MISS ETIMEDOUT");
    cr_assert_eq(h.n_begun, 1);
    ask(&c, "other", &rich);
    cr_assert_str_eq(told(&c), "pending", "another key has not failed");
    now_ms += 1;
    ask(&a, "k", &rich);
    cr_assert_str_eq(told(&a), "pending");
    cr_assert_eq(h.n_begun, 3);
    cr_assert_eq(stats().failed_loads, 1);
}

Test(cache_results_load, a_failure_is_remembered_as_what_it_was)
{
    static const int classes[] = {UV_ETIMEDOUT, UV_EBUSY, UV_ENOENT, UV_EIO};
    for (size_t i = 0; i < countof(classes); i++) {
        char key[2] = {(char)('a' + i), '\0'};
        ask(&a, key, &rich);
        end_load(&h, classes[i], NULL);
        ask(&b, key, &rich);
        cr_assert_eq(b.status, classes[i]);
        cr_assert_eq(b.outcome, CACHE_MISS);
    }
}

Test(cache_results_load, what_says_nothing_of_the_source_is_not_remembered)
{
    ask(&a, "k", &rich);
    end_load(&h, UV_ECANCELED, NULL);
    cr_assert_str_eq(told(&a), "MISS ECANCELED");
    ask(&a, "k", &rich);
    cr_assert_str_eq(told(&a), "pending");
    ask(&b, "l", &plain);
    end_load(&h, UV_ETIMEDOUT, NULL);
    end_load(&h, UV_ETIMEDOUT, NULL);
    cr_assert_str_eq(look(&h, "l", &plain), "pending", "this policy does not remember");
}

Test(cache_results_load, a_bypass_tries_again_in_spite_of_a_failure_and_its_success_ends_it)
{
    ask(&a, "k", &rich);
    end_load(&h, UV_EIO, NULL);
    ask_bypass(&b, "k", &rich);
    cr_assert_str_eq(told(&b), "pending");
    end_load(&h, 0, "v");
    cr_assert_str_eq(told(&b), "BYPASS v");
    cr_assert_str_eq(look(&h, "k", &rich), "HIT v");
    cache_results_invalidate(h.r, "k");
    cr_assert_str_eq(look(&h, "k", &rich), "pending", "the failure is forgotten");
}

Test(cache_results_load, a_success_ends_a_failure_for_good)
{
    struct cache_policy policy = {.ttl_ms = 10, .failure_ms = 1000};
    ask(&a, "k", &policy);
    end_load(&h, UV_EIO, NULL);
    ask_bypass(&a, "k", &policy);
    end_load(&h, 0, "v");
    now_ms += 10;
    cr_assert_str_eq(look(&h, "k", &policy), "pending", "it is not remembered again");
}

Test(cache_results_load, remembered_failures_go_with_what_they_may_come_from)
{
    static const struct {
        const char *title;
        int how;
    } rows[] = {{"pattern", 0}, {"dependency", 1}, {"clear", 2}};
    for (size_t i = 0; i < countof(rows); i++) {
        ask(&a, "k", &rich);
        end_load(&h, UV_EIO, NULL);
        cr_assert_str_eq(look(&h, "k", &rich), "MISS EIO");
        if (rows[i].how == 0)
            cache_results_invalidate(h.r, "k*");
        else if (rows[i].how == 1)
            cache_results_change(h.r, "whatever", 1);
        else
            cache_results_clear(h.r);
        ask(&a, "k", &rich);
        cr_assert_str_eq(told(&a), "pending", "%s", rows[i].title);
        end_load(&h, UV_ECANCELED, NULL);
    }
}

Test(cache_results_load, failures_of_many_keys_do_not_gather)
{
    h.is_sync = true;
    h.sync_status = UV_EIO;
    for (int i = 0; i < 5000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key-%d", i);
        ask(&a, key, &rich);
    }
    cr_assert_str_eq(look(&h, "key-4999", &rich), "MISS EIO");
    cr_assert_eq(h.n_begun, 5000);
    cr_assert_str_eq(look(&h, "key-0", &rich), "MISS EIO");
    cr_assert_eq(h.n_begun, 5001, "the oldest were forgotten");
}

/* --- bypass --- */

Test(cache_results_load, a_bypass_loads_anew_and_keeps_what_it_got)
{
    fill(&h, "k", &plain, "old");
    ask_bypass(&a, "k", &plain);
    cr_assert_str_eq(told(&a), "pending");
    cr_assert_str_eq(look(&h, "k", &plain), "HIT old");
    end_load(&h, 0, "new");
    cr_assert_str_eq(told(&a), "BYPASS new");
    cr_assert_str_eq(look(&h, "k", &plain), "HIT new");
    cr_assert_eq(stats().bypassed, 1);
}

Test(cache_results_load, a_load_that_began_before_does_not_answer_who_wants_a_new_one)
{
    ask(&a, "k", &plain);
    ask_bypass(&b, "k", &plain);
    ask_bypass(&c, "k", &plain);
    cr_assert_eq(h.n_begun, 1, "one at a time");
    cr_assert_eq(stats().coalesced, 2);
    end_load(&h, 0, "before");
    cr_assert_str_eq(told(&a), "MISS before");
    cr_assert_str_eq(told(&b), "pending");
    cr_assert_str_eq(look(&h, "k", &plain), "HIT before");
    cr_assert_eq(h.n_begun, 2, "one that all who came meanwhile share");
    end_load(&h, 0, "after");
    cr_assert_str_eq(told(&b), "BYPASS after");
    cr_assert_str_eq(told(&c), "BYPASS after");
    cr_assert_eq(h.n_begun, 2);
}

Test(cache_results_load, nor_does_its_failure)
{
    ask(&a, "k", &plain);
    ask_bypass(&b, "k", &plain);
    end_load(&h, UV_EIO, NULL);
    cr_assert_str_eq(told(&a), "MISS EIO");
    cr_assert_str_eq(told(&b), "pending");
    end_load(&h, 0, "v");
    cr_assert_str_eq(told(&b), "BYPASS v");
}

Test(cache_results_load, what_is_young_enough_will_do)
{
    fill(&h, "k", &plain, "v");
    now_ms += 100;
    ask_young(&a, "k", &plain, 100);
    cr_assert_str_eq(told(&a), "HIT v");
    ask_young(&a, "k", &plain, 99);
    cr_assert_str_eq(told(&a), "pending");
    cr_assert_eq(cache_load_max_age_ms(h.loads[0]), 99, "what it is made from may be so old");
    now_ms += 50;
    ask_young(&b, "k", &plain, 149);
    ask_young(&c, "k", &plain, 148);
    end_load(&h, 0, "w");
    cr_assert_str_eq(told(&a), "BYPASS w");
    cr_assert_str_eq(told(&b), "BYPASS w", "it began young enough for that one");
    cr_assert_str_eq(told(&c), "pending");
    cr_assert_eq(cache_load_max_age_ms(h.loads[0]), 148);
    end_load(&h, 0, "x");
    cr_assert_str_eq(told(&c), "BYPASS x");
}

Test(cache_results_load, who_does_not_ask_for_an_age_leaves_it_to_the_load)
{
    ask(&a, "k", &plain);
    cr_assert_eq(cache_load_max_age_ms(h.loads[0]), UINT64_MAX);
    ask_young(&b, "k", &plain, 60000);
    end_load(&h, 0, "v");
    cr_assert_str_eq(told(&a), "MISS v");
    cr_assert_str_eq(told(&b), "pending", "it may be made from anything");
    ask_bypass(&c, "k", &plain);
    end_load(&h, 0, "w");
    cr_assert_str_eq(told(&b), "BYPASS w");
    cr_assert_eq(cache_load_max_age_ms(h.loads[0]), 0);
    end_load(&h, 0, "x");
    cr_assert_str_eq(told(&c), "BYPASS x");
}

Test(cache_results_load, a_stale_value_is_no_young_one)
{
    const struct cache_policy quick = {.ttl_ms = 10, .stale_ms = 1000};
    fill(&h, "k", &quick, "v");
    now_ms += 10;
    ask_young(&a, "k", &quick, 60000);
    cr_assert_str_eq(told(&a), "pending");
    end_load(&h, 0, "w");
}

/* --- closing --- */

TestSuite(cache_results_closing, .init = set_up);

static void ask_in_vain(struct reader *reader)
{
    cr_assert_str_eq(look(reader->h, "z", &plain), "MISS ECANCELED");
    cr_assert_eq(cache_results_put(reader->h->r, "z", &plain, blob_new(1), 0), UV_ECANCELED);
}

Test(cache_results_closing, ends_who_waits_and_waits_for_loads)
{
    fill(&h, "k", &plain, "v");
    a.then = ask_in_vain;
    ask(&a, "l", &plain);
    ask_bypass(&b, "l", &plain);
    ask(&c, "m", &plain);
    house_begin_close(&h);
    cr_assert_str_eq(told(&a), "MISS ECANCELED");
    cr_assert_str_eq(told(&b), "BYPASS ECANCELED");
    cr_assert_str_eq(told(&c), "MISS ECANCELED");
    end_load(&h, 0, "into nothing");
    loop_run(&h.loop);
    cr_assert_not(h.is_closed, "one load is left");
    end_load(&h, UV_EIO, NULL);
    house_finish_close(&h);
}

Test(cache_results_closing, lets_those_who_wait_cancel_each_other)
{
    a.then = b.then = cancel_other;
    a.other = &b;
    b.other = &a;
    ask(&a, "l", &plain);
    ask(&b, "m", &plain);
    house_close(&h);
    cr_assert_eq(a.n_done + b.n_done, 1);
}

static void begin_close(struct reader *reader)
{
    house_begin_close(reader->h);
}

Test(cache_results_closing, can_begin_while_an_answer_is_given)
{
    fill(&h, "k", &rich, "old");
    now_ms += 60000;
    a.then = begin_close;
    ask(&a, "k", &rich);
    cr_assert_str_eq(told(&a), "STALE old");
    cr_assert_eq(h.n_begun, 1, "no renewal begins");
    house_finish_close(&h);
}
