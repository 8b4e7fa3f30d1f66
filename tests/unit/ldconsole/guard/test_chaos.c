/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "ldconsole/guard/chaos.h"
#include "tests/support/fake_runner.h"

static struct loop loop;
static struct fake_runner *fake;
static struct runner *runner;
static struct ldc_chaos *chaos;
static unsigned n_begun, n_ended;
static char why_ended[80];

static void on_change(void *arg, const struct ldc_chaos_drill *drill, const char *why)
{
    (void)arg;
    (void)drill;
    n_begun += why == NULL;
    n_ended += why != NULL;
    if (why)
        strncpy(why_ended, why, sizeof(why_ended) - 1);
}

static void set_up(void)
{
    cr_assert_eq(loop_init(&loop), 0);
    uv_ref((uv_handle_t *)&loop.wake); /* what is posted is waited for */
    fake = fake_runner_new(&loop);
    runner = ldc_chaos_new(&loop, fake_runner_base(fake));
    chaos = ldc_chaos_of(runner);
    ldc_chaos_on_change(chaos, on_change, NULL);
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

static void tear_down(void)
{
    bool is_closed = false;
    runner->ops->close(runner, note_closed, &is_closed);
    uv_unref((uv_handle_t *)&loop.wake);
    loop_run(&loop);
    cr_assert(is_closed);
    cr_assert_eq(loop_deinit(&loop), 0);
}

TestSuite(chaos, .init = set_up, .timeout = 60);

struct outcome {
    unsigned n;
    struct run_result result;
    char output[200];
};

static void note(void *arg, const struct run_result *result)
{
    struct outcome *o = arg;
    o->n++;
    o->result = *result;
    memcpy(o->output, result->output ? result->output : "", result->output_len + 1);
}

static struct run *start(const char *verb, unsigned deadline_ms, struct outcome *o)
{
    struct argv args;
    argv_init(&args);
    argv_add(&args, verb);
    argv_add(&args, "--index");
    struct run_request request = {"ldconsole", &args, deadline_ms, 1000};
    struct run *run = runner->ops->start(runner, &request, note, o);
    argv_deinit(&args);
    return run;
}

static void begin(enum ldc_chaos_kind kind, const char *verb)
{
    struct ldc_chaos_drill drill = {
        .kind = kind, .percent = 100, .latency_ms = 20, .duration_ms = 60000, .by = "Ann"};
    strcpy(drill.verb, verb);
    ldc_chaos_begin(chaos, &drill);
}

static void run_until(const unsigned *n)
{
    while (*n == 0)
        uv_run(&loop.uv, UV_RUN_ONCE);
}

Test(chaos, hands_everything_on_without_a_drill)
{
    struct outcome o = {0};
    fake_runner_answer_next(fake, 7, "seven");
    (void)start("list2", 1000, &o);
    run_until(&o.n);
    cr_expect_eq(o.result.exit_code, 7);
    cr_expect_str_eq(o.output, "seven");
    cr_expect_str_eq(fake_runner_command(fake, 0), "ldconsole list2 --index");
    cr_expect_null(ldc_chaos_drill(chaos));
    fake_runner_base(fake)->absence = "nobody";
    cr_expect_str_eq(runner_absence(runner), "nobody");
    tear_down();
}

Test(chaos, an_error_and_garbage_say_whose_drill_it_is_and_run_nothing)
{
    struct outcome error = {0}, garbage = {0};
    begin(LDC_CHAOS_ERROR, "");
    (void)start("launch", 1000, &error);
    begin(LDC_CHAOS_GARBAGE, "");
    (void)start("launch", 1000, &garbage);
    cr_expect_eq(error.n, 0, "always in a later turn");
    run_until(&error.n);
    run_until(&garbage.n);
    cr_expect_eq(error.result.status, RUN_EXITED);
    cr_expect_eq(error.result.exit_code, -1);
    cr_expect(strstr(error.output, "the drill that Ann began"), "%s", error.output);
    cr_expect_eq(garbage.result.exit_code, 0);
    cr_expect(strstr(garbage.output, "no answer of ldconsole"), "%s", garbage.output);
    cr_expect_eq(fake_runner_n_started(fake), 0);
    cr_expect_eq(n_begun, 2);
    cr_expect_eq(n_ended, 1);
    cr_expect_eq(ldc_chaos_drill(chaos)->n_spoiled, 1);
    tear_down();
}

Test(chaos, a_hang_ends_at_the_deadline_or_when_it_is_cancelled)
{
    struct outcome hung = {0}, cancelled = {0};
    begin(LDC_CHAOS_HANG, "");
    (void)start("list2", 30, &hung);
    struct run *run = start("list2", 60000, &cancelled);
    run_until(&hung.n);
    cr_expect_eq(hung.result.status, RUN_TIMED_OUT);
    runner->ops->cancel(run);
    runner->ops->cancel(run);
    cr_expect_eq(cancelled.n, 0);
    run_until(&cancelled.n);
    cr_expect_eq(cancelled.result.status, RUN_CANCELLED);
    cr_expect_eq(fake_runner_n_started(fake), 0);
    tear_down();
}

Test(chaos, latency_comes_before_the_command_and_counts_against_its_deadline)
{
    struct outcome late = {0}, too_late = {0};
    begin(LDC_CHAOS_LATENCY, "");
    fake_runner_answer_next(fake, 3, "three");
    (void)start("list2", 1000, &late);
    cr_expect_eq(fake_runner_n_started(fake), 0);
    run_until(&late.n);
    cr_expect_eq(late.result.exit_code, 3);
    cr_expect_geq(late.result.duration_ms, 15);
    cr_expect_leq(fake_runner_deadline(fake, 0), 985);
    (void)start("list2", 5, &too_late);
    run_until(&too_late.n);
    cr_expect_eq(too_late.result.status, RUN_TIMED_OUT);
    cr_expect_eq(fake_runner_n_started(fake), 1);
    tear_down();
}

Test(chaos, only_the_verb_is_spoiled_that_was_asked_for)
{
    struct outcome list = {0}, launch = {0};
    begin(LDC_CHAOS_ERROR, "list2");
    fake_runner_answer_next(fake, 0, "");
    (void)start("launch", 1000, &launch);
    (void)start("list2", 1000, &list);
    run_until(&launch.n);
    run_until(&list.n);
    cr_expect_eq(launch.result.exit_code, 0);
    cr_expect_eq(list.result.exit_code, -1);
    cr_expect_eq(fake_runner_n_started(fake), 1);
    tear_down();
}

Test(chaos, ends_when_its_time_is_up)
{
    struct ldc_chaos_drill drill = {.kind = LDC_CHAOS_ERROR, .percent = 100, .duration_ms = 10};
    ldc_chaos_begin(chaos, &drill);
    run_until(&n_ended);
    cr_expect_null(ldc_chaos_drill(chaos));
    cr_expect_str_eq(why_ended, "its time is up");
    ldc_chaos_end(chaos, "again");
    cr_expect_eq(n_ended, 1);
    tear_down();
}

Test(chaos, what_is_spoiled_ends_when_the_runner_is_closed)
{
    struct outcome hung = {0}, waiting = {0};
    begin(LDC_CHAOS_HANG, "");
    (void)start("list2", 60000, &hung);
    begin(LDC_CHAOS_LATENCY, "");
    (void)start("list2", 60000, &waiting);
    tear_down();
    cr_expect_eq(hung.n, 1);
    cr_expect_eq(hung.result.status, RUN_CANCELLED);
    cr_expect_eq(waiting.result.status, RUN_CANCELLED);
}

Test(chaos, a_share_of_the_runs_is_spoiled)
{
    enum { N = 40 };
    struct outcome o[N] = {0};
    struct ldc_chaos_drill drill = {.kind = LDC_CHAOS_ERROR, .percent = 50, .duration_ms = 60000};
    ldc_chaos_begin(chaos, &drill);
    for (int i = 0; i < N; i++) {
        size_t n_before = fake_runner_n_started(fake);
        (void)start("list2", 1000, &o[i]);
        if (fake_runner_n_started(fake) > n_before)
            fake_runner_exit(fake, n_before, 0, "");
        run_until(&o[i].n);
    }
    /* Less likely than a bit that falls over. */
    unsigned n = ldc_chaos_drill(chaos)->n_spoiled;
    cr_expect(n > 0 && n < N, "%u of %d", n, N);
    cr_expect_eq(fake_runner_n_started(fake), N - n);
    tear_down();
}
