/* SPDX-License-Identifier: MIT */
/* Removing an instance, and removing once more what may come back under its number. Both are behind
 * one passage of the exclusive gate. */
#include "control/steps/steps.h"
#include "ldconsole/verbs/timing.h"

bool ctl_why_left(struct ctl_job *job, struct ctl_why *why)
{
    int index;
    const char *what = ctl_observer_left_files(job->observer, job->subject, &index);
    if (!what)
        return false;
    ctl_why_set(why, "INSTANCE_NOT_LISTED",
                "list2 does not show instance %d any more, and %s still there: ldconsole cannot "
                "reach it; try again when list2 shows it, or delete the files by hand where it is "
                "not wanted",
                index, what);
    return true;
}

static enum ctl_plan plan_remove(struct ctl_job *job, const struct cache_instance *i,
                                 struct ctl_why *why)
{
    if (!i)
        return ctl_why_left(job, why) ? CTL_PLAN_FAIL : CTL_PLAN_SKIP;
    if (i->state == CACHE_STATE_STOPPING)
        return CTL_PLAN_LATER;
    if (i->state == CACHE_STATE_STOPPED)
        return CTL_PLAN_RUN;
    ctl_why_set(why, "INSTANCE_NOT_STOPPED",
                "the instance is %s; stop it first or remove it with force",
                cache_state_name(i->state));
    return CTL_PLAN_FAIL;
}

static void build_remove(struct ctl_job *job, const struct cache_instance *i,
                         struct ldc_command *ret)
{
    job->subject_index = i->index;
    ctl_observer_note_removed(job->observer, i->id);
    ldc_command_remove(ret, i->index);
}

static enum ctl_check check_removed(struct ctl_job *job, const struct cache_instance *i,
                                    struct ctl_why *why)
{
    if (!i)
        return ctl_why_left(job, why) ? CTL_CHECK_NO_EFFECT : CTL_CHECK_DONE;
    if (ctl_observer_is_unlisted(job->observer, i->id))
        ctl_why_set(why, "INSTANCE_NOT_LISTED",
                    "ldconsole accepted remove, and list2 does not show instance %d any more, but "
                    "its files are still there",
                    i->index);
    else
        ctl_why_set(why, "NO_EFFECT",
                    "ldconsole accepted remove, but the instance is still listed");
    return CTL_CHECK_NO_EFFECT;
}

const struct ctl_step ctl_step_remove = {
    .name = "removing",
    .verb = LDC_VERB_REMOVE,
    .gate = CTL_GATE_EXCLUSIVE,
    .percent = 50,
    .timeout_percent = 100,
    .awaits_absence = true,
    .effect_ms = LDC_TIMING_REMOVE_EFFECT_MS,
    .settle_ms = LDC_TIMING_REMOVE_SETTLE_MS,
    .plan = plan_remove,
    .build = build_remove,
    .check = check_removed,
};

static const struct cache_entry *at_old_index(const struct ctl_job *job)
{
    const struct cache_snapshot *s = ctl_observer_snapshot(job->observer);
    return job->subject_index < 0 ? NULL : cache_snapshot_by_index(s, job->subject_index);
}

/* LDPlayer 14 may make an empty instance of the same number again (reference 1.3). Only one that
 * appeared after our own command and is blank is taken for it: the exclusive gate keeps our own
 * adds out, and what somebody else has made there has a title or disks, or is used. After a restart
 * of the service nobody knows who made what is there now. */
static enum ctl_plan plan_remove_again(struct ctl_job *job, const struct cache_instance *i,
                                       struct ctl_why *why)
{
    (void)i;
    (void)why;
    const struct cache_entry *left = at_old_index(job);
    if (!left || left->instance.state != CACHE_STATE_STOPPED || job->is_resumed)
        return CTL_PLAN_SKIP;
    if (!ctl_observer_is_blank(job->observer, left->instance.id)) {
        ctl_job_note(job, "there is another instance with its number now, which is not the empty "
                          "one that LDPlayer makes: it stays");
        return CTL_PLAN_SKIP;
    }
    ctl_job_save_memo(job);
    return CTL_PLAN_RUN;
}

static void build_remove_again(struct ctl_job *job, const struct cache_instance *i,
                               struct ldc_command *ret)
{
    (void)i;
    ldc_command_remove(ret, job->subject_index);
}

static enum ctl_check check_removed_again(struct ctl_job *job, const struct cache_instance *i,
                                          struct ctl_why *why)
{
    (void)i;
    ctl_why_set(why, "NO_EFFECT",
                "ldconsole made an empty instance %d again and does not remove it",
                job->subject_index);
    return at_old_index(job) ? CTL_CHECK_NO_EFFECT : CTL_CHECK_DONE;
}

const struct ctl_step ctl_step_remove_again = {
    .name = "removing the empty instance that came back",
    .verb = LDC_VERB_REMOVE,
    .gate = CTL_GATE_EXCLUSIVE,
    .percent = 80,
    .timeout_percent = 100,
    .effect_ms = LDC_TIMING_REMOVE_EFFECT_MS,
    .settle_ms = LDC_TIMING_REMOVE_SETTLE_MS,
    .plan = plan_remove_again,
    .build = build_remove_again,
    .check = check_removed_again,
};
