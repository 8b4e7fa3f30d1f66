/* SPDX-License-Identifier: MIT */
/* Start, end, and what others ask of operations under way. How one is accepted is in accept.c, how
 * it gets on in advance.c, flow.c and steps_*.c, how it ends in effect.c and ending.c. */
#include "control/operations/engine.h"

#include <string.h>

#include "base/system/clock.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "cache/tables/operations.h"
#include "control/operations/flow.h"
#include "control/operations/job.h"

enum { TICK_MS = 100, TRIM_INTERVAL_MS = 3600000 };

const struct ctl_engine_options ctl_engine_defaults = {
    .max_queued = 10000,
    .start_timeout_ms = 180000,
    .ready_timeout_ms = 120000,
    .stop_timeout_ms = 60000,
    .manage_timeout_ms = 60000,
    .clone_timeout_ms = 1200000,
    .close_grace_ms = 5000,
};

/* --- cancelling, finding, waiting --- */

struct ctl_job *ctl_engine_find_job(const struct ctl_engine *e, const char *id)
{
    struct map_node *node = map_find(&e->by_id, id);
    return node ? container_of(node, struct ctl_job, by_id) : NULL;
}

static void cancel_job(struct ctl_job *job, const char *who)
{
    job->is_cancelled = true;
    str_copy(job->cancelled_by, sizeof(job->cancelled_by), who);
    if (job->call)
        ldc_client_cancel(job->call);
}

int ctl_engine_cancel(struct ctl_engine *e, const char *id, const char *who)
{
    struct ctl_job *job = ctl_engine_find_job(e, id);
    if (!job || job->phase == CTL_PHASE_STORING)
        return UV_ENOENT;
    if (job->phase == CTL_PHASE_ENDING || job->is_cancelled)
        return UV_EALREADY;
    cancel_job(job, who);
    list_foreach(item, &e->jobs) {
        struct ctl_job *child = list_entry(item, struct ctl_job, link);
        if (child->parent == job && child->phase != CTL_PHASE_ENDING && !child->is_cancelled)
            cancel_job(child, who);
    }
    ctl_engine_advance(e);
    return 0;
}

const struct cache_operation *ctl_engine_find(const struct ctl_engine *e, const char *id)
{
    struct ctl_job *job = ctl_engine_find_job(e, id);
    return job && job->phase != CTL_PHASE_STORING ? job->op : NULL;
}

bool ctl_engine_is_busy(const struct ctl_engine *e, const char *instance)
{
    return map_find(&e->lines, instance) != NULL;
}

struct ctl_wait *ctl_engine_wait(struct ctl_engine *e, const char *id, uint64_t timeout_ms,
                                 ctl_wait_fn done, void *arg)
{
    struct ctl_job *job = ctl_engine_find_job(e, id);
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
    list_foreach(item, (struct list *)&e->jobs)
        ret_counts[list_entry(item, struct ctl_job, link)->op->status]++;
}

/* --- start --- */

static void on_tick(uv_timer_t *tick)
{
    struct ctl_engine *e = container_of(tick, struct ctl_engine, tick);
    uint64_t now = clock_mono_ms();

    if (now >= e->trim_at_ms) {
        cache_operations_trim(e->parts.store);
        e->trim_at_ms = now + TRIM_INTERVAL_MS;
    }
    list_foreach(item, &e->jobs) {
        struct ctl_job *job = list_entry(item, struct ctl_job, link);
        ctl_ending_tell(job, true, now);
        ctl_ending_retry(job, now);
    }
    if (e->n_jobs > 0)
        ctl_engine_advance(e);
}

static void on_survey(void *arg)
{
    ctl_engine_advance(arg);
}

struct ctl_engine *ctl_engine_new(const struct ctl_engine_parts *parts,
                                  const struct ctl_engine_options *options)
{
    struct ctl_engine *e = mem_new(struct ctl_engine);
    e->parts = *parts;
    e->options = *options;
    list_init(&e->jobs);
    map_init(&e->by_id);
    map_init(&e->lines);
    uv_timer_init(&parts->loop->uv, &e->tick);
    return e;
}

/* A step that was issued may have been done by now, or may still be on its way: only its effect is
 * waited for. It keeps its gate, of which at most one such step can have been the holder. */
static void resume(struct ctl_job *job)
{
    uint64_t now = clock_mono_ms();

    job->phase = CTL_PHASE_QUEUED;
    if (job->op->status != CACHE_OP_RUNNING || !job->flow)
        return;
    job->is_resumed = true;
    job->entered_ms = job->looking_ms = job->begun_ms = job->called_ms = job->look_from_ms = now;
    job->phase = CTL_PHASE_LOOKING;
    if (!job->op->step_issued)
        return;
    job->is_recovered = true;
    job->phase = CTL_PHASE_AWAITING;
    (void)ctl_gate_take(job, ctl_job_step(job)->gate);
}

/* A row of another version may name a step that we do not have. */
static void refuse_strange_step(struct ctl_job *job)
{
    bool is_known = !job->flow ||
                    (job->op->step_index >= 0 && (size_t)job->op->step_index < job->flow->n_steps);
    if (!is_known)
        ctl_ending_end(job, CACHE_OP_INTERRUPTED, "INTERRUPTED",
                       "the service was restarted in a step that this version does not know");
}

static bool has_children(const struct ctl_engine *e, const struct ctl_job *parent)
{
    list_foreach(item, (struct list *)&e->jobs) {
        if (list_entry(item, struct ctl_job, link)->parent == parent)
            return true;
    }
    return false;
}

void ctl_engine_recover(struct ctl_engine *e, struct cache_operation **ops, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ctl_job_link(ctl_job_new(e, ops[i]));
    mem_free(ops);
    list_foreach(item, &e->jobs) {
        struct ctl_job *job = list_entry(item, struct ctl_job, link);
        if (job->op->parent[0])
            job->parent = ctl_engine_find_job(e, job->op->parent);
        refuse_strange_step(job);
        if (job->phase != CTL_PHASE_ENDING)
            resume(job);
    }
    list_foreach(item, &e->jobs) {
        struct ctl_job *job = list_entry(item, struct ctl_job, link);
        if (!job->flow && job->phase != CTL_PHASE_ENDING && !has_children(e, job))
            ctl_ending_end_batch(job);
    }
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

/* --- end --- */

static void on_tick_closed(uv_handle_t *handle)
{
    struct ctl_engine *e = container_of((uv_timer_t *)handle, struct ctl_engine, tick);
    void (*done)(void *) = e->on_closed;
    void *arg = e->closed_arg;

    list_foreach(item, &e->jobs)
        ctl_job_free(list_entry(item, struct ctl_job, link));
    map_deinit(&e->by_id);
    map_deinit(&e->lines);
    mem_free(e);
    done(arg);
}

void ctl_engine_try_to_close(struct ctl_engine *e)
{
    if (!e->is_closing || e->n_calls > 0 || e->n_writes > 0)
        return;
    if (!uv_is_closing((uv_handle_t *)&e->tick))
        uv_close((uv_handle_t *)&e->tick, on_tick_closed);
}

static void on_close_tick(uv_timer_t *tick)
{
    struct ctl_engine *e = container_of(tick, struct ctl_engine, tick);
    list_foreach(item, &e->jobs) {
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
    list_foreach(item, &e->jobs)
        ctl_ending_tell(list_entry(item, struct ctl_job, link), true, UINT64_MAX);
    uv_ref((uv_handle_t *)&e->tick);
    uv_timer_start(&e->tick, on_close_tick, e->options.close_grace_ms, 0);
    ctl_engine_try_to_close(e);
}
