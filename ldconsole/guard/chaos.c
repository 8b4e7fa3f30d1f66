/* SPDX-License-Identifier: MIT */
/* Each run of ours stands for one of the inner runner, or for one that never comes to be:
 *
 *      start --handed on----------------------> inner -----------> on_inner_done -> finish
 *        '---spoiled: timer --latency is over--> inner
 *                         '--otherwise------------------> on_timer -> finish
 */
#include "ldconsole/guard/chaos.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/loop/loop.h"
#include "base/memory/list.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/random.h"
#include "base/text/str.h"

const char *const ldc_chaos_kind_names[] = {"latency", "hang", "error", "garbage"};

struct ldc_chaos {
    struct runner base;
    struct loop *loop;
    struct runner *inner;
    struct list runs;
    uv_timer_t timer; /* the end of the drill */
    bool is_on, is_closing;
    struct ldc_chaos_drill drill;
    ldc_chaos_fn on_change;
    void *on_change_arg;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

struct run {
    struct list link;
    struct ldc_chaos *chaos;
    run_fn done;
    void *arg;
    struct run *inner; /* NULL = none was begun, or it has ended */
    uv_timer_t timer;  /* of one that is spoiled */
    bool is_spoiled, is_ending;
    enum ldc_chaos_kind kind;
    struct run_result result; /* of one that is not run */
    char output[160];
    uint64_t begun_ms;
    /* What is run when the latency is over. */
    char *file;
    struct argv args;
    unsigned deadline_ms;
    size_t max_output;
};

/* --- the end of a run --- */

/* What the callers of close may hear of is over. */
static void close_inner(struct ldc_chaos *c)
{
    if (!c->is_closing || !list_is_empty(&c->runs))
        return;
    c->inner->ops->close(c->inner, c->on_closed, c->on_closed_arg);
    mem_free(c);
}

static void free_run(struct run *run)
{
    struct ldc_chaos *c = run->chaos;
    list_unlink(&run->link);
    argv_deinit(&run->args);
    mem_free(run->file);
    mem_free(run);
    close_inner(c);
}

static void on_run_timer_closed(uv_handle_t *handle)
{
    free_run(container_of((uv_timer_t *)handle, struct run, timer));
}

static void finish(struct run *run, const struct run_result *result)
{
    run->chaos->base.n_running--;
    run->done(run->arg, result);
    if (run->is_spoiled)
        uv_close((uv_handle_t *)&run->timer, on_run_timer_closed);
    else
        free_run(run);
}

static void on_inner_done(void *arg, const struct run_result *result)
{
    struct run *run = arg;
    struct run_result late = *result;
    run->inner = NULL;
    late.duration_ms = clock_mono_ms() - run->begun_ms;
    finish(run, run->is_spoiled ? &late : result);
}

static void end(struct run *run, enum run_status status, int exit_code)
{
    run->result.status = status;
    run->result.exit_code = exit_code;
    run->result.output = run->output;
    run->result.output_len = strlen(run->output);
    run->result.duration_ms = clock_mono_ms() - run->begun_ms;
    finish(run, &run->result);
}

static void begin_late(struct run *run)
{
    struct ldc_chaos *c = run->chaos;
    struct run_request request = {run->file, &run->args, run->deadline_ms, run->max_output};
    run->inner = c->inner->ops->start(c->inner, &request, on_inner_done, run);
}

static void on_run_timer(uv_timer_t *timer)
{
    struct run *run = container_of(timer, struct run, timer);
    uint64_t waited_ms = clock_mono_ms() - run->begun_ms;
    if (run->is_ending)
        end(run, RUN_CANCELLED, 0);
    else if (run->kind == LDC_CHAOS_HANG || waited_ms >= run->deadline_ms)
        end(run, RUN_TIMED_OUT, 0);
    else if (run->kind == LDC_CHAOS_ERROR)
        end(run, RUN_EXITED, -1);
    else if (run->kind == LDC_CHAOS_GARBAGE)
        end(run, RUN_EXITED, 0);
    else {
        run->deadline_ms -= (unsigned)waited_ms;
        begin_late(run);
    }
}

/* --- the start --- */

static bool is_struck(const struct ldc_chaos *c, const struct run_request *request)
{
    const struct ldc_chaos_drill *d = &c->drill;
    const char *verb = request->args->n_items > 0 ? request->args->items[0] : "";
    unsigned char dice[4];
    if (!c->is_on || (d->verb[0] && strcmp(d->verb, verb) != 0))
        return false;
    random_bytes(dice, sizeof(dice));
    unsigned thrown = (unsigned)dice[0] << 16 | (unsigned)dice[1] << 8 | dice[2];
    return thrown % 100 < d->percent;
}

static unsigned delay_of(const struct run *run, const struct ldc_chaos_drill *d)
{
    unsigned ms = run->kind == LDC_CHAOS_LATENCY ? d->latency_ms
                  : run->kind == LDC_CHAOS_HANG  ? run->deadline_ms
                                                 : 0;
    return ms < run->deadline_ms ? ms : run->deadline_ms;
}

static void spoil(struct run *run, const struct run_request *request)
{
    struct ldc_chaos *c = run->chaos;
    run->is_spoiled = true;
    run->kind = c->drill.kind;
    run->file = mem_strdup(request->file);
    for (size_t i = 0; i < request->args->n_items; i++)
        argv_add(&run->args, request->args->items[i]);
    run->deadline_ms = request->deadline_ms;
    run->max_output = request->max_output;
    if (run->kind != LDC_CHAOS_LATENCY)
        snprintf(run->output, sizeof(run->output),
                 "%s(chaos: not run, because of the drill that %s began)",
                 run->kind == LDC_CHAOS_GARBAGE ? "\x01\xFF,,,\r\nno answer of ldconsole " : "",
                 c->drill.by);
    c->drill.n_spoiled++;
    uv_timer_init(&c->loop->uv, &run->timer);
    uv_update_time(&c->loop->uv);
    uv_timer_start(&run->timer, on_run_timer, delay_of(run, &c->drill), 0);
}

static struct run *start(struct runner *base, const struct run_request *request, run_fn done,
                         void *arg)
{
    struct ldc_chaos *c = ldc_chaos_of(base);
    struct run *run = mem_new(struct run);
    run->chaos = c;
    run->done = done;
    run->arg = arg;
    run->begun_ms = clock_mono_ms();
    argv_init(&run->args);
    list_append(&c->runs, &run->link);
    base->n_running++;
    if (is_struck(c, request))
        spoil(run, request);
    else
        run->inner = c->inner->ops->start(c->inner, request, on_inner_done, run);
    return run;
}

static void cancel(struct run *run)
{
    if (run->inner) {
        run->chaos->inner->ops->cancel(run->inner);
    } else if (!run->is_ending && uv_is_active((uv_handle_t *)&run->timer)) {
        run->is_ending = true;
        uv_timer_start(&run->timer, on_run_timer, 0, 0);
    }
}

/* --- drills --- */

static void report(struct ldc_chaos *c, const char *why)
{
    if (c->on_change)
        c->on_change(c->on_change_arg, &c->drill, why);
}

static void on_time_up(uv_timer_t *timer)
{
    ldc_chaos_end(container_of(timer, struct ldc_chaos, timer), "its time is up");
}

void ldc_chaos_on_change(struct ldc_chaos *c, ldc_chaos_fn fn, void *arg)
{
    c->on_change = fn;
    c->on_change_arg = arg;
}

void ldc_chaos_begin(struct ldc_chaos *c, const struct ldc_chaos_drill *drill)
{
    ldc_chaos_end(c, "another one takes its place");
    c->drill = *drill;
    c->drill.ends_ms = clock_mono_ms() + drill->duration_ms;
    c->drill.n_spoiled = 0;
    c->is_on = true;
    uv_update_time(&c->loop->uv);
    uv_timer_start(&c->timer, on_time_up, drill->duration_ms, 0);
    report(c, NULL);
}

void ldc_chaos_end(struct ldc_chaos *c, const char *why)
{
    if (!c->is_on)
        return;
    c->is_on = false;
    uv_timer_stop(&c->timer);
    report(c, why);
}

const struct ldc_chaos_drill *ldc_chaos_drill(const struct ldc_chaos *c)
{
    return c->is_on ? &c->drill : NULL;
}

/* --- life cycle --- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct ldc_chaos *c = container_of((uv_timer_t *)handle, struct ldc_chaos, timer);
    c->is_closing = true;
    close_inner(c);
}

/* In the order: the runs, the timer, the inner runner. */
static void close_chaos(struct runner *base, void (*on_closed)(void *arg), void *arg)
{
    struct ldc_chaos *c = ldc_chaos_of(base);
    c->on_closed = on_closed;
    c->on_closed_arg = arg;
    c->is_on = false;
    list_foreach(item, &c->runs)
        cancel(list_entry(item, struct run, link));
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

static const struct runner_ops chaos_ops = {start, cancel, close_chaos};

struct runner *ldc_chaos_new(struct loop *loop, struct runner *inner)
{
    struct ldc_chaos *c = mem_new(struct ldc_chaos);
    c->base.ops = &chaos_ops;
    c->base.behind = inner;
    c->loop = loop;
    c->inner = inner;
    list_init(&c->runs);
    uv_timer_init(&loop->uv, &c->timer);
    return &c->base;
}

struct ldc_chaos *ldc_chaos_of(struct runner *runner)
{
    return container_of(runner, struct ldc_chaos, base);
}
