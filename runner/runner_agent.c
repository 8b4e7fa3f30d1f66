/* SPDX-License-Identifier: MIT */
/*     absent --expect--> EXPECTED --attach--> GREETING --HELLO--> READY
 *       ^                 |    ^                 |                  |
 *       '-- set_absence --'    '------ lost -----'------------------'
 *
 * A run is in `runs` from its start until its callback. It is sent when an agent is ready; then it
 * ends with a RESULT, or with the link. */
#include "runner/runner_agent.h"

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "runner/agent_link.h"

enum { PATIENCE_MS = 60000, PING_MS = 5000, CLOSE_GRACE_MS = 5000 };

struct agent_runner {
    struct runner base;
    struct loop *loop;
    struct runner_agent_options options;
    const struct runner_agent_events *events;
    void *arg;
    char sentence[300]; /* what `base.absence` shows while there is no agent */
    struct agent_link *link;
    bool is_ready, is_expected;
    struct list runs;
    uint32_t next_id;
    uint64_t heard_ms;  /* when the agent last said something */
    uint64_t pinged_ms; /* when it was last time for a ping */
    uv_timer_t timer;   /* patience, then pings, then the grace of the end */
    bool is_closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

struct run {
    struct list link;
    struct agent_runner *owner;
    uint32_t id;
    run_fn done;
    void *arg;
    uint64_t started_ms;
    struct buf unsent; /* the frame, until an agent is ready for it */
};

static struct agent_runner *cast(struct runner *runner)
{
    return container_of(runner, struct agent_runner, base);
}

/* --- the end of runs --- */

static void close_if_idle(struct agent_runner *a);

static void end_run(struct run *run, struct run_result *result)
{
    struct agent_runner *a = run->owner;
    result->duration_ms = clock_mono_ms() - run->started_ms;
    list_unlink(&run->link);
    a->base.n_running--;
    run->done(run->arg, result);
    buf_deinit(&run->unsent);
    mem_free(run);
    close_if_idle(a);
}

/* Ends the runs that were sent, or those that were not, with a copy of RESULT. A callback may start
 * others: these stay. */
static void end_runs(struct agent_runner *a, bool is_sent, const struct run_result *result)
{
    struct list ended;
    list_init(&ended);
    list_foreach(item, &a->runs) {
        struct run *run = list_entry(item, struct run, link);
        if ((run->unsent.len == 0) != is_sent)
            continue;
        list_unlink(item);
        list_append(&ended, item);
    }
    while (!list_is_empty(&ended)) {
        struct run_result own = *result;
        end_run(list_entry(ended.next, struct run, link), &own);
    }
}

static const struct run_result lost = {.status = RUN_LOST, .output = ""};
static const struct run_result cancelled = {.status = RUN_CANCELLED, .output = ""};
static const struct run_result not_started = {
    .status = RUN_NOT_STARTED,
    .error = UV_ENOTCONN,
    .output = "",
};

/* --- the agent comes and goes --- */

static void set_ready(struct agent_runner *a, bool is_ready)
{
    a->is_ready = is_ready;
    a->base.absence = is_ready || a->is_expected ? NULL : a->sentence;
}

/* The runs end last: whoever hears of it must find the runner absent. */
static void disconnect(struct agent_runner *a)
{
    struct agent_link *link = take_ptr(a->link);
    if (!link)
        return;
    set_ready(a, false);
    if (!a->is_closing)
        uv_timer_stop(&a->timer);
    agent_link_close(link, NULL, NULL);
    end_runs(a, true, &lost);
}

static void lose(struct agent_runner *a, const char *why)
{
    char text[200];
    str_copy(text, sizeof(text), why); /* it may be the link's */
    disconnect(a);
    if (!a->is_closing)
        a->events->on_lost(a->arg, text);
}

static void send_frames(struct agent_runner *a, struct buf *out)
{
    agent_link_send(a->link, out);
}

static void on_ping_time(uv_timer_t *timer)
{
    struct agent_runner *a = timer->data;
    struct buf out = {0};
    uint64_t now = clock_mono_ms();
    /* When we were held up ourselves, by a sleep or a debugger, so was the agent: only what it has
     * not answered while we ran counts. */
    if (now - a->pinged_ms > 2 * (uint64_t)a->options.ping_ms)
        a->heard_ms = now;
    a->pinged_ms = now;
    if (now - a->heard_ms > a->options.patience_ms) {
        lose(a, "it answers no pings: it hangs or is suspended");
        return;
    }
    agent_write_empty(&out, AGENT_PING);
    send_frames(a, &out);
}

static void on_hello(struct agent_runner *a, const struct agent_frame *frame)
{
    struct agent_hello hello;
    struct buf out = {0};
    if (agent_read_hello(frame, &hello) < 0 || hello.protocol != AGENT_PROTOCOL ||
        !str_is_equal(hello.version, a->options.version)) {
        agent_write_text(&out, AGENT_REFUSED, "it is of another version");
        send_frames(a, &out);
        lose(a, "it is of another version");
        return;
    }
    agent_write_empty(&out, AGENT_WELCOME);
    send_frames(a, &out);
    set_ready(a, true);
    a->pinged_ms = clock_mono_ms();
    uv_timer_start(&a->timer, on_ping_time, a->options.ping_ms, a->options.ping_ms);
    list_foreach(item, &a->runs) {
        struct run *run = list_entry(item, struct run, link);
        if (run->unsent.len > 0)
            send_frames(a, &run->unsent);
    }
    a->events->on_ready(a->arg, &hello);
}

static void on_result(struct agent_runner *a, const struct agent_frame *frame)
{
    struct run_result result;
    uint32_t id;
    char *output = NULL;
    if (agent_read_result(frame, &id, &result, &output) < 0) {
        lose(a, "it sent what is no message");
        return;
    }
    list_foreach(item, &a->runs) {
        struct run *run = list_entry(item, struct run, link);
        if (run->id == id) {
            end_run(run, &result);
            break;
        }
    }
    mem_free(output);
}

static void on_frame(void *arg, const struct agent_frame *frame)
{
    struct agent_runner *a = arg;
    a->heard_ms = clock_mono_ms();
    if (!a->is_ready && frame->type == AGENT_HELLO)
        on_hello(a, frame);
    else if (a->is_ready && frame->type == AGENT_RESULT)
        on_result(a, frame);
    else if (!a->is_ready || frame->type != AGENT_PONG)
        lose(a, "it said what was not its turn");
}

static void on_end(void *arg, const char *why)
{
    lose(arg, why);
}

static const struct agent_link_events link_events = {on_frame, on_end};

static void on_no_hello(uv_timer_t *timer)
{
    lose(timer->data, "it connected and did not say who it is");
}

void runner_agent_attach(struct runner *runner, uv_pipe_t *pipe)
{
    struct agent_runner *a = cast(runner);
    disconnect(a);
    a->link = agent_link_new(pipe, a->options.max_output + AGENT_FRAME_ROOM, &link_events, a);
    uv_timer_start(&a->timer, on_no_hello, a->options.patience_ms, 0);
}

void runner_agent_detach(struct runner *runner)
{
    disconnect(cast(runner));
}

void runner_agent_expect(struct runner *runner)
{
    struct agent_runner *a = cast(runner);
    a->is_expected = true;
    set_ready(a, a->is_ready);
}

void runner_agent_set_absence(struct runner *runner, const char *sentence)
{
    struct agent_runner *a = cast(runner);
    str_copy(a->sentence, sizeof(a->sentence), sentence);
    a->is_expected = false;
    set_ready(a, a->is_ready);
    end_runs(a, false, &not_started);
}

/* --- runs --- */

static void fail_to_start(void *arg)
{
    struct run_result result = not_started;
    end_run(arg, &result);
}

static void end_cancelled(void *arg)
{
    struct run_result result = cancelled;
    end_run(arg, &result);
}

static struct run *start(struct runner *runner, const struct run_request *request, run_fn done,
                         void *arg)
{
    struct agent_runner *a = cast(runner);
    struct run *run = mem_new(struct run);
    run->owner = a;
    run->id = ++a->next_id;
    run->done = done;
    run->arg = arg;
    run->started_ms = clock_mono_ms();
    list_init(&run->link);
    a->base.n_running++;
    if (a->base.absence) {
        loop_post(a->loop, fail_to_start, run);
        return run;
    }
    list_append(&a->runs, &run->link);
    agent_write_start(&run->unsent, run->id, request);
    if (a->is_ready)
        send_frames(a, &run->unsent);
    return run;
}

static void cancel(struct run *run)
{
    struct buf out = {0};
    if (list_is_empty(&run->link))
        return; /* its end is posted */
    if (run->unsent.len > 0) {
        list_unlink(&run->link);
        loop_post(run->owner->loop, end_cancelled, run);
        return;
    }
    agent_write_id(&out, AGENT_CANCEL, run->id);
    send_frames(run->owner, &out);
}

/* --- the runner --- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct agent_runner *a = handle->data;
    void (*on_closed)(void *arg) = a->on_closed;
    void *on_closed_arg = a->on_closed_arg;
    mem_free(a);
    on_closed(on_closed_arg);
}

/* Goes on with closing when the last run has ended. */
static void close_if_idle(struct agent_runner *a)
{
    if (!a->is_closing || a->base.n_running > 0 || uv_is_closing((uv_handle_t *)&a->timer))
        return;
    disconnect(a);
    uv_close((uv_handle_t *)&a->timer, on_timer_closed);
}

static void on_grace_over(uv_timer_t *timer)
{
    disconnect(timer->data);
}

static void close_runner(struct runner *runner, void (*on_closed)(void *arg), void *arg)
{
    struct agent_runner *a = cast(runner);
    a->is_closing = true;
    a->on_closed = on_closed;
    a->on_closed_arg = arg;
    list_foreach(item, &a->runs)
        cancel(list_entry(item, struct run, link));
    uv_timer_start(&a->timer, on_grace_over, CLOSE_GRACE_MS, 0);
    close_if_idle(a);
}

static const struct runner_ops agent_ops = {start, cancel, close_runner};

struct runner *runner_agent_new(struct loop *loop, const struct runner_agent_options *options,
                                const struct runner_agent_events *events, void *arg)
{
    struct agent_runner *a = mem_new(struct agent_runner);
    a->base.ops = &agent_ops;
    a->loop = loop;
    a->options = *options;
    if (a->options.patience_ms == 0)
        a->options.patience_ms = PATIENCE_MS;
    if (a->options.ping_ms == 0)
        a->options.ping_ms = PING_MS;
    a->events = events;
    a->arg = arg;
    list_init(&a->runs);
    uv_timer_init(&loop->uv, &a->timer);
    a->timer.data = a;
    runner_agent_set_absence(&a->base, "The session agent has not been started yet.");
    set_ready(a, false);
    return &a->base;
}
