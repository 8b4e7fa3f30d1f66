/* SPDX-License-Identifier: MIT */
/* Making an instance, new or as a copy. ldconsole does not say which one it made, so the indexes
 * that exist before the command are remembered (`baseline`, in the memo on disk), and the new one
 * is found among those that were not there. From then on the job's `subject` is the new instance,
 * and the steps that follow in its flow rename and modify that. */
#include <inttypes.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "control/operations/steps.h"
#include "ldconsole/verbs/timing.h"

static enum ctl_plan plan_add(struct ctl_job *job, const struct cache_instance *i,
                              struct ctl_why *why)
{
    (void)why;
    (void)i;
    const struct cache_snapshot *s = ctl_observer_snapshot(job->observer);
    job->n_baseline = cache_snapshot_count(s);
    mem_free(job->baseline);
    job->baseline = mem_calloc(job->n_baseline, sizeof(int));
    for (size_t n = 0; n < job->n_baseline; n++)
        job->baseline[n] = cache_snapshot_at(s, n)->instance.index;
    ctl_job_save_memo(job);
    return CTL_PLAN_RUN;
}

static void build_add(struct ctl_job *job, const struct cache_instance *i, struct ldc_command *ret)
{
    (void)i;
    ldc_command_add(ret, job->params.name[0] ? job->params.name : NULL);
}

static bool is_in_baseline(const struct ctl_job *job, int index)
{
    for (size_t n = 0; n < job->n_baseline; n++) {
        if (job->baseline[n] == index)
            return true;
    }
    return false;
}

/* Others may add instances at the same time, by hand for instance: of several new ones it is the
 * one with our name, else the one whose index ldconsole returned, else the only one. While the
 * index that was returned may still turn up, the only one is not taken for ours; later that index
 * is taken for a lie. */
static const struct cache_instance *find_added(const struct ctl_job *job)
{
    const struct cache_snapshot *s = ctl_observer_snapshot(job->observer);
    const struct cache_instance *any = NULL, *by_exit_code = NULL;
    size_t n_new = 0;

    for (size_t n = 0; n < cache_snapshot_count(s); n++) {
        const struct cache_instance *i = &cache_snapshot_at(s, n)->instance;
        if (is_in_baseline(job, i->index))
            continue;
        if (job->params.name[0] && strcmp(i->name, job->params.name) == 0)
            return i;
        if (job->has_exit_code && job->exit_code == i->index)
            by_exit_code = i;
        any = i;
        n_new++;
    }
    if (by_exit_code)
        return by_exit_code;
    bool is_index_awaited = job->has_exit_code && job->exit_code >= 0 &&
                            !is_in_baseline(job, job->exit_code) &&
                            clock_mono_ms() - job->called_ms < LDC_TIMING_LATE_ROW_MS;
    return n_new == 1 && !is_index_awaited ? any : NULL;
}

static enum ctl_check take_added(struct ctl_job *job, const struct cache_instance *added)
{
    str_copy(job->subject, sizeof(job->subject), added->id);
    if (job->op->kind == CACHE_OP_CREATE)
        ctl_job_set_target(job, added->id);
    ctl_job_save_memo(job);
    return CTL_CHECK_DONE;
}

static enum ctl_check check_added(struct ctl_job *job, const struct cache_instance *i,
                                  struct ctl_why *why)
{
    (void)why;
    (void)i;
    const struct cache_instance *added = find_added(job);
    return added ? take_added(job, added) : CTL_CHECK_NO_EFFECT;
}

const struct ctl_step ctl_step_add = {
    .name = "adding",
    .verb = LDC_VERB_ADD,
    .gate = CTL_GATE_EXCLUSIVE,
    .percent = 10,
    .timeout_percent = 100,
    .effect_ms = LDC_TIMING_ADD_EFFECT_MS,
    .plan = plan_add,
    .build = build_add,
    .check = check_added,
};

static enum ctl_plan plan_copy(struct ctl_job *job, const struct cache_instance *i,
                               struct ctl_why *why)
{
    if (!i)
        return ctl_why_gone(why);
    if (i->state == CACHE_STATE_STOPPING)
        return CTL_PLAN_LATER;
    if (i->state != CACHE_STATE_STOPPED) {
        ctl_why_set(why, "INSTANCE_NOT_STOPPED", "a clone needs its source stopped; it is %s",
                    cache_state_name(i->state));
        return CTL_PLAN_FAIL;
    }
    return plan_add(job, i, why);
}

/* Whether ldconsole, or who works behind it, was ended, or may have been: what it leaves is whole
 * only when it is as large as the source. */
static bool is_cut_off(const struct ctl_job *job)
{
    return job->answer != LDC_ANSWER_ACCEPTED || job->is_recovered;
}

/* The row of a copy comes long before its disks (reference 11). */
static enum ctl_check check_copied(struct ctl_job *job, const struct cache_instance *i,
                                   struct ctl_why *why)
{
    const struct cache_instance *copy = find_added(job);
    (void)i;
    if (!copy)
        return CTL_CHECK_NO_EFFECT;
    struct ctl_disks is = ctl_observer_disks(job->observer, copy->id);
    struct ctl_disks wanted = ctl_observer_disks(job->observer, job->op->target);
    bool is_quiet = is.n_same >= LDC_TIMING_DISK_LOOKS && is.same_ms >= LDC_TIMING_DISK_QUIET_MS;
    bool is_whole = is.bytes >= 0 && is.bytes == wanted.bytes && is.n_same >= LDC_TIMING_DISK_LOOKS;
    if (is_whole || (is_quiet && is.bytes >= 0 && !is_cut_off(job)))
        return take_added(job, copy);
    if (!is_quiet || !is_cut_off(job))
        return CTL_CHECK_PENDING;
    ctl_why_set(why, job->is_recovered ? "INTERRUPTED" : ldc_answer_code(job->answer),
                "the copy was cut off: the disks of instance %d stay at %" PRId64
                " bytes of %" PRId64 "; remove it, and give copies more time where that is why",
                copy->index, is.bytes < 0 ? 0 : is.bytes, wanted.bytes);
    return CTL_CHECK_FAILED;
}

static void build_copy(struct ctl_job *job, const struct cache_instance *i, struct ldc_command *ret)
{
    ldc_command_copy(ret, job->params.name[0] ? job->params.name : NULL, i->index);
}

/* Even the row of a copy may come long after the command (reference 2.6), so no effect yet proves
 * nothing before the deadline. */
const struct ctl_step ctl_step_copy = {
    .name = "copying",
    .verb = LDC_VERB_COPY,
    .gate = CTL_GATE_EXCLUSIVE,
    .percent = 10,
    .timeout_percent = 100,
    .plan = plan_copy,
    .build = build_copy,
    .check = check_copied,
};

/* --- the disk of what was added --- */

/* Where no other instance shows one, none is to be seen on this machine. */
static bool are_disks_seen(struct ctl_observer *o, const struct cache_instance *but)
{
    const struct cache_snapshot *s = ctl_observer_snapshot(o);
    for (size_t n = 0; n < cache_snapshot_count(s); n++) {
        const struct cache_instance *i = &cache_snapshot_at(s, n)->instance;
        if (i->index != but->index && i->disk_id[0])
            return true;
    }
    return false;
}

static enum ctl_check check_disk(struct ctl_job *job, const struct cache_instance *i,
                                 struct ctl_why *why)
{
    if (!i) {
        (void)ctl_why_gone(why);
        return CTL_CHECK_FAILED;
    }
    bool is_awaited = !i->disk_id[0] && ctl_observer_is_in_the_making(job->observer, i->id) &&
                      are_disks_seen(job->observer, i);
    return is_awaited ? CTL_CHECK_PENDING : CTL_CHECK_DONE;
}

static enum ctl_plan plan_disk(struct ctl_job *job, const struct cache_instance *i,
                               struct ctl_why *why)
{
    if (!i)
        return ctl_why_gone(why);
    return check_disk(job, i, why) == CTL_CHECK_DONE ? CTL_PLAN_SKIP : CTL_PLAN_RUN;
}

/* The row comes first (reference 11). An instance that is stored without its disk would be taken
 * for any other that gets its index, by a backup that is restored for one. */
const struct ctl_step ctl_step_until_disk = {
    .name = "waiting for its disk",
    .percent = 95,
    .timeout_percent = 100,
    .is_optional = true,
    .plan = plan_disk,
    .check = check_disk,
};

bool ctl_steps_may_be_making(const struct ctl_job *maker, const struct cache_instance *i)
{
    const struct ctl_step *step = ctl_job_step(maker);
    return (step == &ctl_step_add || step == &ctl_step_copy) && maker->baseline &&
           !is_in_baseline(maker, i->index);
}
