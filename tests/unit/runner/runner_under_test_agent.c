/* SPDX-License-Identifier: MIT */
#include "tests/unit/runner/runner_under_test.h"

#include <stdlib.h>

#include "base/memory/mem.h"
#include "runner/agent.h"
#include "runner/runner_agent.h"

/* Both ends live on the loop of the test, with a real pipe between them. */

static void on_ready(void *arg, const struct agent_hello *hello)
{
    (void)arg;
    (void)hello;
}

static void on_lost(void *arg, const char *why)
{
    (void)arg;
    (void)why;
    abort();
}

static const struct runner_agent_events events = {on_ready, on_lost};

static void on_agent_end(void *arg, const char *why)
{
    (void)arg;
    if (why)
        abort();
}

static uv_pipe_t *open_pipe(struct loop *loop, uv_os_sock_t end)
{
    uv_pipe_t *pipe = mem_new(uv_pipe_t);
    uv_pipe_init(&loop->uv, pipe, 0);
    if (uv_pipe_open(pipe, end) < 0)
        abort();
    return pipe;
}

struct runner *runner_under_test_new(struct loop *loop)
{
    static const struct agent_hello hello = {.protocol = AGENT_PROTOCOL, .version = "1"};
    const struct runner_agent_options options = {.version = "1", .max_output = 1 << 20};
    uv_os_sock_t ends[2];
    if (uv_socketpair(SOCK_STREAM, 0, ends, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE) < 0)
        abort();
    struct runner *runner = runner_agent_new(loop, &options, &events, NULL);
    runner_agent_attach(runner, open_pipe(loop, ends[0]));
    agent_new(loop, open_pipe(loop, ends[1]), &hello, on_agent_end, NULL);
    while (runner->absence)
        uv_run(&loop->uv, UV_RUN_ONCE);
    return runner;
}
