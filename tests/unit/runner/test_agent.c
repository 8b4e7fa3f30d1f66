/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "runner/agent.h"

/* The service here is the test itself. That the agent runs what it is asked to is in the suite of
 * all runners (test_runner.c); this is about a service that is none. */

static struct loop loop;
static struct agent *agent;
static uv_pipe_t *far;
static int n_ends;
static char why[300];

/* Also when nothing but a post is left, which keeps no loop alive. */
static void turn(void)
{
    if (uv_run(&loop.uv, UV_RUN_ONCE) == 0)
        loop_run(&loop);
}

static void on_end(void *arg, const char *text)
{
    (void)arg;
    n_ends++;
    str_copy(why, sizeof(why), text ? text : "");
}

static uv_pipe_t *open_pipe(uv_os_sock_t end)
{
    uv_pipe_t *pipe = mem_new(uv_pipe_t);
    uv_pipe_init(&loop.uv, pipe, 0);
    cr_assert_eq(uv_pipe_open(pipe, end), 0);
    return pipe;
}

static void set_up(void)
{
    static const struct agent_hello hello = {.protocol = AGENT_PROTOCOL, .version = "1"};
    uv_os_sock_t ends[2];
    cr_assert_eq(loop_init(&loop), 0);
    cr_assert_eq(uv_socketpair(SOCK_STREAM, 0, ends, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE), 0);
    far = open_pipe(ends[1]);
    agent = agent_new(&loop, open_pipe(ends[0]), &hello, on_end, NULL);
}

static void free_far(uv_handle_t *handle)
{
    mem_free(handle);
}

static void say(struct buf *out)
{
    uv_buf_t bytes = uv_buf_init(out->data, (unsigned)out->len);
    cr_assert_eq(uv_try_write((uv_stream_t *)far, &bytes, 1), (int)out->len);
    buf_deinit(out);
}

static void expect_end(const char *text)
{
    while (n_ends == 0)
        turn();
    cr_assert_str_eq(why, text);
    if (far)
        uv_close((uv_handle_t *)far, free_far);
    loop_run(&loop);
    cr_assert_eq(n_ends, 1);
    cr_assert_eq(loop_deinit(&loop), 0);
}

Test(agent, ends_quietly_when_the_service_leaves)
{
    set_up();
    uv_close((uv_handle_t *)take_ptr(far), free_far);
    expect_end("");
}

Test(agent, tells_why_it_was_refused)
{
    struct buf out = {0};
    set_up();
    agent_write_text(&out, AGENT_REFUSED, "it is of another version");
    say(&out);
    expect_end("the service refused this agent: it is of another version");
}

Test(agent, runs_nothing_before_it_is_welcome)
{
    struct buf out = {0};
    struct argv args;
    set_up();
    argv_init(&args);
    struct run_request request = {"/bin/true", &args, 1000, 1000};
    agent_write_start(&out, 1, &request);
    argv_deinit(&args);
    say(&out);
    expect_end("the service said what was not its turn");
}

static void expect_refusal_of(enum agent_type type, const char *text)
{
    struct buf out = {0};
    set_up();
    agent_write_empty(&out, AGENT_WELCOME);
    agent_write_empty(&out, type);
    say(&out);
    expect_end(text);
}

Test(agent, ends_at_a_command_that_cannot_be_read)
{
    expect_refusal_of(AGENT_START, "the service sent a command that cannot be read");
}

Test(agent, ends_at_a_cancellation_that_cannot_be_read)
{
    expect_refusal_of(AGENT_CANCEL, "the service sent a cancellation that cannot be read");
}
