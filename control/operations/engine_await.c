/* SPDX-License-Identifier: MIT */
/* What the vendor says is not what happened: after each command the instance is looked at until
 * the effect shows, or until it is clear that none will come. With each look the step's check says
 *
 *      DONE       for settle_ms                      -> the next step
 *      PENDING                                       -> look again
 *      BACK                                          -> the step before, planned again
 *      FAILED                                        -> failed
 *      NO_EFFECT  and ldconsole refused              -> the next step if optional, else failed
 *                 for less than effect_ms            -> look again
 *                 for longer                         -> failed; interrupted if a former process
 *                                                       issued the command
 *
 * and a step whose time is up leads to the next one if it is optional, else to timed_out. */
#include <inttypes.h>
#include <stdio.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "control/judge/state.h"
#include "control/observe/evidence.h"
#include "control/operations/engine_private.h"
#include "control/steps/flow.h"
#include "ldconsole/verbs/timing.h"

/* What list2 left out was seen before; but what ends processes needs to see no more than those, and
 * what removes sees that it is left out. */
uint64_t ctl_engine_await_seen_ms(const struct ctl_job *job, uint64_t now)
{
    const struct cache_instance *i = ctl_job_instance(job);
    bool is_older = i && ctl_observer_is_unlisted(job->observer, i->id);
    const struct ctl_step *step = ctl_job_step(job);
    bool is_enough =
        (step->is_stopping && i && ctl_observer_life(job->observer, i->id) != CTL_LIFE_UNKNOWN) ||
        (step->awaits_absence && job->phase == CTL_PHASE_AWAITING);
    return is_older && !is_enough ? 0 : ctl_job_looked_ms(job, now);
}

/* --- what the breakers are told, once a step, or of a VM that came late after all --- */

static void tell_effect(struct ctl_job *job, enum ldc_effect effect, const char *evidence)
{
    char sentence[400];
    const struct cache_instance *i = ctl_job_instance(job);
    bool is_told = job->has_told && (job->told == effect || job->told != LDC_EFFECT_NO_VM);
    if (!ctl_job_step(job)->build || job->is_recovered || is_told)
        return;
    job->has_told = true;
    job->told = effect;
    snprintf(sentence, sizeof(sentence), "%s of '%.100s' (index %d): %s", ctl_job_step(job)->name,
             i ? i->name : "", i ? i->index : -1, evidence);
    ldc_client_report_effect(job->engine->parts.client, ctl_engine_purpose(job), job->subject,
                             effect, sentence);
}

/* A launch that has a player has done its part; whether its VM comes is for the VM service, which
 * is one for all instances (reference 5.1, 5.2). */
static void tell_of_vm(struct ctl_job *job, bool is_late)
{
    const struct cache_instance *i = ctl_job_instance(job);
    if (ctl_job_step(job)->verb != LDC_VERB_LAUNCH || !i)
        return;
    if (i->vbox_pid > 0 || i->state == CACHE_STATE_BOOTING || ctl_state_is_up(i->state))
        tell_effect(job, LDC_EFFECT_SEEN, "its VM is there");
    else if (i->state == CACHE_STATE_ZOMBIE || i->state == CACHE_STATE_STUCK ||
             (i->state == CACHE_STATE_STARTING && i->pid > 0 && is_late))
        tell_effect(job, LDC_EFFECT_NO_VM, i->reason);
}

/* --- what is seen --- */

static void interrupt(struct ctl_job *job)
{
    char detail[300];
    const struct cache_instance *i = ctl_job_instance(job);
    snprintf(detail, sizeof(detail),
             "the service was restarted after the command of the step '%s' was issued; its effect "
             "did not show (the instance is %s) and the command is not repeated",
             ctl_job_step(job)->name, i ? cache_state_name(i->state) : "not listed");
    ctl_engine_finish_job(job, CACHE_OP_INTERRUPTED, "INTERRUPTED", detail);
}

/* Words that mean no are believed only when nothing happened either. Returns true when the step is
 * over. */
static bool believe_refusal(struct ctl_job *job)
{
    char detail[500];
    const char *code = ldc_answer_code(job->answer);

    job->refusal = job->answer;
    if (ctl_job_step(job)->is_optional)
        return true;
    snprintf(
        detail, sizeof(detail),
        "ldconsole did not do '%s' (%s); the instance was looked at afterwards and is unchanged",
        ctl_job_step(job)->name, code);
    ctl_engine_finish_job(job, CACHE_OP_FAILED, code, detail);
    return false;
}

/* Returns true when the step is over. */
static bool see_no_effect(struct ctl_job *job, struct ctl_why *why, uint64_t seen)
{
    const struct ctl_step *step = ctl_job_step(job);
    bool is_refused = job->answer != LDC_ANSWER_ACCEPTED;
    /* A child that was ended by force may have done its work all the same, only later. */
    bool is_certain = job->answer != LDC_ANSWER_TIMED_OUT && job->answer != LDC_ANSWER_LOST &&
                      job->answer != LDC_ANSWER_FLOODED && job->answer != LDC_ANSWER_CANCELLED;

    if (job->idle_since_ms == 0)
        job->idle_since_ms = seen;
    if (is_refused && is_certain)
        return believe_refusal(job);
    if (step->effect_ms == 0 || seen - job->idle_since_ms < step->effect_ms)
        return false;
    if (job->is_recovered) {
        interrupt(job);
        return false;
    }
    if (is_refused)
        return believe_refusal(job);
    tell_effect(job, LDC_EFFECT_MISSING, why->code[0] ? why->detail : "nothing happened");
    if (!why->code[0])
        ctl_why_set(why, "NO_EFFECT",
                    "ldconsole accepted the command of '%s', but nothing happened within %u s",
                    step->name, step->effect_ms / 1000);
    ctl_engine_finish_job(job, CACHE_OP_FAILED, why->code, why->detail);
    return false;
}

/* Returns true when the step is over. */
static bool check_effect(struct ctl_job *job, uint64_t seen)
{
    const struct ctl_step *step = ctl_job_step(job);
    const struct cache_instance *i = ctl_job_instance(job);
    struct ctl_why why = {0};

    if (i) {
        ctl_evidence_add_state(job->op, cache_state_name(i->state), i->reason);
        if (i->state == CACHE_STATE_BOOTING && job->op->percent < 50)
            job->op->percent = 50;
        /* What is up, or stuck, hangs nobody any more (reference 2.6): others need not wait for
         * what else is seen to. */
        if ((ctl_state_is_up(i->state) || i->state == CACHE_STATE_STUCK) &&
            job->held == CTL_GATE_LAUNCH)
            ctl_job_release_gate(job);
    }
    tell_of_vm(job, seen >= job->called_ms + LDC_TIMING_VM_LATE_MS);
    enum ctl_check check = step->check(job, i, &why);
    if (check == CTL_CHECK_DONE) {
        tell_effect(job, LDC_EFFECT_SEEN, "it is so");
        if (job->done_since_ms == 0)
            job->done_since_ms = seen;
        return seen - job->done_since_ms >= step->settle_ms;
    }
    job->done_since_ms = 0;
    if (check == CTL_CHECK_NO_EFFECT)
        return see_no_effect(job, &why, seen);
    job->idle_since_ms = 0;
    if (check == CTL_CHECK_BACK)
        ctl_engine_go_back(job);
    else if (check == CTL_CHECK_FAILED)
        ctl_engine_finish_job(job, CACHE_OP_FAILED, why.code, why.detail);
    return false;
}

/* What it waited for instead of beginning its step. */
static char *tell_not_begun(const struct ctl_job *job, const char *time)
{
    struct ctl_waiting waiting;
    bool is_known = ctl_engine_waiting(job->engine, job->op->id, &waiting);
    return mem_printf("'%s' was not begun %s%s%s%s", ctl_job_step(job)->name, time,
                      job->has_called ? "" : ", and nothing was run",
                      is_known ? "; it waited for this: " : "", is_known ? waiting.detail : "");
}

static char *tell_not_done(const struct ctl_job *job, const char *time)
{
    const struct cache_instance *i = ctl_job_instance(job);
    const struct ctl_survey_verdict *verdict = ctl_observer_verdict(job->observer);
    return mem_printf("'%s' was not done %s; the instance %s %s%s%s%s%s%s", ctl_job_step(job)->name,
                      time, verdict->status ? "was last seen" : "is",
                      i ? cache_state_name(i->state) : "not listed", i ? " (" : "",
                      i ? i->reason : "", i ? ")" : "", verdict->status ? "; " : "",
                      verdict->detail);
}

/* An add or copy is told by another instance than its subject. */
static bool has_lost_sight(const struct ctl_job *job, uint64_t now)
{
    const struct cache_instance *i = ctl_job_instance(job);
    return i && !ctl_observer_verdict(job->observer)->status &&
           ctl_job_step(job)->gate != CTL_GATE_EXCLUSIVE && !ctl_engine_await_seen_ms(job, now) &&
           ctl_observer_is_unlisted(job->observer, i->id);
}

void ctl_engine_await_expire(struct ctl_job *job)
{
    char time[120];
    uint64_t now = clock_mono_ms(), passed_ms = now - job->accepted_ms;

    if (job->is_recovered) {
        interrupt(job);
        return;
    }
    tell_of_vm(job, true);
    snprintf(time, sizeof(time), "in time (it has %u s, and was accepted %" PRIu64 " s ago)",
             ctl_flow_timeout_ms(job) / 1000, passed_ms / 1000);
    char *detail cleanup(mem_freep) =
        job->phase == CTL_PHASE_AWAITING ? tell_not_done(job, time) : tell_not_begun(job, time);
    if (has_lost_sight(job, now))
        ctl_engine_finish_job(job, CACHE_OP_FAILED, "INSTANCE_NOT_LISTED", detail);
    else
        ctl_engine_finish_job(job, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT", detail);
}

/* One that list2 does not show, and whose processes are dead, boots no more: its operation waits
 * for its row, others need not. */
static void let_others_launch(struct ctl_job *job)
{
    const struct cache_instance *i = ctl_job_instance(job);
    if (i && job->held == CTL_GATE_LAUNCH && i->state == CACHE_STATE_UNKNOWN &&
        ctl_observer_life(job->observer, i->id) == CTL_LIFE_NONE)
        ctl_job_release_gate(job);
}

bool ctl_engine_await_effect(struct ctl_job *job, uint64_t now)
{
    uint64_t seen = ctl_engine_await_seen_ms(job, now);

    if (!seen)
        let_others_launch(job);
    if (seen && check_effect(job, seen))
        return true;
    if (job->phase != CTL_PHASE_AWAITING)
        return false;

    /* Late is what a look after the deadline found undone, or what nobody could look at for long.
     * What was done in this round may have begun after NOW. */
    bool is_blind = now > (seen ? seen : job->look_from_ms) + ctl_flow_blind_ms(job);
    uint64_t at = is_blind ? now : seen;
    uint64_t used = at > job->begun_ms ? at - job->begun_ms : 0;
    bool is_late = used >= ctl_flow_step_timeout_ms(job) ||
                   job->spent_ms + used >= ctl_flow_timeout_ms(job) || ctl_flow_is_over(job, at);
    if (at == 0 || !is_late)
        return false;
    if (ctl_job_step(job)->is_optional) {
        if (job->answer != LDC_ANSWER_ACCEPTED)
            job->refusal = job->answer;
        return true;
    }
    ctl_engine_await_expire(job);
    return false;
}
