/* SPDX-License-Identifier: MIT */
/* Start and end of the engine, and what others ask of operations under way. How one is accepted is
 * in engine_accept.c, and engine_private.h names the files of its further life.
 *
 * The engine is driven by what happens: surveys, ends of writes and calls, and a tick ten times a
 * second for what only time brings. All of them call ctl_engine_advance. Closing starts nothing
 * more and waits for what is under way, with a grace for commands, because what is on disk is
 * settled by the next start. */
#include "control/operations/engine.h"

#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "control/operations/engine_private.h"
#include "ldconsole/verbs/timing.h"

enum { TICK_MS = 100 };

const struct ctl_engine_options ctl_engine_defaults = {
    .max_queued = 10000,
    .timeouts =
        {
            .start_ms = 180000,
            .ready_ms = 120000,
            .stop_ms = 60000,
            .manage_ms = 60000,
            .clone_ms = 1200000,
            .settle_ms = 10000,
        },
    .pressure =
        {
            .min_memory_mb = 512,
            .max_commit_percent = 95,
            .max_cpu_percent = 95,
            .min_disk_mb = 2048,
        },
    .close_grace_ms = 5000,
};

/* --- start --- */

static void on_collected(void *arg)
{
    ctl_engine_try_to_close(arg);
}

struct ctl_engine *ctl_engine_new(const struct ctl_engine_parts *parts,
                                  const struct ctl_engine_options *options)
{
    struct ctl_engine *e = mem_new(struct ctl_engine);
    e->parts = *parts;
    e->options = *options;
    e->launch_ms = LDC_TIMING_BOOT_MS;
    ctl_retry_init(&e->retries);
    ctl_jobs_init(&e->jobs, e, parts->observer, &e->options.timeouts);
    e->diagnostics = ctl_diagnostics_new(&(struct ctl_diagnostics_parts){
        .loop = parts->loop,
        .store = parts->store,
        .observer = parts->observer,
        .figures = parts->figures,
        .on_idle = on_collected,
        .arg = e,
    });
    uv_timer_init(&parts->loop->uv, &e->tick);
    return e;
}

static void on_tick(uv_timer_t *tick)
{
    struct ctl_engine *e = container_of(tick, struct ctl_engine, tick);
    uint64_t now = clock_mono_ms();

    list_foreach(item, &e->jobs.all) {
        struct ctl_job *job = list_entry(item, struct ctl_job, link);
        ctl_engine_finish_waits(job, true, now);
        ctl_engine_finish_retry(job, now);
    }
    if (e->jobs.n > 0)
        ctl_engine_advance(e);
}

static void on_survey(void *arg)
{
    ctl_engine_advance(arg);
}

void ctl_engine_start(struct ctl_engine *e)
{
    e->is_started = true;
    e->on_survey = (struct ctl_survey_listener){.fn = on_survey, .arg = e};
    ctl_observer_listen(e->parts.observer, &e->on_survey);
    uv_timer_start(&e->tick, on_tick, TICK_MS, TICK_MS);
    uv_unref((uv_handle_t *)&e->tick);
    ctl_engine_advance(e);
}

/* --- what others ask --- */

static void cancel_job(struct ctl_job *job, const char *who)
{
    job->is_cancelled = true;
    str_copy(job->cancelled_by, sizeof(job->cancelled_by), who);
    if (job->call)
        ldc_client_cancel(job->call);
}

int ctl_engine_cancel(struct ctl_engine *e, const char *id, const char *who)
{
    struct ctl_job *job = ctl_jobs_find(&e->jobs, id);
    if (!job || job->phase == CTL_PHASE_STORING)
        return UV_ENOENT;
    if (job->phase == CTL_PHASE_FINISHING || job->is_cancelled)
        return UV_EALREADY;
    cancel_job(job, who);
    list_foreach(item, &e->jobs.all) {
        struct ctl_job *child = list_entry(item, struct ctl_job, link);
        if (child->parent == job && child->phase != CTL_PHASE_FINISHING && !child->is_cancelled)
            cancel_job(child, who);
    }
    ctl_engine_advance(e);
    return 0;
}

const struct cache_operation *ctl_engine_find(const struct ctl_engine *e, const char *id)
{
    struct ctl_job *job = ctl_jobs_find(&e->jobs, id);
    return job && job->phase != CTL_PHASE_STORING ? job->op : NULL;
}

bool ctl_engine_is_busy(const struct ctl_engine *e, const char *instance)
{
    return map_find(&e->jobs.lines, instance) != NULL;
}

bool ctl_engine_is_overtaken(const struct ctl_engine *e, const char *id)
{
    const struct ctl_job *job = ctl_jobs_find(&e->jobs, id);
    list_foreach(item, (struct list *)&e->jobs.all) {
        const struct ctl_job *other = list_entry(item, struct ctl_job, link);
        bool is_end = other->op->kind == CACHE_OP_STOP || other->op->kind == CACHE_OP_REMOVE;
        if (job && other != job && is_end && other->phase == CTL_PHASE_QUEUED &&
            strcmp(other->op->target, job->op->target) == 0)
            return true;
    }
    return false;
}

struct ctl_wait *ctl_engine_wait(struct ctl_engine *e, const char *id, uint64_t timeout_ms,
                                 ctl_wait_fn done, void *arg)
{
    struct ctl_job *job = ctl_jobs_find(&e->jobs, id);
    if (!job || job->phase == CTL_PHASE_STORING || e->is_closing)
        return NULL;
    struct ctl_wait *wait = mem_new(struct ctl_wait);
    wait->until_ms = clock_mono_ms() + timeout_ms;
    wait->done = done;
    wait->arg = arg;
    list_append(&job->waits, &wait->link);
    return wait;
}

void ctl_engine_cancel_wait(struct ctl_wait *wait)
{
    list_unlink(&wait->link);
    mem_free(wait);
}

void ctl_engine_counts(const struct ctl_engine *e, unsigned ret_counts[CACHE_OP_STATUS_COUNT])
{
    memset(ret_counts, 0, CACHE_OP_STATUS_COUNT * sizeof(*ret_counts));
    list_foreach(item, (struct list *)&e->jobs.all)
        ret_counts[list_entry(item, struct ctl_job, link)->op->status]++;
}

bool ctl_engine_is_collecting(const struct ctl_engine *e, const char *id)
{
    return ctl_diagnostics_is_collecting(e->diagnostics, id);
}

/* --- end --- */

static void on_tick_closed(uv_handle_t *handle)
{
    struct ctl_engine *e = container_of((uv_timer_t *)handle, struct ctl_engine, tick);
    void (*done)(void *) = e->on_closed;
    void *arg = e->closed_arg;

    ctl_jobs_deinit(&e->jobs);
    ctl_diagnostics_free(e->diagnostics);
    mem_free(e);
    done(arg);
}

void ctl_engine_try_to_close(struct ctl_engine *e)
{
    if (!e->is_closing || e->n_calls > 0 || e->n_writes > 0 ||
        ctl_diagnostics_is_busy(e->diagnostics))
        return;
    if (!uv_is_closing((uv_handle_t *)&e->tick))
        uv_close((uv_handle_t *)&e->tick, on_tick_closed);
}

static void on_close_tick(uv_timer_t *tick)
{
    struct ctl_engine *e = container_of(tick, struct ctl_engine, tick);
    list_foreach(item, &e->jobs.all) {
        struct ctl_job *job = list_entry(item, struct ctl_job, link);
        if (job->call)
            ldc_client_cancel(job->call);
    }
}

void ctl_engine_close(struct ctl_engine *e, void (*on_closed)(void *arg), void *arg)
{
    e->is_closing = true;
    e->on_closed = on_closed;
    e->closed_arg = arg;
    if (e->is_started)
        ctl_observer_unlisten(&e->on_survey);
    if (e->figures_wait)
        ctl_figures_cancel_want(take_ptr(e->figures_wait));
    ctl_diagnostics_hurry(e->diagnostics);
    list_foreach(item, &e->jobs.all)
        ctl_engine_finish_waits(list_entry(item, struct ctl_job, link), true, UINT64_MAX);
    uv_ref((uv_handle_t *)&e->tick);
    uv_timer_start(&e->tick, on_close_tick, e->options.close_grace_ms, 0);
    ctl_engine_try_to_close(e);
}
