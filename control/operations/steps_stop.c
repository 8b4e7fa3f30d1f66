/* SPDX-License-Identifier: MIT */
/* Stopping: quit, quit once more when that was ignored or refused, and then, only if force was
 * asked for, the end of the processes. Each is skipped as soon as the instance is off. */
#include "base/memory/mem.h"

#include "control/observe/evidence.h"
#include "control/operations/steps.h"

static bool is_off(const struct cache_instance *i)
{
    return !i || i->state == CACHE_STATE_STOPPED;
}

static enum ctl_plan plan_quit(struct ctl_job *job, const struct cache_instance *i,
                               struct ctl_why *why)
{
    (void)why;
    if (job->op->kind == CACHE_OP_REMOVE && !job->params.force)
        return CTL_PLAN_SKIP;
    if (job->op->kind == CACHE_OP_REPAIR && !is_off(i) && ctl_steps_is_cured(job, i))
        return CTL_PLAN_SKIP;
    return is_off(i) ? CTL_PLAN_SKIP : CTL_PLAN_RUN;
}

static void build_quit(struct ctl_job *job, const struct cache_instance *i, struct ldc_command *ret)
{
    (void)job;
    ldc_command_quit(ret, i->index);
}

static enum ctl_check check_off(struct ctl_job *job, const struct cache_instance *i,
                                struct ctl_why *why)
{
    (void)job;
    (void)why;
    if (is_off(i))
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
    if (plan_quit(job, i, why) == CTL_PLAN_SKIP)
        return CTL_PLAN_SKIP;
    if (job->params.force)
        return CTL_PLAN_RUN;
    if (job->refusal != LDC_ANSWER_ACCEPTED)
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
    (void)ctl_observer_end_processes(job->observer, i->id, &report);
    char *note cleanup(mem_freep) =
        mem_printf("by force: %s", report.len > 0 ? report.data : "there was no process to end");
    ctl_evidence_add_note(job->op, note);
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
};
