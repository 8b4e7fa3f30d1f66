/* SPDX-License-Identifier: MIT */
/* What a former process left open, after a stop or a crash. The mark on disk (`step_issued`)
 * decides: a step that was not marked is planned again from fresh facts; one that was marked is
 * never issued again, but watched, and ends as `interrupted` when no effect shows. That is what
 * makes a kill at any moment harmless. */
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "control/operations/engine_private.h"
#include "control/steps/flow.h"
#include "control/steps/steps.h"
#include "ldconsole/verbs/timing.h"

/* A row of another version may name a step that we do not have. */
static bool has_known_step(const struct ctl_job *job)
{
    return !job->flow ||
           (job->op->step_index >= 0 && (size_t)job->op->step_index < job->flow->n_steps);
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
    (void)ctl_job_acquire_gate(job, ctl_job_step(job)->gate);
    if (ctl_job_step(job)->expect != CTL_EXPECT_NOTHING)
        ctl_observer_expect(job->observer, job->subject, ctl_job_step(job)->expect,
                            LDC_TIMING_EXPECT_MS);
}

static bool has_children(const struct ctl_engine *e, const struct ctl_job *parent)
{
    list_foreach(item, (struct list *)&e->jobs.all) {
        if (list_entry(item, struct ctl_job, link)->parent == parent)
            return true;
    }
    return false;
}

void ctl_engine_recover(struct ctl_engine *e, struct cache_operation **ops, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ctl_job_link(ctl_job_new(&e->jobs, ops[i], ctl_flow_of(ops[i]->kind)));
    mem_free(ops);
    list_foreach(item, &e->jobs.all) {
        struct ctl_job *job = list_entry(item, struct ctl_job, link);
        if (job->op->parent[0])
            job->parent = ctl_jobs_find(&e->jobs, job->op->parent);
        if (!has_known_step(job))
            ctl_engine_finish_job(
                job, CACHE_OP_INTERRUPTED, "INTERRUPTED",
                "the service was restarted in a step that this version does not know");
        else if (job->phase != CTL_PHASE_FINISHING)
            resume(job);
    }
    /* The last child of a batch may have ended without the batch. */
    list_foreach(item, &e->jobs.all) {
        struct ctl_job *job = list_entry(item, struct ctl_job, link);
        if (!job->flow && job->phase != CTL_PHASE_FINISHING && !has_children(e, job))
            ctl_engine_finish_batch(job);
    }
}
