/* SPDX-License-Identifier: MIT */
/*     HELLO sent --WELCOME--> START, CANCEL, PING are served --service left, or nonsense--> end
 *         '------REFUSED---------------------------------------------------------------------^
 *
 * A task is a run at the agent's own runner, from START to its RESULT. The end cancels them: first
 * the runner closes, so that their results are still written, then the link. */
#include "runner/agent.h"

#include <stdio.h>

#include "base/memory/mem.h"
#include "runner/agent_link.h"

struct agent {
    struct runner *runner;
    struct agent_link *link;
    struct list tasks;
    bool is_welcome, is_ending;
    char why[300]; /* "" when the service left */
    agent_end_fn on_end;
    void *arg;
};

/* A run that was asked for. */
struct task {
    struct list link;
    struct agent *agent;
    uint32_t id;
    struct run *run;
};

/* --- the end --- */

static void on_link_closed(void *arg)
{
    struct agent *a = arg;
    agent_end_fn on_end = a->on_end;
    void *end_arg = a->arg;
    char why[sizeof(a->why)];
    snprintf(why, sizeof(why), "%s", a->why);
    mem_free(a);
    on_end(end_arg, *why ? why : NULL);
}

static void on_runner_closed(void *arg)
{
    struct agent *a = arg;
    agent_link_close(a->link, on_link_closed, a);
}

static void finish(struct agent *a)
{
    if (a->is_ending)
        return;
    a->is_ending = true;
    a->runner->ops->close(a->runner, on_runner_closed, a);
}

static void fail(struct agent *a, const char *why)
{
    snprintf(a->why, sizeof(a->why), "%s", why);
    finish(a);
}

/* --- what the service asks --- */

static void on_run_done(void *arg, const struct run_result *result)
{
    struct task *task = arg;
    struct buf out = {0};
    agent_write_result(&out, task->id, result);
    agent_link_send(task->agent->link, &out);
    list_unlink(&task->link);
    mem_free(task);
}

static void on_start(struct agent *a, const struct agent_frame *frame)
{
    struct agent_start asked cleanup(agent_start_deinit);
    if (agent_read_start(frame, &asked) < 0) {
        fail(a, "the service sent a command that cannot be read");
        return;
    }
    struct run_request request = {
        .file = asked.file,
        .args = &asked.args,
        .deadline_ms = asked.deadline_ms,
        .max_output = (size_t)asked.max_output,
    };
    struct task *task = mem_new(struct task);
    task->agent = a;
    task->id = asked.id;
    list_append(&a->tasks, &task->link);
    task->run = a->runner->ops->start(a->runner, &request, on_run_done, task);
}

/* One that has ended meanwhile is not found; its result is on the way. */
static void on_cancel(struct agent *a, const struct agent_frame *frame)
{
    uint32_t id;
    if (agent_read_id(frame, &id) < 0) {
        fail(a, "the service sent a cancellation that cannot be read");
        return;
    }
    list_foreach(item, &a->tasks) {
        struct task *task = list_entry(item, struct task, link);
        if (task->id == id)
            a->runner->ops->cancel(task->run);
    }
}

static void on_refused(struct agent *a, const struct agent_frame *frame)
{
    char text[200] = "it gave no reason", why[300];
    (void)agent_read_text(frame, text, sizeof(text));
    snprintf(why, sizeof(why), "the service refused this agent: %s", text);
    fail(a, why);
}

static void on_frame(void *arg, const struct agent_frame *frame)
{
    struct agent *a = arg;
    struct buf out = {0};
    if (a->is_ending)
        return;
    if (frame->type == AGENT_REFUSED) {
        on_refused(a, frame);
    } else if (frame->type == AGENT_WELCOME && !a->is_welcome) {
        a->is_welcome = true;
    } else if (frame->type == AGENT_START && a->is_welcome) {
        on_start(a, frame);
    } else if (frame->type == AGENT_CANCEL && a->is_welcome) {
        on_cancel(a, frame);
    } else if (frame->type == AGENT_PING && a->is_welcome) {
        agent_write_empty(&out, AGENT_PONG);
        agent_link_send(a->link, &out);
    } else {
        fail(a, "the service said what was not its turn");
    }
}

static void on_end(void *arg, const char *why)
{
    (void)why;
    finish(arg);
}

static const struct agent_link_events events = {on_frame, on_end};

/* --- its owner --- */

struct agent *agent_new(struct loop *loop, uv_pipe_t *pipe, const struct agent_hello *hello,
                        agent_end_fn on_end_fn, void *arg)
{
    struct agent *a = mem_new(struct agent);
    struct buf out = {0};
    a->runner = runner_direct_new(loop);
    list_init(&a->tasks);
    a->on_end = on_end_fn;
    a->arg = arg;
    a->link = agent_link_new(pipe, AGENT_MAX_COMMAND, &events, a);
    agent_write_hello(&out, hello);
    agent_link_send(a->link, &out);
    return a;
}
