/* SPDX-License-Identifier: MIT */
/* Stopping: quit, quit once more when that was ignored or refused, and then, only if force was
 * asked for, the end of the processes. Each is skipped as soon as the instance is off. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/mem.h"
#include "control/judge/state.h"
#include "control/observe/evidence.h"
#include "control/steps/steps.h"

/* One that list2 leaves out is as off as its processes are. */
static bool is_off(const struct ctl_job *job, const struct cache_instance *i)
{
    if (!i)
        return true;
    if (ctl_observer_is_unlisted(job->observer, i->id))
        return ctl_observer_life(job->observer, i->id) == CTL_LIFE_NONE;
    return i->state == CACHE_STATE_STOPPED;
}

/* One that runs is better left alone by a restart when it would not come up again. Its config file
 * is written anew when it ends, so what is wrong with that now means nothing. */
static bool is_better_left(const struct ctl_job *job, const struct cache_instance *i,
                           struct ctl_why *why)
{
    struct ldc_obstacle obstacle;
    if (job->op->kind != CACHE_OP_RESTART || job->params.force || !ctl_state_is_up(i->state) ||
        !ctl_observer_find_obstacle(job->observer, i, &obstacle) ||
        strcmp(obstacle.code, "CONFIG_UNUSABLE") == 0)
        return false;
    ctl_why_set(why, obstacle.code, "it was not stopped, because it would not come up again: %s",
                obstacle.sentence);
    return true;
}

static enum ctl_plan plan_quit(struct ctl_job *job, const struct cache_instance *i,
                               struct ctl_why *why)
{
    if (job->op->kind == CACHE_OP_REMOVE && (!i || !job->params.force))
        return CTL_PLAN_SKIP;
    if (!i && ctl_why_left(job, why))
        return CTL_PLAN_FAIL;
    if (job->op->kind == CACHE_OP_REPAIR && !is_off(job, i) && ctl_steps_is_cured(job, i))
        return CTL_PLAN_SKIP;
    if (!is_off(job, i) && is_better_left(job, i, why))
        return CTL_PLAN_FAIL;
    return is_off(job, i) ? CTL_PLAN_SKIP : CTL_PLAN_RUN;
}

static void build_quit(struct ctl_job *job, const struct cache_instance *i, struct ldc_command *ret)
{
    (void)job;
    ldc_command_quit(ret, i->index);
}

static enum ctl_check check_off(struct ctl_job *job, const struct cache_instance *i,
                                struct ctl_why *why)
{
    if (!i && job->op->kind != CACHE_OP_REMOVE && ctl_why_left(job, why))
        return CTL_CHECK_FAILED;
    if (is_off(job, i))
        return CTL_CHECK_DONE;
    return i->state == CACHE_STATE_STOPPING ? CTL_CHECK_PENDING : CTL_CHECK_NO_EFFECT;
}

const struct ctl_step ctl_step_quit = {
    .name = "quitting",
    .verb = LDC_VERB_QUIT,
    .expect = CTL_EXPECT_STOP,
    .percent = 10,
    .timeout_percent = 35,
    .is_stopping = true,
    .is_optional = true,
    .plan = plan_quit,
    .build = build_quit,
    .check = check_off,
};

const struct ctl_step ctl_step_quit_again = {
    .name = "quitting again",
    .verb = LDC_VERB_QUIT,
    .expect = CTL_EXPECT_STOP,
    .percent = 30,
    .timeout_percent = 35,
    .is_stopping = true,
    .is_optional = true,
    .plan = plan_quit,
    .build = build_quit,
    .check = check_off,
};

static enum ctl_plan plan_kill(struct ctl_job *job, const struct cache_instance *i,
                               struct ctl_why *why)
{
    enum ctl_plan plan = plan_quit(job, i, why);
    if (plan != CTL_PLAN_RUN)
        return plan;
    if (job->params.force)
        return CTL_PLAN_RUN;
    if (job->refusal == LDC_ANSWER_TIMED_OUT)
        ctl_why_set(why, ldc_answer_code(job->refusal),
                    "ldconsole hung when it was asked to quit; the instance "
                    "is still %s (%s); force ends its processes, at the risk of its configuration",
                    cache_state_name(i->state), i->reason);
    else if (job->refusal != LDC_ANSWER_ACCEPTED)
        ctl_why_set(why, ldc_answer_code(job->refusal),
                    "ldconsole did not do quit (%s) and the instance is still %s (%s)",
                    ldc_answer_code(job->refusal), cache_state_name(i->state), i->reason);
    else
        ctl_why_set(why, "QUIT_IGNORED",
                    "quit was sent twice and the instance is still %s (%s); force ends its "
                    "processes, at the risk of its configuration",
                    cache_state_name(i->state), i->reason);
    return CTL_PLAN_FAIL;
}

static void act_kill(struct ctl_job *job, const struct cache_instance *i)
{
    struct buf report cleanup(buf_deinit);
    buf_init(&report, 0);
    if (ctl_observer_end_processes(job->observer, i->id, &report) == 0)
        snprintf(job->said, sizeof(job->said), "by force nothing was ended: %s",
                 report.len > 0 ? report.data : "no process was found that is this instance's");
    char *note cleanup(mem_freep) =
        mem_printf("by force: %s", report.len > 0 ? report.data : "there was no process to end");
    ctl_evidence_add_note(job->op, note);
}

static bool explain_kill(struct ctl_job *job, struct ctl_why *ret, bool *ret_is_lasting)
{
    const struct cache_instance *i = ctl_job_instance(job);
    *ret_is_lasting = false;
    if (!job->said[0])
        return false;
    if (!i || (i->pid == 0 && i->vbox_pid == 0))
        ctl_why_set(ret, "", "%s", job->said);
    else if (ctl_observer_life(job->observer, i->id) == CTL_LIFE_NONE)
        ctl_why_set(ret, "", "%s. None of its processes lives, whatever list2 says", job->said);
    else
        ctl_why_set(ret, "",
                    "%s. list2 names process %" PRId64 " and VM %" PRId64
                    ": none of these is a program known as LDPlayer's, or the system hides them; "
                    "end them by hand",
                    job->said, i->pid, i->vbox_pid);
    return true;
}

const struct ctl_step ctl_step_kill = {
    .name = "ending processes by force",
    .expect = CTL_EXPECT_STOP,
    .percent = 40,
    .timeout_percent = 30,
    .is_stopping = true,
    .plan = plan_kill,
    .act = act_kill,
    .check = check_off,
    .explain = explain_kill,
};
