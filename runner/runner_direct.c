/* SPDX-License-Identifier: MIT */
/* One child:
 *
 *     start -> RUNNING --exit--> DRAINING --all read, or 50 ms--> CLOSING --handles closed--> done
 *      |         '--deadline, cancel, flood: kill, then exit-------^                            ^
 *      '--not started------------------------------------------------------------------- CLOSING
 *
 * The end of the child is its exit: an emulator or adb's daemon may hold the write end of the
 * pipe for hours. What the child wrote before it exited is in the pipe by then, so the drain is
 * short, and usually nothing is left to drain. The process handle is closed after its exit was
 * seen, because libuv then reaps it; the one exception is a child that survives being killed. */
#include "runner/runner.h"

#include <string.h>

#include <uv.h>

#include "base/loop/loop.h"
#include "base/memory/buf.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "runner/spawn.h"

enum { DRAIN_MS = 50, KILL_GRACE_MS = 5000, READ_SIZE = 16384 };

enum phase { RUNNING, DRAINING, CLOSING };

struct direct {
    struct runner base;
    struct loop *loop;
    struct list runs;
    bool is_closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

struct run {
    struct list link;
    struct direct *owner;
    run_fn done;
    void *arg;
    enum phase phase;
    struct run_result result;
    struct buf output;
    char spill; /* where the byte too much is read to */
    uint64_t started_ms;
    uv_process_t process;
    uv_pipe_t pipe; /* standard output and standard error */
    unsigned deadline_ms;
    uv_timer_t timer; /* deadline, then the grace of a kill, then the drain */
    bool is_open;     /* the end of the output has not been read */
    bool has_process; /* libuv knows the process handle, started or not */
    unsigned n_handles;
};

const char *run_status_name(enum run_status status)
{
    static const char *const names[] = {
        [RUN_EXITED] = "exited",       [RUN_NOT_STARTED] = "not_started",
        [RUN_TIMED_OUT] = "timed_out", [RUN_CANCELLED] = "cancelled",
        [RUN_FLOODED] = "flooded",     [RUN_LOST] = "lost",
    };
    return (size_t)status < countof(names) ? names[status] : "unknown";
}

/* --- the end of a run --- */

static void finish_closing(void *arg)
{
    struct direct *d = arg;
    void (*on_closed)(void *arg) = d->on_closed;
    void *on_closed_arg = d->on_closed_arg;
    mem_free(d);
    on_closed(on_closed_arg);
}

static void deliver(struct run *run)
{
    struct direct *d = run->owner;
    run->result.output = run->output.len > 0 ? run->output.data : "";
    run->result.output_len = run->output.len;
    d->base.n_running--;
    /* Still in the list: a close from within the callback must see that it is not the last word. */
    run->done(run->arg, &run->result);
    list_unlink(&run->link);
    buf_deinit(&run->output);
    mem_free(run);
    if (d->is_closing && list_is_empty(&d->runs))
        finish_closing(d);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct run *run = handle->data;
    if (--run->n_handles == 0)
        deliver(run);
}

static void close_handle(struct run *run, void *handle)
{
    run->n_handles++;
    ((uv_handle_t *)handle)->data = run;
    uv_close(handle, on_handle_closed);
}

static void close_run(struct run *run)
{
    run->phase = CLOSING;
    run->result.duration_ms = clock_mono_ms() - run->started_ms;
    if (run->has_process)
        close_handle(run, &run->process);
    close_handle(run, &run->pipe);
    close_handle(run, &run->timer);
}

/* --- while it runs --- */

static void on_timer(uv_timer_t *timer);

/* Kills the child; the run ends when its exit is seen. */
static void end_early(struct run *run, enum run_status why)
{
    if (run->phase != RUNNING || run->result.status != RUN_EXITED)
        return;
    run->result.status = why;
    (void)uv_process_kill(&run->process, SIGKILL);
    uv_timer_start(&run->timer, on_timer, KILL_GRACE_MS, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct run *run = timer->data;
    uint64_t ran_ms = clock_mono_ms() - run->started_ms;
    if (run->phase != RUNNING || run->result.status != RUN_EXITED)
        close_run(run); /* drained long enough, or the child cannot be killed */
    else if (ran_ms < run->deadline_ms)
        uv_timer_start(timer, on_timer, run->deadline_ms - ran_ms, 0); /* the computer slept */
    else
        end_early(run, RUN_TIMED_OUT);
}

static void on_exit_seen(uv_process_t *process, int64_t exit_status, int term_signal)
{
    struct run *run = process->data;
    run->result.exit_code = term_signal ? -term_signal : (int32_t)exit_status;
    if (run->result.status != RUN_EXITED || !run->is_open) {
        close_run(run);
        return;
    }
    run->phase = DRAINING;
    uv_timer_start(&run->timer, on_timer, DRAIN_MS, 0);
}

static void on_alloc(uv_handle_t *pipe, size_t suggested, uv_buf_t *ret)
{
    struct run *run = pipe->data;
    size_t room = run->output.max - run->output.len;
    (void)suggested;
    if (room > READ_SIZE)
        room = READ_SIZE;
    *ret = room > 0 ? uv_buf_init(buf_reserve(&run->output, room), (unsigned)room)
                    : uv_buf_init(&run->spill, 1);
}

static void on_output(uv_stream_t *pipe, ssize_t n, const uv_buf_t *into)
{
    struct run *run = pipe->data;
    bool is_flooded = n > 0 && into->base == &run->spill;

    if (run->phase == CLOSING || n == 0)
        return;
    if (n > 0 && !is_flooded) {
        run->output.len += (size_t)n;
        run->output.data[run->output.len] = '\0';
        return;
    }
    uv_read_stop((uv_stream_t *)pipe);
    if (n < 0) {
        run->is_open = false;
        if (run->phase == DRAINING)
            close_run(run);
    } else if (run->phase == RUNNING) {
        end_early(run, RUN_FLOODED);
    } else {
        run->result.status = RUN_FLOODED;
        close_run(run);
    }
}

/* --- the start --- */

static void close_file(uv_file file)
{
    uv_fs_t req;
    (void)uv_fs_close(NULL, &req, file, NULL);
    uv_fs_req_cleanup(&req);
}

/* OUTPUT becomes the child's standard output and standard error. */
static int spawn(struct run *run, const struct run_request *request, uv_file output)
{
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = output},
        {.flags = UV_INHERIT_FD, .data.fd = output},
    };
    /* uv_spawn wants the program in front; it copies what it keeps. */
    size_t n = request->args->n_items;
    char **argv = mem_calloc(n + 2, sizeof(*argv));
    argv[0] = (char *)request->file;
    if (n > 0)
        memcpy(argv + 1, request->args->items, n * sizeof(*argv));
    uv_process_options_t options = {
        .exit_cb = on_exit_seen,
        .file = request->file,
        .args = argv,
        .flags = spawn_flags(),
        .stdio_count = 3,
        .stdio = stdio,
    };
    run->has_process = true;
    int r = uv_spawn(&run->owner->loop->uv, &run->process, &options);
    mem_free(argv);
    return r;
}

/* One pipe for both: it keeps the order of what the child writes. */
static int spawn_with_pipe(struct run *run, const struct run_request *request)
{
    uv_file ends[2];
    int r = uv_pipe(ends, UV_NONBLOCK_PIPE, 0);
    if (r == 0) {
        r = uv_pipe_open(&run->pipe, ends[0]);
        if (r < 0)
            close_file(ends[0]);
        else
            r = spawn(run, request, ends[1]);
        close_file(ends[1]);
    }
    return r;
}

static struct run *start(struct runner *runner, const struct run_request *request, run_fn done,
                         void *arg)
{
    struct direct *d = container_of(runner, struct direct, base);
    struct run *run = mem_new(struct run);
    run->owner = d;
    run->done = done;
    run->arg = arg;
    run->started_ms = clock_mono_ms();
    run->deadline_ms = request->deadline_ms;
    buf_init(&run->output, request->max_output);
    list_append(&d->runs, &run->link);
    d->base.n_running++;
    uv_timer_init(&d->loop->uv, &run->timer);
    uv_pipe_init(&d->loop->uv, &run->pipe, 0);
    run->timer.data = run->pipe.data = run->process.data = run;
    run->result.error = spawn_with_pipe(run, request);
    if (run->result.error == 0) {
        run->result.pid = run->process.pid;
        uv_timer_start(&run->timer, on_timer, request->deadline_ms, 0);
        run->is_open = uv_read_start((uv_stream_t *)&run->pipe, on_alloc, on_output) == 0;
    } else {
        run->result.status = RUN_NOT_STARTED;
        run->result.needs_elevation = spawn_needs_elevation(run->result.error);
        close_run(run);
    }
    return run;
}

static void cancel(struct run *run)
{
    end_early(run, RUN_CANCELLED);
}

static void close_runner(struct runner *runner, void (*on_closed)(void *arg), void *arg)
{
    struct direct *d = container_of(runner, struct direct, base);
    d->is_closing = true;
    d->on_closed = on_closed;
    d->on_closed_arg = arg;
    list_foreach(link, &d->runs) {
        cancel(list_entry(link, struct run, link));
    }
    if (list_is_empty(&d->runs))
        loop_post(d->loop, finish_closing, d);
}

static const struct runner_ops direct_ops = {start, cancel, close_runner};

struct runner *runner_direct_new(struct loop *loop)
{
    struct direct *d = mem_new(struct direct);
    d->base.ops = &direct_ops;
    d->loop = loop;
    list_init(&d->runs);
    return &d->base;
}
