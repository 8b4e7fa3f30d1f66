/* SPDX-License-Identifier: MIT */
/* What the vendor says is not what happened: after each command the instance is looked at until
 * the effect shows, or until it is clear that none will come. */
#include <stdio.h>
#include <string.h>

#include "base/system/clock.h"
#include "base/text/str.h"
#include "control/observe/evidence.h"
#include "control/operations/flow.h"
#include "control/operations/job.h"

/* Without a single good look for this long after a deadline, the operation ends all the same. */
enum { BLIND_LIMIT_MS = 60000 };

static void fail(struct ctl_job *job, const struct ctl_why *why)
{
    ctl_ending_end(job, CACHE_OP_FAILED, why->code, why->detail);
}

static void interrupt(struct ctl_job *job)
{
    char detail[300];
    const struct cache_instance *i = ctl_job_instance(job);
    snprintf(detail, sizeof(detail),
             "the service was restarted after the command of the step '%s' was issued; its effect "
             "did not show (the instance is %s) and the command is not repeated",
             ctl_job_step(job)->name, i ? cache_state_name(i->state) : "not listed");
    ctl_ending_end(job, CACHE_OP_INTERRUPTED, "INTERRUPTED", detail);
}

void ctl_effect_time_out(struct ctl_job *job)
{
    char detail[600];
    const struct cache_instance *i = ctl_job_instance(job);
    const struct ctl_survey_verdict *verdict = ctl_observer_verdict(job->engine->parts.observer);

    if (job->is_recovered) {
        interrupt(job);
        return;
    }
    snprintf(detail, sizeof(detail),
             "'%s' was not done in time (%u s for all of it); the instance "
             "%s %s%s%s%s%s%s",
             ctl_job_step(job)->name, ctl_flow_timeout_ms(job) / 1000,
             verdict->status ? "was last seen" : "is",
             i ? cache_state_name(i->state) : "not listed", i ? " (" : "", i ? i->reason : "",
             i ? ")" : "", verdict->status ? "; " : "", verdict->detail);
    ctl_ending_end(job, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT", detail);
}

static void note_state(struct ctl_job *job)
{
    const struct cache_instance *i = ctl_job_instance(job);
    if (!i)
        return;
    ctl_evidence_add_state(job->op, cache_state_name(i->state), i->reason);
    if (i->state == CACHE_STATE_BOOTING && job->op->percent < 50)
        job->op->percent = 50;
}

/* A child that was ended by force may have done its work all the same, only later. */
static bool is_certain(enum ldc_answer answer)
{
    return answer != LDC_ANSWER_TIMED_OUT && answer != LDC_ANSWER_LOST &&
           answer != LDC_ANSWER_FLOODED && answer != LDC_ANSWER_CANCELLED;
}

/* Words that mean no are believed only when nothing happened either. Returns true when the step is
 * over. */
static bool refuse(struct ctl_job *job)
{
    struct ctl_why why;
    const char *code = ldc_answer_code(job->answer);

    job->refusal = job->answer;
    if (ctl_job_step(job)->is_optional)
        return true;
    ctl_why_say(&why, code,
                "ldconsole did not do '%s' (%s); the instance was looked at afterwards and is "
                "unchanged",
                ctl_job_step(job)->name, code);
    fail(job, &why);
    return false;
}

static bool without_effect(struct ctl_job *job, struct ctl_why *why, uint64_t seen)
{
    const struct ctl_step *step = ctl_job_step(job);
    bool is_refused = job->answer != LDC_ANSWER_ACCEPTED;

    if (job->idle_since_ms == 0)
        job->idle_since_ms = seen;
    if (is_refused && is_certain(job->answer))
        return refuse(job);
    if (step->effect_ms == 0 || seen - job->idle_since_ms < step->effect_ms)
        return false;
    if (job->is_recovered) {
        interrupt(job);
        return false;
    }
    if (is_refused)
        return refuse(job);
    if (!why->code[0])
        ctl_why_say(why, "NO_EFFECT",
                    "ldconsole accepted the command of '%s', but nothing happened within %u s",
                    step->name, step->effect_ms / 1000);
    fail(job, why);
    return false;
}

static bool is_settled(struct ctl_job *job, uint64_t seen)
{
    if (job->done_since_ms == 0)
        job->done_since_ms = seen;
    return seen - job->done_since_ms >= ctl_job_step(job)->settle_ms;
}

/* Returns true when the step is over. */
static bool judge(struct ctl_job *job, uint64_t seen)
{
    struct ctl_why why = {0};
    note_state(job);
    enum ctl_check check = ctl_job_step(job)->check(job, ctl_job_instance(job), &why);

    if (check == CTL_CHECK_DONE)
        return is_settled(job, seen);
    job->done_since_ms = 0;
    if (check == CTL_CHECK_NO_EFFECT)
        return without_effect(job, &why, seen);
    job->idle_since_ms = 0;
    if (check == CTL_CHECK_FAILED)
        fail(job, &why);
    return false;
}

/* Whether the time of the step or of the operation was over at AT. */
static bool is_late(const struct ctl_job *job, uint64_t at)
{
    uint64_t used = at > job->begun_ms ? at - job->begun_ms : 0;
    return used >= ctl_flow_step_timeout_ms(job) ||
           job->spent_ms + used >= ctl_flow_timeout_ms(job);
}

bool ctl_effect_await(struct ctl_job *job, uint64_t now)
{
    uint64_t seen = ctl_job_seen_ms(job, now);

    if (seen && judge(job, seen))
        return true;
    if (job->phase != CTL_PHASE_AWAITING)
        return false;
    /* What was done in this round may have begun after NOW. */
    bool is_blind = now > (seen ? seen : job->look_from_ms) + BLIND_LIMIT_MS;
    if (!(seen || is_blind) || !is_late(job, is_blind ? now : seen))
        return false;
    if (ctl_job_step(job)->is_optional)
        return true;
    ctl_effect_time_out(job);
    return false;
}
