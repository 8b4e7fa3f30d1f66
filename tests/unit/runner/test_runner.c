/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/loop/loop.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "runner/runner.h"
#include "tests/support/folder.h"
#include "tests/unit/runner/runner_under_test.h"

/* What every runner has to do: this file is linked once with each of them. The child is
 * tests/support/child.c. */

static struct loop loop;
static struct runner *runner;

static void set_up(void)
{
    cr_assert_eq(loop_init(&loop), 0);
    runner = runner_under_test_new(&loop);
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

/* A failing assertion in a fixture goes unseen, so this is called at the end of each test. */
static void tear_down(void)
{
    bool is_closed = false;
    runner->ops->close(runner, note_closed, &is_closed);
    cr_assert_not(is_closed, "always in a later turn");
    loop_run(&loop);
    cr_assert(is_closed);
    cr_assert_eq(loop_deinit(&loop), 0);
}

TestSuite(runner, .init = set_up);

struct outcome {
    int n_calls;
    struct run_result result;
    char *output;
};

static void note(void *arg, const struct run_result *result)
{
    struct outcome *o = arg;
    o->n_calls++;
    o->result = *result;
    o->output = mem_alloc(result->output_len + 1);
    memcpy(o->output, result->output, result->output_len + 1);
}

struct plan {
    const char *file;
    unsigned deadline_ms;
    size_t max_output;
};

static const struct plan patient = {NULL, 60000, 1 << 20};

/* The arguments end with NULL. */
static struct run *start(const struct plan *plan, struct outcome *o, ...)
{
    struct argv args;
    va_list list;
    argv_init(&args);
    va_start(list, o);
    for (const char *arg; (arg = va_arg(list, const char *));)
        argv_add(&args, arg);
    va_end(list);
    struct run_request request = {
        .file = plan->file ? plan->file : getenv("LDPLAYERD_TEST_CHILD"),
        .args = &args,
        .deadline_ms = plan->deadline_ms,
        .max_output = plan->max_output,
    };
    *o = (struct outcome){0};
    struct run *run = runner->ops->start(runner, &request, note, o);
    cr_assert_eq(o->n_calls, 0, "the callback always comes in a later turn");
    argv_deinit(&args);
    return run;
}

static void assert_ended(struct outcome *o, enum run_status status, const char *output)
{
    while (o->n_calls == 0 || runner->n_running > 0)
        uv_run(&loop.uv, UV_RUN_ONCE);
    cr_assert_eq(o->n_calls, 1);
    cr_assert_eq(o->result.status, status, "%s", run_status_name(o->result.status));
    if (output)
        cr_assert_str_eq(o->output, output);
    cr_assert_eq(runner->n_running, 0);
    mem_free(o->output);
    o->output = NULL;
}

Test(runner, gives_output_and_exit_code)
{
    struct outcome o;
    start(&patient, &o, "print", "0,LDPlayer\r\n", "exit", "7", NULL);
    cr_assert_eq(runner->n_running, 1);
    assert_ended(&o, RUN_EXITED, "0,LDPlayer\r\n");
    cr_assert_eq(o.result.exit_code, 7);
    cr_assert_eq(o.result.error, 0);
    cr_assert_gt(o.result.pid, 0);
    tear_down();
}

Test(runner, takes_stderr_too)
{
    struct outcome o;
    start(&patient, &o, "error", "player don't exist!", NULL);
    assert_ended(&o, RUN_EXITED, "player don't exist!");
    tear_down();
}

Test(runner, passes_arguments_as_they_are)
{
    struct outcome o;
    start(&patient, &o, "args", "a b", "", "c\\", "d,e", "\xe9\x9b\xb7", "--index", NULL);
    assert_ended(&o, RUN_EXITED, "a b\n\nc\\\nd,e\n\xe9\x9b\xb7\n--index\n");
    tear_down();
}

Test(runner, gives_an_empty_string_for_no_output)
{
    struct outcome o;
    start(&patient, &o, NULL);
    assert_ended(&o, RUN_EXITED, "");
    cr_assert_eq(o.result.exit_code, 0);
    tear_down();
}

Test(runner, takes_large_output_whole)
{
    struct outcome o;
    start(&patient, &o, "flood", "1048576", NULL);
    assert_ended(&o, RUN_EXITED, NULL);
    cr_assert_eq(o.result.output_len, 1 << 20, "exactly the maximum is no flood");
    tear_down();
}

Test(runner, kills_a_child_that_floods)
{
    struct outcome o;
    start(&(struct plan){NULL, 60000, 1000}, &o, "flood", "100000000", "hang", NULL);
    assert_ended(&o, RUN_FLOODED, NULL);
    cr_assert_eq(o.result.output_len, 1000);
    tear_down();
}

Test(runner, counts_one_byte_too_much_as_a_flood_even_at_the_end)
{
    struct outcome o;
    start(&(struct plan){NULL, 60000, 4}, &o, "print", "12345", NULL);
    assert_ended(&o, RUN_FLOODED, "1234");
    tear_down();
}

Test(runner, kills_at_the_deadline_and_keeps_what_was_said)
{
    struct outcome o;
    start(&(struct plan){NULL, 300, 1000}, &o, "print", "so far", "hang", NULL);
    assert_ended(&o, RUN_TIMED_OUT, "so far");
    cr_assert_eq(uv_kill(o.result.pid, 0), UV_ESRCH, "it is reaped");
    tear_down();
}

static void cancel(void *arg)
{
    runner->ops->cancel(arg);
}

Test(runner, cancels)
{
    struct outcome o;
    struct run *run = start(&patient, &o, "hang", NULL);
    loop_post(&loop, cancel, run);
    assert_ended(&o, RUN_CANCELLED, "");
    cr_assert_eq(uv_kill(o.result.pid, 0), UV_ESRCH);
    tear_down();
}

Test(runner, bears_a_second_cancel)
{
    struct outcome o;
    struct run *run = start(&patient, &o, "hang", NULL);
    cancel(run);
    cancel(run);
    assert_ended(&o, RUN_CANCELLED, "");
    tear_down();
}

Test(runner, does_not_wait_for_a_grandchild_that_holds_the_pipe)
{
    struct outcome o;
    /* Were it to wait for end of file, the deadline would end this run. */
    start(&(struct plan){NULL, 5000, 1000}, &o, "print", "done", "hold", "10000", "exit", "3",
          NULL);
    assert_ended(&o, RUN_EXITED, "done");
    cr_assert_eq(o.result.exit_code, 3);
    tear_down();
}

Test(runner, leaves_grandchildren_alive_when_it_kills)
{
    struct outcome o;
    char *folder = folder_make();
    char *mark cleanup(mem_freep) = fs_join(folder, "mark");
    start(&(struct plan){"/bin/sh", 500, 1000}, &o, "-c",
          "(trap '' HUP; sleep 1; : > \"$0\") & sleep 60", mark, NULL);
    assert_ended(&o, RUN_TIMED_OUT, "");
    for (int i = 0; i < 500 && !fs_exists(mark); i++)
        uv_sleep(20);
    cr_assert(fs_exists(mark), "an emulator started by a killed ldconsole goes on");
    folder_remove(folder);
    tear_down();
}

Test(runner, tells_a_death_by_signal_from_exit_0)
{
    struct outcome o;
    start(&patient, &o, "crash", NULL);
    assert_ended(&o, RUN_EXITED, NULL);
    cr_assert_eq(o.result.exit_code, -SIGABRT);
    tear_down();
}

Test(runner, says_that_a_program_is_missing)
{
    struct outcome o;
    start(&(struct plan){"/nowhere/ldconsole", 1000, 1000}, &o, "list2", NULL);
    assert_ended(&o, RUN_NOT_STARTED, "");
    cr_assert_eq(o.result.error, UV_ENOENT);
    cr_assert_eq(o.result.pid, 0);
    cr_assert_not(o.result.needs_elevation);
    tear_down();
}

Test(runner, says_that_a_file_is_no_program)
{
    struct outcome o;
    char *folder = folder_make();
    folder_write(folder, "ldconsole", "text");
    char *path cleanup(mem_freep) = fs_join(folder, "ldconsole");
    start(&(struct plan){path, 1000, 1000}, &o, NULL);
    assert_ended(&o, RUN_NOT_STARTED, "");
    cr_assert_eq(o.result.error, UV_EACCES);
    folder_remove(folder);
    tear_down();
}

Test(runner, runs_many_at_once)
{
    struct outcome o[20];
    for (size_t i = 0; i < countof(o); i++)
        start(&patient, &o[i], "print", "x", "exit", "1", NULL);
    for (size_t i = 0; i < countof(o); i++)
        assert_ended(&o[i], RUN_EXITED, "x");
    tear_down();
}

Test(runner, cancels_what_runs_when_it_closes)
{
    struct outcome a, b;
    bool is_closed = false;
    start(&patient, &a, "hang", NULL);
    start(&patient, &b, "hang", NULL);
    runner->ops->close(runner, note_closed, &is_closed);
    loop_run(&loop);
    cr_assert_eq(a.result.status, RUN_CANCELLED);
    cr_assert_eq(b.result.status, RUN_CANCELLED);
    cr_assert(is_closed);
    mem_free(a.output);
    mem_free(b.output);
    cr_assert_eq(loop_deinit(&loop), 0);
}

static bool closed_within;

static void close_at_the_end(void *arg, const struct run_result *result)
{
    (void)arg;
    (void)result;
    runner->ops->close(runner, note_closed, &closed_within);
}

Test(runner, may_be_closed_from_the_last_callback)
{
    struct argv args;
    argv_init(&args);
    struct run_request request = {getenv("LDPLAYERD_TEST_CHILD"), &args, 60000, 1000};
    runner->ops->start(runner, &request, close_at_the_end, NULL);
    argv_deinit(&args);
    loop_run(&loop);
    cr_assert(closed_within);
    cr_assert_eq(loop_deinit(&loop), 0);
}
