/* SPDX-License-Identifier: MIT */
/* One table: what each of the eleven operations meets at its breaker in each state, by way of a
 * command of it, and what its answer makes of the breaker. */
#include <criterion/criterion.h>

#include <string.h>

#include "base/loop/loop.h"
#include "base/memory/cleanup.h"
#include "ldconsole/guard/client.h"
#include "tests/support/fake_runner.h"

static struct loop loop;
static struct fake_runner *runner;
static struct ldc_client *client;

/* Open for long or, for half-open, for no time at all. */
static void begin(unsigned open_ms)
{
    struct ldc_install install = {
        .dir = (char *)"/ld",
        .ldconsole = (char *)"/ld/ldconsole",
        .vms_dir = (char *)"/ld/vms",
    };
    struct ldc_client_options options = ldc_client_defaults;
    options.breaker.consecutive_failures = 1;
    options.breaker.open_ms = options.breaker.max_open_ms = open_ms;
    cr_assert_eq(loop_init(&loop), 0);
    runner = fake_runner_new(&loop);
    client = ldc_client_new(&loop, fake_runner_base(runner), &install, &options);
}

static void note_closed(void *arg)
{
    (void)arg;
}

static void end(void)
{
    ldc_client_close(client, note_closed, NULL);
    loop_run(&loop);
    cr_assert_eq(loop_deinit(&loop), 0);
}

static void make_command(enum ldc_purpose purpose, struct ldc_command *ret)
{
    switch (ldc_purpose_unqueued(purpose)) {
    case LDC_PURPOSE_CONNECT:
        ldc_command_usage(ret);
        break;
    case LDC_PURPOSE_LIST:
        ldc_command_list2(ret);
        break;
    case LDC_PURPOSE_CREATE:
        ldc_command_add(ret, "a");
        break;
    case LDC_PURPOSE_DELETE:
        ldc_command_remove(ret, 1);
        break;
    case LDC_PURPOSE_START:
        ldc_command_launch(ret, 1, LDC_WINDOW_NORMAL);
        break;
    case LDC_PURPOSE_STOP:
        ldc_command_quit(ret, 1);
        break;
    default:
        ldc_command_rename(ret, 1, "b");
        break;
    }
    cr_assert_eq(ldc_purpose_of(ret->verb, purpose >= LDC_PURPOSE_QUEUED_CREATE), purpose);
}

static bool was_rejected;

static void on_outcome(void *arg, const struct ldc_outcome *outcome)
{
    (void)arg;
    was_rejected = outcome->is_rejected;
    if (was_rejected)
        cr_assert_gt(outcome->retry_ms, 0);
}

/* Returns whether it ran. */
static bool call(enum ldc_purpose purpose, enum run_status status)
{
    struct ldc_command command;
    size_t run = fake_runner_n_started(runner);
    make_command(purpose, &command);
    (void)ldc_client_call(client, &command, purpose, on_outcome, NULL);
    bool has_run = fake_runner_n_started(runner) > run;
    if (has_run && status == RUN_EXITED)
        fake_runner_exit(runner, run, 0, "");
    else if (has_run)
        fake_runner_end(runner, run, status);
    loop_run(&loop);
    cr_assert_eq(was_rejected, !has_run);
    return has_run;
}

static const struct ldc_breaker *breaker(enum ldc_purpose purpose)
{
    return ldc_client_breaker(client, purpose);
}

static void put_into(enum ldc_purpose purpose, enum ldc_breaker_state state)
{
    struct ldc_breaker_order order = {.state = state, .by = "ann", .note = "a test"};
    if (state == LDC_BREAKER_FORCED_OPEN || state == LDC_BREAKER_FORCED_CLOSED ||
        state == LDC_BREAKER_DISABLED) {
        cr_assert_not_null(ldc_client_steer(client, ldc_purpose_name(purpose), &order));
    } else if (state != LDC_BREAKER_CLOSED) {
        cr_assert(call(purpose, RUN_TIMED_OUT));
        cr_assert_eq(breaker(purpose)->state, LDC_BREAKER_OPEN);
    }
}

static const struct {
    enum ldc_breaker_state state;
    bool runs;
    enum ldc_breaker_state after_success, after_failure;
    bool is_counted;
} rows[] = {
    {LDC_BREAKER_CLOSED, true, LDC_BREAKER_CLOSED, LDC_BREAKER_OPEN, true},
    {LDC_BREAKER_OPEN, false, LDC_BREAKER_OPEN, LDC_BREAKER_OPEN, false},
    {LDC_BREAKER_HALF_OPEN, true, LDC_BREAKER_CLOSED, LDC_BREAKER_OPEN, true},
    {LDC_BREAKER_FORCED_OPEN, false, LDC_BREAKER_FORCED_OPEN, LDC_BREAKER_FORCED_OPEN, false},
    {LDC_BREAKER_DISABLED, true, LDC_BREAKER_DISABLED, LDC_BREAKER_DISABLED, false},
    {LDC_BREAKER_FORCED_CLOSED, true, LDC_BREAKER_FORCED_CLOSED, LDC_BREAKER_FORCED_CLOSED, true},
};

static void check(enum ldc_purpose purpose, size_t row, bool is_success)
{
    const char *name = ldc_purpose_name(purpose);
    const char *state = ldc_breaker_state_name(rows[row].state);
    begin(rows[row].state == LDC_BREAKER_HALF_OPEN ? 0 : 60000);
    put_into(purpose, rows[row].state);
    uint64_t before = breaker(purpose)->n_success + breaker(purpose)->n_failure;
    uint64_t n_rejected = breaker(purpose)->n_rejected;
    bool has_run = call(purpose, is_success ? RUN_EXITED : RUN_TIMED_OUT);
    cr_assert_eq(has_run, rows[row].runs, "%s, %s", name, state);
    cr_assert_eq(breaker(purpose)->n_rejected, n_rejected + !has_run, "%s, %s", name, state);
    cr_assert_eq(breaker(purpose)->state,
                 is_success ? rows[row].after_success : rows[row].after_failure,
                 "%s, %s, success %d: %s", name, state, is_success,
                 ldc_breaker_state_name(breaker(purpose)->state));
    cr_assert_eq(breaker(purpose)->n_success + breaker(purpose)->n_failure,
                 before + rows[row].is_counted, "%s, %s", name, state);
    for (const struct ldc_breaker *b = ldc_client_next_breaker(client, NULL); b;
         b = ldc_client_next_breaker(client, b))
        cr_assert(b == breaker(purpose) || b->state == LDC_BREAKER_CLOSED, "%s by %s, %s", b->name,
                  name, state);
    end();
}

Test(ldc_client_breakers, each_operation_meets_each_state_of_its_own_breaker)
{
    cr_assert_eq(LDC_PURPOSE_COUNT, 11);
    cr_assert_eq(countof(rows), LDC_BREAKER_STATE_COUNT);
    for (int purpose = 0; purpose < LDC_PURPOSE_COUNT; purpose++) {
        for (size_t row = 0; row < countof(rows); row++) {
            check((enum ldc_purpose)purpose, row, true);
            check((enum ldc_purpose)purpose, row, false);
        }
    }
}

Test(ldc_client_breakers, what_is_seen_of_commands_afterwards_is_told_to_them)
{
    struct ldc_refusal refusal;
    static const char instance[] = "0190a000-0000-7000-8000-00000000000a";
    begin(60000);
    ldc_client_report_effect(client, LDC_PURPOSE_STOP, instance, LDC_EFFECT_MISSING, "it runs on");
    cr_assert(ldc_client_refuses(client, LDC_PURPOSE_STOP, instance, &refusal));
    cr_assert_not_null(strstr(refusal.reason, "(NO_EFFECT): it runs on"));
    cr_assert_gt(refusal.retry_ms, 0);
    ldc_client_report_effect(client, LDC_PURPOSE_STOP, instance, LDC_EFFECT_SEEN, NULL);
    cr_assert_not(ldc_client_refuses(client, LDC_PURPOSE_STOP, instance, &refusal));
    end();
}

Test(ldc_client_breakers, a_command_is_told_of_the_instance_it_is_for)
{
    struct ldc_command command;
    const struct ldc_breaker *own = NULL;
    begin(60000);
    ldc_command_quit(&command, 1);
    strcpy(command.instance, "0190a000-0000-7000-8000-00000000000a");
    (void)ldc_client_call(client, &command, LDC_PURPOSE_STOP, on_outcome, NULL);
    fake_runner_end(runner, 0, RUN_TIMED_OUT);
    loop_run(&loop);
    for (const struct ldc_breaker *b = ldc_client_next_breaker(client, NULL); b;
         b = ldc_client_next_breaker(client, b))
        own = b;
    cr_assert_str_eq(own->name, "stop.0190a000-0000-7000-8000-00000000000a");
    cr_assert_str_eq(own->calls[0].command, "/ld/ldconsole quit --index 1");
    end();
}

Test(ldc_client_breakers, go_on_after_a_restart)
{
    struct ldc_breaker_memory memory;
    begin(60000);
    cr_assert(call(LDC_PURPOSE_LIST, RUN_TIMED_OUT));
    ldc_client_remember_breaker(breaker(LDC_PURPOSE_LIST), &memory);
    end();
    begin(60000);
    cr_assert(ldc_client_restore_breaker(client, &memory));
    cr_assert_not(call(LDC_PURPOSE_LIST, RUN_EXITED));
    end();
}
