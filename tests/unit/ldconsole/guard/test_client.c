/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include <uv.h>

#include "base/loop/loop.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "ldconsole/guard/client.h"
#include "tests/support/fake_runner.h"

static struct loop loop;
static struct fake_runner *runner;
static struct ldc_client *client;
static struct ldc_client_options options;

static void begin(unsigned open_ms)
{
    struct ldc_install install = {
        .dir = (char *)"/ld",
        .ldconsole = (char *)"/ld/ldconsole",
        .vms_dir = (char *)"/ld/vms",
        .adb = (char *)"/ld/adb",
    };
    cr_assert_eq(loop_init(&loop), 0);
    options = ldc_client_defaults;
    options.deadline_ms[LDC_VERB_QUIT] = 1234;
    options.breaker.consecutive_failures = 2;
    options.breaker.open_ms = open_ms;
    runner = fake_runner_new(&loop);
    client = ldc_client_new(&loop, fake_runner_base(runner), &install, &options);
}

static void set_up(void)
{
    begin(60000);
}

TestSuite(ldc_client, .init = set_up);

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

/* A failing assertion in a fixture goes unseen, so this is called at the end of each test. */
static void tear_down(void)
{
    bool is_closed = false;
    ldc_client_close(client, note_closed, &is_closed);
    cr_assert_not(is_closed, "always in a later turn");
    loop_run(&loop);
    cr_assert(is_closed);
    cr_assert_eq(loop_deinit(&loop), 0);
}

struct told {
    int n;
    struct ldc_outcome outcome;
    bool had_result;
    char command_line[200];
    char breaker[LDC_BREAKER_NAME_SIZE];
    char refusal[300];
};

static void note(void *arg, const struct ldc_outcome *outcome)
{
    struct told *t = arg;
    t->n++;
    t->outcome = *outcome;
    t->had_result = outcome->result != NULL;
    strcpy(t->command_line, outcome->command_line);
    t->outcome.command_line = t->command_line;
    t->outcome.result = NULL; /* it ends with the call */
    str_copy(t->refusal, sizeof(t->refusal), outcome->refusal ? outcome->refusal : "");
    strcpy(t->breaker, outcome->breaker ? outcome->breaker : "");
}

static struct ldc_call *list(struct told *t)
{
    struct ldc_command c;
    *t = (struct told){0};
    ldc_command_list2(&c);
    struct ldc_call *call = ldc_client_call(client, &c, LDC_PURPOSE_LIST, note, t);
    cr_assert_eq(c.args.n_items, 0, "the command is taken over");
    cr_assert_eq(t->n, 0, "always in a later turn");
    return call;
}

static struct ldc_call *launch(struct told *t, int index)
{
    struct ldc_command c;
    *t = (struct told){0};
    ldc_command_launch(&c, index, LDC_WINDOW_NORMAL);
    return ldc_client_call(client, &c, LDC_PURPOSE_START, note, t);
}

Test(ldc_client, runs_a_command_and_tells_the_answer)
{
    struct told t;
    list(&t);
    cr_assert_eq(fake_runner_n_started(runner), 1);
    cr_assert_str_eq(fake_runner_command(runner, 0), "/ld/ldconsole list2");
    cr_assert_eq(fake_runner_deadline(runner, 0), 10000);
    cr_assert_eq(ldc_client_n_running(client), 1);
    fake_runner_exit(runner, 0, 0, "");
    loop_run(&loop);
    cr_assert_eq(t.n, 1);
    cr_assert_eq(t.outcome.answer, LDC_ANSWER_ACCEPTED);
    cr_assert_not(t.outcome.is_rejected);
    cr_assert(t.had_result);
    cr_assert_str_eq(t.command_line, "/ld/ldconsole list2");
    cr_assert_eq(ldc_client_n_running(client), 0);
    tear_down();
}

Test(ldc_client, takes_the_deadline_of_the_options_before_that_of_the_table)
{
    struct told t;
    struct ldc_command c;
    ldc_command_quit(&c, 0);
    ldc_client_call(client, &c, LDC_PURPOSE_STOP, note, &t);
    cr_assert_eq(fake_runner_deadline(runner, 0), 1234);
    tear_down();
}

Test(ldc_client, runs_no_more_of_a_class_than_allowed_and_the_rest_in_order)
{
    struct told t[3];
    for (int i = 0; i < 3; i++)
        launch(&t[i], i);
    cr_assert_eq(fake_runner_n_started(runner), 1);
    cr_assert_eq(ldc_client_n_waiting(client), 2);
    for (int i = 0; i < 3; i++) {
        char wanted[64];
        snprintf(wanted, sizeof(wanted), "/ld/ldconsole launch --index %d", i);
        cr_assert_str_eq(fake_runner_command(runner, (size_t)i), wanted);
        fake_runner_exit(runner, (size_t)i, 0, "");
        loop_run(&loop);
        cr_assert_eq(t[i].n, 1);
    }
    cr_assert_eq(ldc_client_n_waiting(client), 0);
    tear_down();
}

Test(ldc_client, classes_do_not_wait_for_each_other)
{
    struct told a, b;
    launch(&a, 0);
    list(&b);
    cr_assert_eq(fake_runner_n_started(runner), 2);
    tear_down();
}

Test(ldc_client, cancels_a_waiting_call_without_running_it)
{
    struct told a, b, c;
    launch(&a, 0);
    struct ldc_call *call = launch(&b, 1);
    launch(&c, 2);
    ldc_client_cancel(call);
    ldc_client_cancel(call);
    cr_assert_eq(b.n, 0, "always in a later turn");
    loop_run(&loop);
    cr_assert_eq(b.n, 1);
    cr_assert_eq(b.outcome.answer, LDC_ANSWER_CANCELLED);
    cr_assert_not(b.had_result);
    cr_assert_eq(ldc_client_n_waiting(client), 1);
    fake_runner_exit(runner, 0, 0, "");
    loop_run(&loop);
    cr_assert_str_eq(fake_runner_command(runner, 1), "/ld/ldconsole launch --index 2");
    tear_down();
}

Test(ldc_client, cancels_a_running_call)
{
    struct told t;
    struct ldc_call *call = list(&t);
    ldc_client_cancel(call);
    loop_run(&loop);
    cr_assert_eq(t.n, 1);
    cr_assert_eq(t.outcome.answer, LDC_ANSWER_CANCELLED);
    cr_assert(t.had_result);
    tear_down();
}

static int n_changes;
static char changed[40];

static char changed_by[40];

static void note_change(void *arg, const struct ldc_breaker *b, const char *by)
{
    (void)arg;
    n_changes++;
    strcpy(changed, b->name);
    strcpy(changed_by, by ? by : "");
}

/* From now on a breaker that opens lets a call through to try at once. */
static void begin_with_no_open_time(void)
{
    tear_down();
    begin(0);
}

static void fail_twice(void)
{
    for (size_t i = 0; i < 2; i++) {
        struct told t;
        size_t run = fake_runner_n_started(runner);
        list(&t);
        fake_runner_end(runner, run, RUN_TIMED_OUT);
        loop_run(&loop);
        cr_assert_eq(t.outcome.answer, LDC_ANSWER_TIMED_OUT);
    }
}

Test(ldc_client, opens_the_breaker_of_the_purpose_and_rejects_without_running)
{
    struct told t, other;
    ldc_client_on_breaker(client, note_change, NULL);
    fail_twice();
    cr_assert_eq(n_changes, 1);
    cr_assert_str_eq(changed, "list");
    list(&t);
    loop_run(&loop);
    cr_assert_eq(t.n, 1);
    cr_assert(t.outcome.is_rejected);
    cr_assert_gt(t.outcome.retry_ms, 0);
    cr_assert_str_eq(t.breaker, "list");
    cr_assert_not(t.had_result);
    cr_assert_eq(fake_runner_n_started(runner), 2);
    cr_assert_eq(ldc_client_breaker(client, LDC_PURPOSE_LIST)->n_rejected, 1);
    launch(&other, 0);
    cr_assert_eq(fake_runner_n_started(runner), 3, "the other breakers are closed");
    tear_down();
}

Test(ldc_client, tells_what_an_operator_did_to_a_breaker_and_who)
{
    ldc_client_on_breaker(client, note_change, NULL);
    struct ldc_breaker_order order = {
        .state = LDC_BREAKER_FORCED_OPEN, .by = "ann", .note = "disk"};
    cr_assert_eq(ldc_client_steer(client, "start", &order),
                 ldc_client_breaker(client, LDC_PURPOSE_START));
    cr_assert_eq(n_changes, 1);
    cr_assert_str_eq(changed, "start");
    cr_assert_str_eq(changed_by, "ann");
    order.note = "another disk";
    cr_assert_not_null(ldc_client_steer(client, "start", &order));
    cr_assert_eq(n_changes, 2, "the note did");
    order.state = LDC_BREAKER_CLOSED;
    cr_assert_not_null(ldc_client_steer(client, "stop", &order));
    cr_assert_eq(n_changes, 2, "nothing changed");
    cr_assert_null(ldc_client_steer(client, "nose", &order));
    tear_down();
}

Test(ldc_client, says_what_failed_last_when_it_rejects)
{
    struct told t;
    for (size_t i = 0; i < 2; i++) {
        launch(&t, 3);
        fake_runner_exit(runner, i, -7, "what a mess\r\nand more");
        loop_run(&loop);
    }
    launch(&t, 3);
    loop_run(&loop);
    cr_assert_str_eq(
        t.refusal,
        "the breaker 'start' is open: 2 calls in a row failed; the last: "
        "/ld/ldconsole launch --index 3 (LDCONSOLE_VENDOR_ERROR after 1 ms, exit code -7), which "
        "printed: what a mess");
    tear_down();
}

Test(ldc_client, rejects_waiting_calls_when_the_breaker_opens_before_their_turn)
{
    struct told t[3];
    for (int i = 0; i < 3; i++)
        launch(&t[i], i);
    fake_runner_end(runner, 0, RUN_TIMED_OUT);
    loop_run(&loop);
    fake_runner_end(runner, 1, RUN_TIMED_OUT);
    loop_run(&loop);
    cr_assert(t[2].outcome.is_rejected);
    cr_assert_eq(fake_runner_n_started(runner), 2);
    tear_down();
}

Test(ldc_client, a_refusal_of_one_request_does_not_count_against_the_breaker)
{
    for (size_t i = 0; i < 20; i++) {
        struct told t;
        launch(&t, 77);
        fake_runner_exit(runner, i, -1001, "player don't exist!");
        loop_run(&loop);
        cr_assert_eq(t.outcome.answer, LDC_ANSWER_NO_SUCH_PLAYER);
    }
    cr_assert_eq(ldc_client_breaker(client, LDC_PURPOSE_START)->state, LDC_BREAKER_CLOSED);
    tear_down();
}

Test(ldc_client, a_refusal_of_one_request_is_no_sign_of_health_either)
{
    struct told t;
    launch(&t, 0);
    fake_runner_end(runner, 0, RUN_TIMED_OUT);
    loop_run(&loop);
    launch(&t, 77);
    fake_runner_exit(runner, 1, -1001, "player don't exist!");
    loop_run(&loop);
    const struct ldc_breaker *b = ldc_client_breaker(client, LDC_PURPOSE_START);
    cr_assert_eq(b->consecutive, 1);
    cr_assert_eq(b->n_success + b->n_failure, 1);
    launch(&t, 0);
    fake_runner_end(runner, 2, RUN_TIMED_OUT);
    loop_run(&loop);
    cr_assert_eq(b->state, LDC_BREAKER_OPEN);
    tear_down();
}

Test(ldc_client, leaves_the_judgement_to_the_caller_who_reserved_it)
{
    struct told t;
    begin_with_no_open_time();
    const struct ldc_breaker *b = ldc_client_breaker(client, LDC_PURPOSE_LIST);
    for (size_t i = 0; i < 2; i++) {
        ldc_client_reserve_judgement(list(&t));
        fake_runner_exit(runner, i, 0, "what is this");
        loop_run(&loop);
        cr_assert(t.outcome.is_unjudged);
        cr_assert_eq(b->n_success + b->n_failure, i);
        ldc_client_judge(client, LDC_PURPOSE_LIST, &t.outcome, LDC_FAULT_PARSE, "NO_LIST");
    }
    cr_assert_eq(b->state, LDC_BREAKER_OPEN);
    cr_assert_not_null(strstr(b->reason, "/ld/ldconsole list2 (NO_LIST)"));
    ldc_client_reserve_judgement(list(&t));
    fake_runner_exit(runner, 2, 0, "");
    loop_run(&loop);
    cr_assert_neq(t.outcome.probes, 0);
    cr_assert_eq(b->state, LDC_BREAKER_HALF_OPEN, "nobody has judged the probe");
    ldc_client_judge(client, LDC_PURPOSE_LIST, &t.outcome, LDC_FAULT_NONE, "");
    cr_assert_eq(b->state, LDC_BREAKER_CLOSED);
    struct ldc_call *call = list(&t);
    ldc_client_reserve_judgement(call);
    ldc_client_cancel(call);
    loop_run(&loop);
    cr_assert_not(t.outcome.is_unjudged, "there is nothing to judge");
    tear_down();
}

Test(ldc_client, cancelling_the_probe_leaves_room_for_another)
{
    struct told t;
    begin_with_no_open_time();
    fail_twice();
    const struct ldc_breaker *b = ldc_client_breaker(client, LDC_PURPOSE_LIST);
    ldc_client_cancel(list(&t));
    loop_run(&loop);
    cr_assert_eq(b->state, LDC_BREAKER_HALF_OPEN);
    list(&t);
    fake_runner_exit(runner, 3, 0, "0,a,0,0,0,-1,-1\r\n");
    loop_run(&loop);
    cr_assert_eq(b->state, LDC_BREAKER_CLOSED);
    tear_down();
}

Test(ldc_client, only_the_probe_decides_while_half_open)
{
    struct told late, probe;
    begin_with_no_open_time();
    list(&late);
    for (size_t i = 1; i <= 2; i++) {
        list(&probe);
        fake_runner_end(runner, i, RUN_TIMED_OUT);
        loop_run(&loop);
    }
    const struct ldc_breaker *b = ldc_client_breaker(client, LDC_PURPOSE_LIST);
    list(&probe);
    cr_assert_eq(b->state, LDC_BREAKER_HALF_OPEN);
    fake_runner_exit(runner, 0, 0, "");
    loop_run(&loop);
    cr_assert_eq(late.n, 1);
    cr_assert_eq(b->state, LDC_BREAKER_HALF_OPEN, "that call left before the breaker opened");
    fake_runner_end(runner, 3, RUN_TIMED_OUT);
    loop_run(&loop);
    cr_assert_eq(b->state, LDC_BREAKER_OPEN);
    tear_down();
}

Test(ldc_client, guests_pass_no_breaker)
{
    static const char *const args[] = {"true", NULL};
    for (size_t i = 0; i < 20; i++) {
        struct told t = {0};
        struct ldc_command c;
        ldc_command_adb_shell(&c, "emulator-5554", args);
        ldc_client_call(client, &c, LDC_PURPOSE_RUN, note, &t);
        cr_assert_str_eq(fake_runner_command(runner, i), "/ld/adb -s emulator-5554 shell true");
        fake_runner_end(runner, i, RUN_TIMED_OUT);
        loop_run(&loop);
        cr_assert_eq(t.outcome.answer, LDC_ANSWER_TIMED_OUT);
    }
    cr_assert_eq(ldc_client_breaker(client, LDC_PURPOSE_RUN)->state, LDC_BREAKER_CLOSED);
    tear_down();
}

Test(ldc_client, says_that_a_program_is_not_installed)
{
    struct told t = {0};
    struct ldc_command c;
    ldc_command_ld_shell(&c, 0, "getprop");
    ldc_client_call(client, &c, LDC_PURPOSE_RUN, note, &t);
    cr_assert_eq(t.n, 0);
    loop_run(&loop);
    cr_assert_eq(t.outcome.answer, LDC_ANSWER_NOT_STARTED);
    cr_assert(t.had_result);
    cr_assert_eq(fake_runner_n_started(runner), 0);
    tear_down();
}

Test(ldc_client, close_ends_running_and_waiting_calls)
{
    struct told t[3];
    bool is_closed = false;
    for (int i = 0; i < 3; i++)
        launch(&t[i], i);
    ldc_client_close(client, note_closed, &is_closed);
    loop_run(&loop);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(t[i].n, 1);
        cr_assert_eq(t[i].outcome.answer, LDC_ANSWER_CANCELLED);
    }
    cr_assert(is_closed);
    cr_assert_eq(loop_deinit(&loop), 0);
}

static struct told second;
static bool closed_within;

static void close_and_call_again(void *arg, const struct ldc_outcome *outcome)
{
    (void)arg;
    (void)outcome;
    ldc_client_close(client, note_closed, &closed_within);
    list(&second);
}

Test(ldc_client, may_be_closed_and_called_from_the_last_callback)
{
    struct ldc_command c;
    ldc_command_list2(&c);
    ldc_client_call(client, &c, LDC_PURPOSE_LIST, close_and_call_again, NULL);
    fake_runner_exit(runner, 0, 0, "");
    loop_run(&loop);
    cr_assert_eq(second.n, 1);
    cr_assert_eq(second.outcome.answer, LDC_ANSWER_CANCELLED);
    cr_assert(closed_within);
    cr_assert_eq(loop_deinit(&loop), 0);
}

Test(ldc_client, survives_a_call_made_while_the_runner_closes)
{
    bool is_closed = false;
    ldc_client_close(client, note_closed, &is_closed);
    list(&second);
    loop_run(&loop);
    cr_assert_eq(second.n, 1);
    cr_assert_eq(second.outcome.answer, LDC_ANSWER_CANCELLED);
    cr_assert(is_closed);
    cr_assert_eq(loop_deinit(&loop), 0);
}

Test(ldc_client, asks_a_question_once_more_when_the_agent_was_lost)
{
    struct told t;
    list(&t);
    fake_runner_end(runner, 0, RUN_LOST);
    loop_run(&loop);
    cr_assert_eq(t.n, 0);
    cr_assert_eq(fake_runner_n_started(runner), 2);
    fake_runner_end(runner, 1, RUN_LOST);
    loop_run(&loop);
    cr_assert_eq(t.n, 1);
    cr_assert_eq(t.outcome.answer, LDC_ANSWER_LOST);
    cr_assert_eq(fake_runner_n_started(runner), 2);
    cr_assert_eq(ldc_client_n_running(client), 0);
    tear_down();
}

Test(ldc_client, repeats_nothing_that_changes_something)
{
    struct told t;
    launch(&t, 0);
    fake_runner_end(runner, 0, RUN_LOST);
    loop_run(&loop);
    cr_assert_eq(t.n, 1);
    cr_assert_eq(t.outcome.answer, LDC_ANSWER_LOST);
    cr_assert_eq(fake_runner_n_started(runner), 1);
    tear_down();
}

Test(ldc_client, says_without_a_breaker_that_there_is_no_session)
{
    struct told t;
    fake_runner_base(runner)->absence = "Nobody is logged on.";
    cr_assert_str_eq(ldc_client_absence(client), "Nobody is logged on.");
    for (int i = 0; i < 5; i++) {
        list(&t);
        loop_run(&loop);
        cr_assert_eq(t.n, 1);
        cr_assert_eq(t.outcome.answer, LDC_ANSWER_NO_SESSION);
        cr_assert_not(t.had_result);
    }
    cr_assert_eq(fake_runner_n_started(runner), 0);
    cr_assert_eq(ldc_client_n_waiting(client), 0);
    cr_assert_eq(ldc_client_breaker(client, LDC_PURPOSE_LIST)->state, LDC_BREAKER_CLOSED);
    fake_runner_base(runner)->absence = NULL;
    tear_down();
}
