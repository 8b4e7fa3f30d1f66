/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "ldconsole/guard/breaker.h"

static const struct ldc_breaker_options options = {
    .min_calls = 10,
    .failure_percent = 50,
    .slow_percent = 80,
    .consecutive_failures = 3,
    .consecutive_hangs = 2,
    .window_ms = 100000,
    .open_ms = 1000,
    .max_open_ms = 3000,
    .probe_ms = 50000,
};

enum { WALL = 1000000000 }; /* wall clock at 0 of the monotonic one */

static struct ldc_breaker b;
static uint64_t retry_ms;

static void set_up(void)
{
    ldc_breaker_init(&b, "list", "", &options);
    retry_ms = 0;
}

TestSuite(ldc_breaker, .init = set_up);

static struct ldc_breaker_now at(uint64_t ms)
{
    return (struct ldc_breaker_now){ms, WALL + (int64_t)ms};
}

static bool refuses(uint64_t ms)
{
    return ldc_breaker_refuses(&b, at(ms), &retry_ms);
}

static void tell(uint64_t ms, struct ldc_breaker_news news, const char *instance)
{
    struct ldc_breaker_call call = {.at = WALL + (int64_t)ms, .fault = news.fault};
    strcpy(call.code, news.is_effect ? "NO_EFFECT" : "LDCONSOLE_VENDOR_ERROR");
    strcpy(call.instance, instance);
    strcpy(call.command, news.is_effect ? "" : "/ld/ldconsole list2");
    strcpy(call.output, "abc");
    call.exit_code = -5;
    call.duration_ms = 12;
    news.call = news.fault != LDC_FAULT_NONE ? &call : NULL;
    ldc_breaker_report(&b, at(ms), &news);
}

/* A call that goes and ends with FAULT. */
static void call(uint64_t ms, enum ldc_fault fault)
{
    cr_assert_not(refuses(ms));
    bool is_probe = ldc_breaker_pass(&b, at(ms), "");
    tell(ms, (struct ldc_breaker_news){.fault = fault, .is_probe = is_probe}, "");
}

static void fail(uint64_t ms)
{
    call(ms, LDC_FAULT_EXIT);
}

static void succeed(uint64_t ms)
{
    call(ms, LDC_FAULT_NONE);
}

static void tell_effect(uint64_t ms, bool is_seen, const char *instance)
{
    tell(ms,
         (struct ldc_breaker_news){
             .fault = is_seen ? LDC_FAULT_NONE : LDC_FAULT_EFFECT,
             .is_effect = true,
         },
         instance);
}

static void open_it(uint64_t ms)
{
    for (int i = 0; i < 3; i++)
        fail(ms);
    cr_assert_eq(b.state, LDC_BREAKER_OPEN);
}

static void order(uint64_t ms, enum ldc_breaker_state state, uint64_t for_ms)
{
    struct ldc_breaker_order wanted = {
        .state = state, .by = "ann", .note = "disk is swapped", .for_ms = for_ms};
    ldc_breaker_obey(&b, at(ms), &wanted);
}

/* --- what opens it --- */

Test(ldc_breaker, opens_after_failures_in_a_row_and_says_why)
{
    fail(0);
    fail(0);
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
    fail(7);
    cr_assert_eq(b.state, LDC_BREAKER_OPEN);
    cr_assert_str_eq(b.reason, "3 calls in a row failed; the last: /ld/ldconsole list2 "
                               "(LDCONSOLE_VENDOR_ERROR after 12 ms, exit code -5), which "
                               "printed: abc");
    cr_assert_eq(b.opened_at, WALL + 7);
    cr_assert_eq(b.n_opened, 1);
}

Test(ldc_breaker, opens_after_fewer_hangs_in_a_row)
{
    call(0, LDC_FAULT_DEADLINE);
    fail(0);
    call(0, LDC_FAULT_DEADLINE);
    cr_assert_eq(b.state, LDC_BREAKER_OPEN, "three failures");
    set_up();
    call(0, LDC_FAULT_DEADLINE);
    succeed(0);
    call(0, LDC_FAULT_DEADLINE);
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
    call(0, LDC_FAULT_DEADLINE);
    cr_assert_eq(b.state, LDC_BREAKER_OPEN);
    cr_assert(str_has_prefix(b.reason, "2 calls in a row gave no answer within their deadline"));
}

Test(ldc_breaker, a_success_breaks_the_row)
{
    for (int i = 0; i < 4; i++) {
        fail(0);
        fail(0);
        for (int j = 0; j < 4; j++)
            succeed(0);
    }
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
}

Test(ldc_breaker, opens_when_half_of_enough_calls_fail)
{
    for (int i = 0; i < 9; i++)
        call(0, i % 2 ? LDC_FAULT_NONE : LDC_FAULT_EXIT);
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED, "nine calls are too few to judge");
    succeed(0);
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED, "a success does not open it");
    fail(0);
    cr_assert_eq(b.state, LDC_BREAKER_OPEN);
    cr_assert(str_has_prefix(b.reason, "6 of the last 11 calls failed"));
}

Test(ldc_breaker, opens_when_nearly_all_calls_are_slow_although_they_succeed)
{
    struct ldc_breaker_news slow = {.is_slow = true};
    for (int i = 0; i < 9; i++)
        tell(0, slow, "");
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
    tell(0, (struct ldc_breaker_news){0}, "");
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED, "one in time does not open it");
    tell(0, slow, "");
    cr_assert_eq(b.state, LDC_BREAKER_OPEN);
    cr_assert_str_eq(b.reason, "10 of the last 11 calls took more than half of their deadline");
    cr_assert_eq(b.n_success, 11);
}

Test(ldc_breaker, opens_when_effects_in_a_row_do_not_come_although_the_answers_say_yes)
{
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
        succeed(0);
        tell_effect(0, false, "i");
    }
    cr_assert_eq(b.state, LDC_BREAKER_OPEN);
    cr_assert_str_eq(b.reason, "3 times in a row ldconsole said yes and nothing came of it; the "
                               "last: instance i (NO_EFFECT after 12 ms, exit code -5): abc");
}

Test(ldc_breaker, an_effect_that_is_seen_breaks_their_row)
{
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++)
            succeed(0);
        tell_effect(0, false, "i");
        tell_effect(0, i % 2 != 0, "i");
    }
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
    cr_assert_eq(b.n_success, 16, "that of which it is the effect is counted once");
}

Test(ldc_breaker, what_says_nothing_of_health_counts_for_nothing)
{
    fail(0);
    fail(0);
    for (int i = 0; i < 20; i++) {
        call(0, LDC_FAULT_CALLER);
        call(0, LDC_FAULT_UNKNOWN);
    }
    cr_assert_eq(b.n_success + b.n_failure, 2);
    cr_assert_eq(b.n_faults[LDC_FAULT_CALLER], 20);
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
    fail(0);
    cr_assert_eq(b.state, LDC_BREAKER_OPEN, "nor does it break the row");
}

Test(ldc_breaker, counts_by_class)
{
    static const enum ldc_fault faults[] = {LDC_FAULT_SPAWN, LDC_FAULT_LOST,  LDC_FAULT_DEADLINE,
                                            LDC_FAULT_EXIT,  LDC_FAULT_PARSE, LDC_FAULT_REFUSAL};
    for (size_t i = 0; i < countof(faults); i++) {
        set_up();
        call(0, faults[i]);
        cr_assert_eq(b.n_faults[faults[i]], 1, "%s", ldc_fault_name(faults[i]));
        cr_assert_eq(b.n_failure, 1, "%s", ldc_fault_name(faults[i]));
    }
}

/* --- the window --- */

Test(ldc_breaker, forgets_calls_that_left_the_window)
{
    for (int i = 0; i < 16; i++)
        call(0, i % 4 ? LDC_FAULT_NONE : LDC_FAULT_EXIT);
    cr_assert_eq(ldc_breaker_shares(&b).n_failed, 4);
    for (int i = 0; i < LDC_BREAKER_WINDOW; i++)
        succeed(0);
    cr_assert_eq(ldc_breaker_shares(&b).n_failed, 0);
    cr_assert_eq(b.n_window, LDC_BREAKER_WINDOW);
    cr_assert_eq(b.n_failure, 4);
}

Test(ldc_breaker, forgets_calls_that_are_long_ago)
{
    fail(0);
    succeed(50000);
    fail(60000);
    fail(100001);
    cr_assert_eq(b.n_window, 3, "the first is too old");
    cr_assert_eq(ldc_breaker_shares(&b).n_failed, 2);
    ldc_breaker_look(&b, at(300000));
    cr_assert_eq(b.n_window, 0);
    fail(300000);
    cr_assert_eq(b.consecutive, 1, "a row that is long ago is none");
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
}

/* --- open and half-open --- */

Test(ldc_breaker, refuses_while_open_and_says_how_long)
{
    open_it(5000);
    cr_assert(refuses(5400));
    cr_assert_eq(retry_ms, 600);
}

Test(ldc_breaker, half_open_admits_exactly_one_probe)
{
    open_it(0);
    cr_assert_not(refuses(1000));
    cr_assert(ldc_breaker_pass(&b, at(1000), ""));
    cr_assert_eq(b.state, LDC_BREAKER_HALF_OPEN);
    cr_assert(refuses(1000));
    cr_assert_gt(retry_ms, 0);
}

Test(ldc_breaker, gives_a_probe_up_of_which_nobody_tells)
{
    open_it(0);
    (void)ldc_breaker_pass(&b, at(1000), "");
    cr_assert(refuses(50999));
    cr_assert_not(refuses(51000));
    cr_assert(ldc_breaker_pass(&b, at(51000), ""));
    cr_assert(refuses(51000));
}

Test(ldc_breaker, closes_when_the_probe_succeeds)
{
    open_it(0);
    succeed(1000);
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
    cr_assert_str_eq(b.reason, "");
    cr_assert_eq(b.opened_at, 0);
    cr_assert_eq(b.n_window, 0, "old failures are forgiven");
    cr_assert_eq(b.n_calls, 3, "and still told");
    fail(1000);
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
}

Test(ldc_breaker, only_the_probe_decides_while_half_open)
{
    open_it(0);
    (void)ldc_breaker_pass(&b, at(1000), "");
    tell(1001, (struct ldc_breaker_news){0}, "");
    tell(1001, (struct ldc_breaker_news){.fault = LDC_FAULT_EXIT}, "");
    cr_assert_eq(b.state, LDC_BREAKER_HALF_OPEN, "they left before it opened");
    tell(1002, (struct ldc_breaker_news){.is_probe = true}, "");
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
}

Test(ldc_breaker, lets_another_probe_out_when_one_says_nothing)
{
    open_it(0);
    call(1000, LDC_FAULT_CALLER);
    cr_assert_eq(b.state, LDC_BREAKER_HALF_OPEN);
    cr_assert_not(refuses(1000));
    (void)ldc_breaker_pass(&b, at(1000), "");
    ldc_breaker_abandon(&b);
    cr_assert_not(refuses(1000));
}

Test(ldc_breaker, stays_open_twice_as_long_each_time_the_probe_fails)
{
    static const uint64_t waits[] = {1000, 2000, 3000, 3000};
    uint64_t now_ms = 0;
    open_it(now_ms);
    for (size_t i = 0; i < countof(waits); i++) {
        cr_assert(refuses(now_ms));
        cr_assert_eq(retry_ms, waits[i]);
        now_ms += waits[i];
        fail(now_ms);
        cr_assert_eq(b.state, LDC_BREAKER_OPEN);
    }
    cr_assert(str_has_prefix(b.reason, "one call was let through to find out and failed as well"));
}

Test(ldc_breaker, opens_for_longer_when_it_opens_again_soon_and_quiet_takes_that_back)
{
    open_it(0);
    succeed(1000);
    open_it(1000);
    cr_assert(refuses(1000));
    cr_assert_eq(retry_ms, 2000, "it flaps");
    succeed(3000);
    open_it(3000 + 2999);
    cr_assert(refuses(5999));
    cr_assert_eq(retry_ms, 3000, "no more than the maximum");
    succeed(9000);
    open_it(9000 + 3000);
    cr_assert(refuses(12000));
    cr_assert_eq(retry_ms, 1500, "as long as the maximum was quiet: half of it");
    succeed(20000);
    open_it(20000 + 90000);
    cr_assert(refuses(110000));
    cr_assert_eq(retry_ms, 1000, "no less than the minimum");
}

Test(ldc_breaker, news_of_calls_from_before_it_opened_changes_nothing)
{
    open_it(0);
    tell(500, (struct ldc_breaker_news){0}, "");
    tell(500, (struct ldc_breaker_news){.fault = LDC_FAULT_EXIT}, "");
    cr_assert_eq(b.state, LDC_BREAKER_OPEN);
    cr_assert_eq(b.opened_at, WALL);
    cr_assert(refuses(999));
}

static void open_by_effects(void)
{
    for (int i = 0; i < 3; i++)
        tell_effect(0, false, "i");
    cr_assert_eq(b.state, LDC_BREAKER_OPEN);
}

Test(ldc_breaker, what_missing_effects_opened_an_answer_does_not_close)
{
    open_by_effects();
    (void)ldc_breaker_pass(&b, at(1000), "one");
    tell(1001, (struct ldc_breaker_news){.is_probe = true}, "one");
    cr_assert_eq(b.state, LDC_BREAKER_HALF_OPEN);
    cr_assert(refuses(1001), "its effect is waited for");
    tell_effect(1002, false, "two");
    cr_assert_eq(b.state, LDC_BREAKER_HALF_OPEN, "that of another call is old news");
    tell_effect(1003, false, "one");
    cr_assert_eq(b.state, LDC_BREAKER_OPEN);
    (void)ldc_breaker_pass(&b, at(4000), "one");
    tell_effect(4001, true, "one");
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
}

Test(ldc_breaker, what_missing_effects_opened_is_closed_by_any_that_is_seen)
{
    open_by_effects();
    tell_effect(1, true, "two");
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
    set_up();
    open_it(0);
    tell_effect(1, true, "two");
    cr_assert_eq(b.state, LDC_BREAKER_OPEN, "answers opened it");
}

/* --- orders --- */

Test(ldc_breaker, forced_open_is_left_by_an_order_only)
{
    order(0, LDC_BREAKER_FORCED_OPEN, 0);
    cr_assert(refuses(1000000000));
    cr_assert_eq(retry_ms, 0, "nobody knows");
    tell(1, (struct ldc_breaker_news){0}, "");
    cr_assert_eq(b.state, LDC_BREAKER_FORCED_OPEN);
    cr_assert_str_eq(b.note, "disk is swapped");
    cr_assert_str_eq(b.by, "ann");
    order(2, LDC_BREAKER_CLOSED, 0);
    cr_assert_not(refuses(2));
    cr_assert_str_eq(b.note, "");
}

Test(ldc_breaker, forced_open_ends_with_one_call_that_finds_out)
{
    order(0, LDC_BREAKER_FORCED_OPEN, 5000);
    cr_assert(refuses(4000));
    cr_assert_eq(retry_ms, 1000);
    ldc_breaker_look(&b, at(4999));
    cr_assert_eq(b.state, LDC_BREAKER_FORCED_OPEN);
    cr_assert_not(refuses(5000), "also when nobody has looked");
    ldc_breaker_look(&b, at(5000));
    cr_assert_eq(b.state, LDC_BREAKER_HALF_OPEN);
    succeed(5000);
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
}

Test(ldc_breaker, forced_closed_counts_and_does_not_open_until_it_ends)
{
    order(0, LDC_BREAKER_FORCED_CLOSED, 5000);
    for (int i = 0; i < 100; i++)
        fail(0);
    cr_assert_eq(b.state, LDC_BREAKER_FORCED_CLOSED);
    cr_assert_eq(b.n_failure, 100);
    cr_assert_eq(ldc_breaker_shares(&b).n_failed, LDC_BREAKER_WINDOW);
    ldc_breaker_look(&b, at(5000));
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
    open_it(5000);
}

Test(ldc_breaker, disabled_counts_nothing)
{
    order(0, LDC_BREAKER_DISABLED, 0);
    for (int i = 0; i < 100; i++)
        fail(0);
    ldc_breaker_look(&b, at(1000000000));
    cr_assert_eq(b.state, LDC_BREAKER_DISABLED);
    cr_assert_eq(b.n_failure + b.n_calls, 0);
}

Test(ldc_breaker, reset_forgets_the_figures_and_the_growth_too)
{
    open_it(0);
    fail(1000);
    order(1001, LDC_BREAKER_CLOSED, 0);
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
    cr_assert_eq(b.n_failure + b.n_success + b.n_rejected + b.n_opened + b.n_calls, 0);
    cr_assert_eq(b.n_faults[LDC_FAULT_EXIT], 0);
    open_it(1001);
    cr_assert(refuses(1001));
    cr_assert_eq(retry_ms, 1000);
}

/* --- evidence --- */

Test(ldc_breaker, keeps_the_last_failures_newest_first)
{
    for (uint64_t ms = 0; ms < 7; ms++) {
        succeed(ms);
        succeed(ms);
        fail(ms);
    }
    cr_assert_eq(b.n_calls, LDC_BREAKER_CALLS);
    for (int i = 0; i < LDC_BREAKER_CALLS; i++)
        cr_assert_eq(b.calls[i].at, WALL + 6 - i);
}

Test(ldc_breaker, a_reason_has_room_for_the_longest_call)
{
    struct ldc_breaker_call longest = {.fault = LDC_FAULT_EXIT, .exit_code = INT32_MIN};
    memset(longest.code, 'c', sizeof(longest.code) - 1);
    memset(longest.command, 'x', sizeof(longest.command) - 1);
    memset(longest.output, 'o', sizeof(longest.output) - 1);
    longest.duration_ms = UINT32_MAX;
    for (int i = 0; i < 3; i++)
        ldc_breaker_report(&b, at(0),
                           &(struct ldc_breaker_news){.fault = LDC_FAULT_EXIT, .call = &longest});
    cr_assert(str_has_suffix(b.reason, longest.output), "%s", b.reason);
}

/* --- across a restart --- */

/* MONO_MS is what the clock of the new process says, WALL_MS what the watch on the wall does. */
static void restart(uint64_t saved_ms, uint64_t mono_ms, int64_t wall_ms)
{
    struct ldc_breaker_memory memory;
    ldc_breaker_save(&b, at(saved_ms), &memory);
    cr_assert_str_eq(memory.name, "list");
    ldc_breaker_init(&b, "list", "", &options);
    ldc_breaker_restore(&b, (struct ldc_breaker_now){mono_ms, wall_ms}, &memory);
}

Test(ldc_breaker, an_open_one_is_open_for_what_is_left_after_a_restart)
{
    open_it(5000);
    restart(5100, 3, WALL + 5300);
    cr_assert_eq(b.state, LDC_BREAKER_OPEN);
    cr_assert_eq(b.opened_at, WALL + 5000);
    cr_assert(str_has_prefix(b.reason, "3 calls in a row failed"));
    cr_assert_eq(b.n_calls, 3);
    cr_assert_str_eq(b.calls[2].command, "/ld/ldconsole list2");
    cr_assert(refuses(3));
    cr_assert_eq(retry_ms, 700);
    fail(703);
    cr_assert(refuses(703));
    cr_assert_eq(retry_ms, 2000, "what had grown goes on growing");
}

Test(ldc_breaker, a_wall_clock_that_was_set_back_keeps_none_open_for_longer)
{
    open_it(5000);
    restart(5100, 3, 17);
    cr_assert(refuses(3));
    cr_assert_eq(retry_ms, 1000);
    fail(1003);
    restart(1003, 3, WALL * 2);
    cr_assert_not(refuses(3), "and one that was set ahead lets it try");
}

Test(ldc_breaker, orders_outlive_a_restart_and_end_when_they_should)
{
    order(1000, LDC_BREAKER_FORCED_CLOSED, 5000);
    restart(2000, 3, WALL + 2000);
    cr_assert_eq(b.state, LDC_BREAKER_FORCED_CLOSED);
    cr_assert_str_eq(b.note, "disk is swapped");
    cr_assert_str_eq(b.by, "ann");
    ldc_breaker_look(&b, at(4002));
    cr_assert_eq(b.state, LDC_BREAKER_FORCED_CLOSED);
    ldc_breaker_look(&b, at(4003));
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);

    order(4003, LDC_BREAKER_FORCED_OPEN, 5000);
    restart(4003, 1, WALL + 20000);
    ldc_breaker_look(&b, at(1));
    cr_assert_eq(b.state, LDC_BREAKER_HALF_OPEN, "its time was up while the service was down");
    order(1, LDC_BREAKER_FORCED_OPEN, 0);
    restart(2, 1, WALL);
    cr_assert(refuses(1000000000));
}

Test(ldc_breaker, quiet_counts_across_a_restart)
{
    open_it(0);
    succeed(1000);
    open_it(1000);
    succeed(3000);
    restart(3000, 100000, WALL + 3000 + 3000);
    open_it(100000);
    cr_assert(refuses(100000));
    cr_assert_eq(retry_ms, 1500, "twice 2000 is the maximum, of which quiet took half");
}

Test(ldc_breaker, names_its_states)
{
    for (int i = 0; i < LDC_BREAKER_STATE_COUNT; i++) {
        enum ldc_breaker_state state;
        cr_assert(
            ldc_breaker_state_parse(ldc_breaker_state_name((enum ldc_breaker_state)i), &state));
        cr_assert_eq(state, (enum ldc_breaker_state)i);
    }
    enum ldc_breaker_state state;
    cr_assert_not(ldc_breaker_state_parse("ajar", &state));
    cr_assert_str_eq(ldc_breaker_state_name(LDC_BREAKER_HALF_OPEN), "half-open");
    cr_assert_str_eq(ldc_breaker_state_name(LDC_BREAKER_FORCED_CLOSED), "forced-closed");
}
