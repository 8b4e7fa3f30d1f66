/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/text/str.h"
#include "runner/runner_agent.h"

/* The agent here is the test itself, at the other end of a pipe. */

static struct loop loop;
static struct runner *runner;
static uv_pipe_t *far;
static struct buf heard;
static bool is_far_closed;

static struct told {
    int n_ready, n_lost;
    struct agent_hello hello;
    char why[200];
} told;

/* Also when nothing but a post is left, which keeps no loop alive. */
static void turn(void)
{
    if (uv_run(&loop.uv, UV_RUN_ONCE) == 0)
        loop_run(&loop);
}

static void on_ready(void *arg, const struct agent_hello *hello)
{
    (void)arg;
    told.n_ready++;
    told.hello = *hello;
}

static void on_lost(void *arg, const char *why)
{
    (void)arg;
    told.n_lost++;
    str_copy(told.why, sizeof(told.why), why);
}

static const struct runner_agent_events events = {on_ready, on_lost};

static void make_runner(unsigned patience_ms, unsigned ping_ms)
{
    const struct runner_agent_options options = {"1", 1000, patience_ms, ping_ms};
    cr_assert_eq(loop_init(&loop), 0);
    runner = runner_agent_new(&loop, &options, &events, NULL);
}

static void on_room(uv_handle_t *handle, size_t n, uv_buf_t *ret)
{
    (void)handle;
    *ret = uv_buf_init(buf_reserve(&heard, n), (unsigned)n);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    (void)bytes;
    if (n > 0) {
        heard.len += (size_t)n;
    } else if (n < 0) {
        uv_read_stop(stream);
        is_far_closed = true;
    }
}

static uv_pipe_t *open_pipe(uv_os_sock_t end)
{
    uv_pipe_t *pipe = mem_new(uv_pipe_t);
    uv_pipe_init(&loop.uv, pipe, 0);
    cr_assert_eq(uv_pipe_open(pipe, end), 0);
    return pipe;
}

static void attach(void)
{
    uv_os_sock_t ends[2];
    cr_assert_eq(uv_socketpair(SOCK_STREAM, 0, ends, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE), 0);
    far = open_pipe(ends[1]);
    is_far_closed = false;
    uv_read_start((uv_stream_t *)far, on_room, on_read);
    runner_agent_attach(runner, open_pipe(ends[0]));
}

static void free_far(uv_handle_t *handle)
{
    mem_free(handle);
}

static void hang_up(void)
{
    uv_close((uv_handle_t *)far, free_far);
    far = NULL;
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

static void tear_down(void)
{
    bool is_closed = false;
    if (far)
        hang_up();
    runner->ops->close(runner, note_closed, &is_closed);
    loop_run(&loop);
    cr_assert(is_closed);
    buf_deinit(&heard);
    cr_assert_eq(loop_deinit(&loop), 0);
}

/* Says what is in OUT. */
static void say(struct buf *out)
{
    uv_buf_t bytes = uv_buf_init(out->data, (unsigned)out->len);
    cr_assert_eq(uv_try_write((uv_stream_t *)far, &bytes, 1), (int)out->len);
    buf_deinit(out);
}

static void say_hello(uint32_t protocol, const char *version)
{
    struct buf out = {0};
    struct agent_hello hello = {.protocol = protocol, .pid = 42, .session = 2};
    str_copy(hello.version, sizeof(hello.version), version);
    agent_write_hello(&out, &hello);
    say(&out);
}

/* Waits for a frame of TYPE and takes it with all before it. */
static struct agent_frame wait_for(enum agent_type type)
{
    struct agent_frame frame;
    for (;;) {
        ptrdiff_t n = agent_read_frame(heard.data, heard.len, AGENT_MAX_COMMAND, &frame);
        cr_assert_geq(n, 0);
        if (n > 0 && frame.type == type)
            return frame;
        if (n > 0)
            buf_consume(&heard, (size_t)n);
        else
            turn();
    }
}

static void wait_ready(void)
{
    while (runner->absence)
        turn();
}

static void wait_lost_one(void)
{
    while (told.n_lost == 0)
        turn();
}

static void wait_lost(void)
{
    wait_lost_one();
    cr_assert_not_null(runner->absence);
}

static void set_up_ready(unsigned patience_ms, unsigned ping_ms)
{
    make_runner(patience_ms, ping_ms);
    attach();
    say_hello(AGENT_PROTOCOL, "1");
    wait_ready();
}

struct outcome {
    int n_calls;
    enum run_status status;
    int error;
};

static void note(void *arg, const struct run_result *result)
{
    struct outcome *o = arg;
    o->n_calls++;
    o->status = result->status;
    o->error = result->error;
    cr_assert_str_eq(result->output, "");
}

static struct run *start(struct outcome *o)
{
    struct argv args;
    argv_init(&args);
    argv_add(&args, "list2");
    struct run_request request = {"ldconsole", &args, 1000, 1000};
    *o = (struct outcome){0};
    struct run *run = runner->ops->start(runner, &request, note, o);
    cr_assert_eq(o->n_calls, 0, "the callback always comes in a later turn");
    argv_deinit(&args);
    return run;
}

static void assert_ended(const struct outcome *o, enum run_status status)
{
    while (o->n_calls == 0)
        turn();
    cr_assert_eq(o->n_calls, 1);
    cr_assert_eq(o->status, status, "%s", run_status_name(o->status));
}

Test(runner_agent, is_absent_with_a_reason_until_an_agent_has_said_hello)
{
    struct outcome o;
    make_runner(0, 0);
    cr_assert_not_null(runner->absence);
    runner_agent_set_absence(runner, "Nobody is logged on.");
    cr_assert_str_eq(runner->absence, "Nobody is logged on.");
    start(&o);
    assert_ended(&o, RUN_NOT_STARTED);
    cr_assert_eq(o.error, UV_ENOTCONN);
    attach();
    cr_assert_not_null(runner->absence);
    say_hello(AGENT_PROTOCOL, "1");
    (void)wait_for(AGENT_WELCOME);
    cr_assert_null(runner->absence);
    cr_assert_eq(told.n_ready, 1);
    cr_assert_eq(told.hello.pid, 42);
    cr_assert_eq(told.hello.session, 2);
    tear_down();
}

static void expect_refused(uint32_t protocol, const char *version)
{
    char text[100];
    make_runner(0, 0);
    attach();
    say_hello(protocol, version);
    struct agent_frame frame = wait_for(AGENT_REFUSED);
    cr_assert_eq(agent_read_text(&frame, text, sizeof(text)), 0);
    cr_assert_str_eq(text, "it is of another version");
    cr_assert_eq(told.n_lost, 1);
    cr_assert_eq(told.n_ready, 0);
    tear_down();
}

Test(runner_agent, refuses_another_protocol)
{
    expect_refused(AGENT_PROTOCOL + 1, "1");
}

Test(runner_agent, refuses_another_version)
{
    expect_refused(AGENT_PROTOCOL, "2");
}

Test(runner_agent, gives_up_who_says_nothing)
{
    make_runner(50, 50);
    attach();
    wait_lost();
    cr_assert_str_eq(told.why, "it connected and did not say who it is");
    tear_down();
}

Test(runner_agent, gives_up_who_says_what_is_no_message)
{
    struct buf out = {0};
    make_runner(0, 0);
    attach();
    (void)buf_append_str(&out, "GET / HTTP/1.1\r\n\r\n");
    say(&out);
    wait_lost();
    cr_assert_str_eq(told.why, "it sent what is no message");
    tear_down();
}

Test(runner_agent, gives_up_who_speaks_out_of_turn)
{
    struct buf out = {0};
    make_runner(0, 0);
    attach();
    agent_write_empty(&out, AGENT_PONG);
    say(&out);
    wait_lost();
    cr_assert_str_eq(told.why, "it said what was not its turn");
    tear_down();
}

Test(runner_agent, gives_up_a_result_that_is_larger_than_any_that_was_asked_for)
{
    struct buf out = {0};
    struct run_result flood = {.output_len = 1 << 20};
    set_up_ready(0, 0);
    flood.output = mem_alloc(flood.output_len);
    agent_write_result(&out, 1, &flood);
    mem_free((char *)flood.output);
    out.len = 64; /* its head is enough */
    say(&out);
    wait_lost();
    tear_down();
}

Test(runner_agent, loses_what_runs_when_the_agent_dies_and_takes_the_next_agent)
{
    struct outcome a, b, c;
    set_up_ready(0, 0);
    start(&a);
    start(&b);
    (void)wait_for(AGENT_START);
    hang_up();
    assert_ended(&a, RUN_LOST);
    assert_ended(&b, RUN_LOST);
    cr_assert_eq(told.n_lost, 1);
    cr_assert_str_eq(told.why, "it closed the pipe");
    cr_assert_eq(runner->n_running, 0);
    start(&c);
    assert_ended(&c, RUN_NOT_STARTED);
    attach();
    say_hello(AGENT_PROTOCOL, "1");
    wait_ready();
    tear_down();
}

Test(runner_agent, an_agent_that_is_replaced_or_let_go_is_not_told_as_lost)
{
    struct outcome a, b;
    set_up_ready(0, 0);
    start(&a);
    uv_pipe_t *first = far;
    attach();
    assert_ended(&a, RUN_LOST);
    say_hello(AGENT_PROTOCOL, "1");
    wait_ready();
    start(&b);
    runner_agent_detach(runner);
    cr_assert_not_null(runner->absence);
    assert_ended(&b, RUN_LOST);
    cr_assert_eq(told.n_lost, 0);
    uv_close((uv_handle_t *)first, free_far);
    tear_down();
}

Test(runner_agent, pings_and_gives_up_who_does_not_answer)
{
    struct buf out = {0};
    set_up_ready(200, 20);
    (void)wait_for(AGENT_PING);
    agent_write_empty(&out, AGENT_PONG);
    say(&out);
    wait_lost();
    cr_assert_str_eq(told.why, "it answers no pings: it hangs or is suspended");
    tear_down();
}

/* As both are after a sleep of the computer: the first thing that the service sees is a ping that
 * is long due. */
Test(runner_agent, who_could_not_answer_because_nobody_ran_is_not_given_up)
{
    struct buf out = {0};
    set_up_ready(200, 20);
    (void)wait_for(AGENT_PING);
    uv_sleep(400);
    for (int i = 0; i < 3; i++) {
        buf_clear(&heard);
        (void)wait_for(AGENT_PING);
        agent_write_empty(&out, AGENT_PONG);
        say(&out);
    }
    cr_assert_eq(told.n_lost, 0);
    tear_down();
}

Test(runner_agent, a_result_of_nobody_is_passed_over)
{
    struct buf out = {0};
    struct outcome o;
    struct run_result result = {.status = RUN_EXITED, .output = ""};
    set_up_ready(0, 0);
    start(&o);
    agent_write_result(&out, 999, &result);
    agent_write_result(&out, 1, &result);
    say(&out);
    assert_ended(&o, RUN_EXITED);
    cr_assert_null(runner->absence);
    tear_down();
}

Test(runner_agent, runs_wait_for_an_agent_that_is_expected)
{
    struct outcome a, b;
    struct buf out = {0};
    struct run_result result = {.status = RUN_EXITED, .output = ""};
    make_runner(0, 0);
    runner_agent_expect(runner);
    cr_assert_null(runner->absence);
    start(&a);
    runner->ops->cancel(start(&b));
    assert_ended(&b, RUN_CANCELLED);
    cr_assert_eq(a.n_calls, 0);
    attach();
    say_hello(AGENT_PROTOCOL, "1");
    (void)wait_for(AGENT_START);
    agent_write_result(&out, 1, &result);
    say(&out);
    assert_ended(&a, RUN_EXITED);
    tear_down();
}

Test(runner_agent, what_waits_is_refused_when_no_agent_comes)
{
    struct outcome a, b;
    make_runner(0, 0);
    runner_agent_expect(runner);
    start(&a);
    attach();
    hang_up();
    wait_lost_one();
    cr_assert_eq(a.n_calls, 0, "it was not sent, so it is not lost");
    cr_assert_null(runner->absence);
    start(&b);
    runner_agent_set_absence(runner, "Nobody is logged on.");
    assert_ended(&a, RUN_NOT_STARTED);
    assert_ended(&b, RUN_NOT_STARTED);
    cr_assert_eq(a.error, UV_ENOTCONN);
    cr_assert_str_eq(runner->absence, "Nobody is logged on.");
    tear_down();
}

Test(runner_agent, what_waits_is_cancelled_when_the_runner_closes)
{
    struct outcome o;
    make_runner(0, 0);
    runner_agent_expect(runner);
    start(&o);
    tear_down();
    cr_assert_eq(o.status, RUN_CANCELLED);
}

Test(runner_agent, asks_the_agent_to_end_what_is_cancelled)
{
    struct outcome o;
    uint32_t id;
    set_up_ready(0, 0);
    runner->ops->cancel(start(&o));
    struct agent_frame frame = wait_for(AGENT_CANCEL);
    cr_assert_eq(agent_read_id(&frame, &id), 0);
    cr_assert_eq(id, 1);
    cr_assert_eq(o.n_calls, 0, "it has not ended yet");
    hang_up();
    assert_ended(&o, RUN_LOST);
    tear_down();
}
