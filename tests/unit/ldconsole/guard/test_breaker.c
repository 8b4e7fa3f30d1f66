/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/memory/cleanup.h"
#include "ldconsole/guard/breaker.h"

static const struct ldc_breaker_options options = {
    .min_calls = 10,
    .failure_percent = 50,
    .consecutive_failures = 3,
    .open_ms = 1000,
    .max_open_ms = 3000,
};

static struct ldc_breaker b;
static uint64_t retry_ms;

static void set_up(void)
{
    ldc_breaker_init(&b, "list", &options);
    retry_ms = 0;
}

TestSuite(ldc_breaker, .init = set_up);

static bool call(uint64_t now_ms, bool is_success)
{
    cr_assert(ldc_breaker_allow(&b, now_ms, &retry_ms));
    return ldc_breaker_report(&b, now_ms, is_success, "LDCONSOLE_TIMED_OUT");
}

static void open_it(uint64_t now_ms)
{
    call(now_ms, false);
    call(now_ms, false);
    cr_assert(call(now_ms, false), "the state changes");
    cr_assert_eq(b.state, LDC_BREAKER_OPEN);
}

Test(ldc_breaker, opens_after_failures_in_a_row_and_says_why)
{
    cr_assert_not(call(0, false));
    cr_assert_not(call(0, false));
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
    cr_assert(call(0, false));
    cr_assert_eq(b.state, LDC_BREAKER_OPEN);
    cr_assert_str_eq(b.reason, "LDCONSOLE_TIMED_OUT");
    cr_assert_eq(b.n_opened, 1);
}

Test(ldc_breaker, a_success_breaks_the_row)
{
    for (int i = 0; i < 4; i++) {
        call(0, false);
        call(0, false);
        for (int j = 0; j < 4; j++)
            call(0, true);
    }
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
}

Test(ldc_breaker, opens_when_half_of_enough_calls_fail)
{
    for (int i = 0; i < 9; i++)
        call(0, i % 2);
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED, "nine calls are too few to judge");
    call(0, true);
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED, "a success does not open it");
    call(0, false);
    cr_assert_eq(b.state, LDC_BREAKER_OPEN);
}

Test(ldc_breaker, forgets_calls_that_left_the_window)
{
    for (int i = 0; i < 16; i++)
        call(0, i % 4 != 0);
    cr_assert_eq(ldc_breaker_window_failures(&b), 4);
    for (int i = 0; i < LDC_BREAKER_WINDOW; i++)
        call(0, true);
    cr_assert_eq(ldc_breaker_window_failures(&b), 0);
    cr_assert_eq(b.n_window, LDC_BREAKER_WINDOW);
    cr_assert_eq(b.n_failure, 4);
}

Test(ldc_breaker, refuses_while_open_and_says_how_long)
{
    open_it(5000);
    cr_assert(ldc_breaker_is_refusing(&b, 5400));
    cr_assert_not(ldc_breaker_allow(&b, 5400, &retry_ms));
    cr_assert_eq(retry_ms, 600);
    cr_assert_eq(b.n_rejected, 1);
}

Test(ldc_breaker, half_open_admits_exactly_one_probe)
{
    open_it(0);
    cr_assert_not(ldc_breaker_is_refusing(&b, 1000));
    cr_assert(ldc_breaker_allow(&b, 1000, &retry_ms));
    cr_assert_eq(b.state, LDC_BREAKER_HALF_OPEN);
    cr_assert(ldc_breaker_is_refusing(&b, 1000));
    cr_assert_not(ldc_breaker_allow(&b, 1000, &retry_ms));
    cr_assert_gt(retry_ms, 0);
}

Test(ldc_breaker, closes_when_the_probe_succeeds)
{
    open_it(0);
    cr_assert(call(1000, true));
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
    cr_assert_str_eq(b.reason, "");
    cr_assert_eq(b.n_window, 0, "old failures are forgiven");
    cr_assert_not(call(1000, false));
}

Test(ldc_breaker, stays_open_twice_as_long_each_time_the_probe_fails)
{
    static const uint64_t waits[] = {1000, 2000, 3000, 3000};
    uint64_t now_ms = 0;
    open_it(now_ms);
    for (size_t i = 0; i < countof(waits); i++) {
        cr_assert_not(ldc_breaker_allow(&b, now_ms, &retry_ms));
        cr_assert_eq(retry_ms, waits[i]);
        now_ms += waits[i];
        cr_assert(call(now_ms, false));
        cr_assert_eq(b.state, LDC_BREAKER_OPEN);
    }
    now_ms += 3000;
    call(now_ms, true);
    open_it(now_ms);
    cr_assert_not(ldc_breaker_allow(&b, now_ms, &retry_ms));
    cr_assert_eq(retry_ms, 1000, "closing starts the waits from the first again");
}

Test(ldc_breaker, lets_another_probe_out_when_one_is_abandoned)
{
    open_it(0);
    cr_assert(ldc_breaker_allow(&b, 1000, &retry_ms));
    ldc_breaker_abandon(&b);
    cr_assert_eq(b.state, LDC_BREAKER_HALF_OPEN);
    cr_assert(ldc_breaker_allow(&b, 1000, &retry_ms));
}

Test(ldc_breaker, news_of_calls_from_before_it_opened_changes_nothing)
{
    cr_assert(ldc_breaker_allow(&b, 0, &retry_ms));
    open_it(0);
    cr_assert_not(ldc_breaker_report(&b, 500, true, NULL));
    cr_assert_eq(b.state, LDC_BREAKER_OPEN);
    cr_assert_eq(b.opened_at_ms, 0);
}

Test(ldc_breaker, forced_open_is_left_by_an_operator_only)
{
    ldc_breaker_force_open(&b);
    cr_assert_not(ldc_breaker_allow(&b, 1000000000, &retry_ms));
    cr_assert_not(ldc_breaker_report(&b, 1000000000, true, NULL));
    cr_assert_eq(b.state, LDC_BREAKER_FORCED_OPEN);
    cr_assert_str_neq(b.reason, "");
    ldc_breaker_force_close(&b);
    cr_assert(ldc_breaker_allow(&b, 0, &retry_ms));
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
}

Test(ldc_breaker, disabled_lets_everything_through)
{
    ldc_breaker_disable(&b);
    for (int i = 0; i < 100; i++)
        cr_assert_not(call(0, false));
    cr_assert_eq(b.state, LDC_BREAKER_DISABLED);
    cr_assert_eq(b.n_failure, 100);
}

Test(ldc_breaker, reset_forgets_the_figures_too)
{
    open_it(0);
    (void)ldc_breaker_allow(&b, 0, &retry_ms);
    ldc_breaker_reset(&b);
    cr_assert_eq(b.state, LDC_BREAKER_CLOSED);
    cr_assert_eq(b.n_failure + b.n_success + b.n_rejected + b.n_opened, 0);
}

Test(ldc_breaker, keeps_only_as_much_of_a_reason_as_it_has_room_for)
{
    char reason[1000];
    memset(reason, 'x', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';
    for (int i = 0; i < 3; i++)
        ldc_breaker_report(&b, 0, false, reason);
    cr_assert_eq(strlen(b.reason), sizeof(b.reason) - 1);
}

Test(ldc_breaker, names_its_states)
{
    cr_assert_str_eq(ldc_breaker_state_name(LDC_BREAKER_CLOSED), "closed");
    cr_assert_str_eq(ldc_breaker_state_name(LDC_BREAKER_HALF_OPEN), "half-open");
    cr_assert_str_eq(ldc_breaker_state_name(LDC_BREAKER_FORCED_OPEN), "forced-open");
    cr_assert_str_eq(ldc_breaker_state_name(LDC_BREAKER_DISABLED), "disabled");
}
