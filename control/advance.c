/* SPDX-License-Identifier: MIT */
/* How a job gets on: see the phases in job.h. Everything that may let a job get on (a survey, the end
 * of a child, a write, a tick) calls ctl_engine_advance, which looks at each job afresh; no
 * callback carries a decision of its own. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "control/evidence.h"
#include "control/flow.h"
#include "control/job.h"
#include "control/state.h"

enum {
    FRESH_MS = 250,         /* facts this young are good enough to plan a first step on */
    BLIND_LIMIT_MS = 60000, /* a step that cannot be planned for want of facts gives up */
    EXPECT_MS = 20000,      /* list2 lags behind launch by about 2 s (reference 2.6) */
};

static const struct ctl_step *step_of(const struct ctl_job *job)
{
    return job->flow->steps[job->op->step_index];
}

static bool has_facts_since(const struct ctl_job *job, uint64_t since_ms, uint64_t now)
{
    struct cache_snapshot *s = ctl_observer_snapshot(job->engine->parts.observer);
    uint64_t age_ms = cache_snapshot_age_ms(s, now);
    return age_ms <= now && now - age_ms >= since_ms;
}

/* --- gates --- */

static void release_gate(struct ctl_job *job)
{
    if (job->held != CTL_GATE_NONE && job->engine->gate_holder[job->held] == job)
        job->engine->gate_holder[job->held] = NULL;
    job->held = CTL_GATE_NONE;
    job->engine->must_advance = true;
}

static bool take_gate(struct ctl_job *job, enum ctl_gate gate)
{
    struct ctl_job **holder = &job->engine->gate_holder[gate];
    if (gate == CTL_GATE_NONE || *holder == job)
        return true;
    if (*holder)
        return false;
    *holder = job;
    job->held = gate;
    return true;
}

/* --- ending --- */

static void fail(struct ctl_job *job, const struct ctl_why *why)
{
    ctl_engine_end(job, CACHE_OP_FAILED, why->code, why->detail);
}

static void finish(struct ctl_job *job)
{
    ctl_engine_end(job, CACHE_OP_SUCCEEDED, NULL, NULL);
}

static void interrupt(struct ctl_job *job)
{
    struct ctl_why why;
    const struct cache_instance *i = ctl_job_instance(job);
    snprintf(why.detail, sizeof(why.detail),
             "the service was restarted after the command of the step '%s' was issued; its effect "
             "did not show (the instance is %s) and the command is not repeated",
             step_of(job)->name, i ? cache_state_name(i->state) : "not listed");
    ctl_engine_end(job, CACHE_OP_INTERRUPTED, "INTERRUPTED", why.detail);
}

static void time_out(struct ctl_job *job)
{
    struct ctl_why why;
    const struct cache_instance *i = ctl_job_instance(job);

    if (job->is_recovered) {
        interrupt(job);
        return;
    }
    snprintf(why.detail, sizeof(why.detail),
             "'%s' was not done within %u s; the instance is %s%s%s%s", step_of(job)->name,
             ctl_flow_timeout_ms(job) / 1000, i ? cache_state_name(i->state) : "not listed",
             i ? " (" : "", i ? i->reason : "", i ? ")" : "");
    ctl_engine_end(job, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT", why.detail);
}

/* --- steps --- */

static void enter_step(struct ctl_job *job, uint64_t look_from_ms)
{
    job->phase = CTL_PHASE_LOOKING;
    job->look_from_ms = look_from_ms;
    job->entered_ms = clock_mono_ms();
    job->done_since_ms = 0;
    job->has_exit_code = false;
    job->is_recovered = false;
    job->answer = LDC_ANSWER_ACCEPTED;
}

static void leave_step(struct ctl_job *job)
{
    int next = ++job->op->step_index;
    job->op->step_issued = false;
    bool is_last = (size_t)next >= job->flow->n_steps;
    /* What belongs together stays behind one gate: nobody adds between a removal and the check
     * for what came back. */
    if (is_last || step_of(job)->gate != job->held)
        release_gate(job);
    if (is_last)
        finish(job);
    else
        enter_step(job, job->look_from_ms);
}

static void begin_running(struct ctl_job *job)
{
    if (job->op->started_at == 0)
        job->op->started_at = clock_wall_ms();
    job->op->status = CACHE_OP_RUNNING;
}

static void describe_step(struct ctl_job *job)
{
    mem_free(job->op->step);
    job->op->step = mem_strdup(step_of(job)->name);
    job->op->percent = step_of(job)->percent;
}

/* Nothing ran, so the step may be tried when the breaker lets it, as long as there is time. */
static void on_rejected(struct ctl_job *job, const struct ldc_outcome *outcome, uint64_t now)
{
    struct ctl_why why;

    job->op->step_issued = false;
    release_gate(job);
    if (clock_wall_ms() - job->op->started_at > (int64_t)ctl_flow_timeout_ms(job)) {
        snprintf(why.detail, sizeof(why.detail),
                 "the breaker '%s' stayed open: ldconsole keeps failing", outcome->breaker);
        ctl_engine_end(job, CACHE_OP_FAILED, "BREAKER_OPEN", why.detail);
        return;
    }
    job->retry_at_ms = now + outcome->retry_ms;
    job->phase = CTL_PHASE_GATED;
}

static void on_outcome(void *arg, const struct ldc_outcome *outcome)
{
    struct ctl_job *job = arg;
    uint64_t now = clock_mono_ms();

    job->call = NULL;
    job->engine->n_calls--;
    if (job->engine->is_closing) {
        ctl_engine_try_to_close(job->engine);
        return;
    }
    ctl_evidence_add_call(job->op, outcome);
    if (outcome->is_rejected) {
        on_rejected(job, outcome, now);
    } else {
        job->answer = outcome->answer;
        job->has_exit_code = outcome->result && outcome->result->status == LDC_RUN_EXITED;
        job->exit_code = job->has_exit_code ? outcome->result->exit_code : 0;
        job->phase = CTL_PHASE_AWAITING;
        job->called_ms = job->look_from_ms = now;
    }
    ctl_engine_advance(job->engine);
}

static void call_vendor(struct ctl_job *job)
{
    const struct ctl_step *step = step_of(job);
    const struct cache_instance *i = ctl_job_instance(job);
    struct ldc_command command;
    bool is_queued = job->params.priority != CTL_PRIORITY_INTERACTIVE;

    step->build(job, i, &command);
    if (step->expect != CTL_EXPECT_NOTHING)
        ctl_observer_expect(job->engine->parts.observer, job->subject, step->expect, EXPECT_MS);
    job->phase = CTL_PHASE_CALLING;
    job->engine->n_calls++;
    job->call = ldc_client_call(job->engine->parts.client, &command,
                                ldc_purpose_of(command.verb, is_queued), on_outcome, job);
}

static bool lost_its_instance(const struct ctl_job *job)
{
    return !step_of(job)->needs_no_instance && !ctl_job_instance(job);
}

/* The mark is on disk: only now may the command be issued. */
static void on_marked(void *arg, int status)
{
    struct ctl_job *job = arg;
    struct ctl_engine *e = job->engine;

    e->n_writes--;
    if (e->is_closing) {
        /* Marked, but never to be issued: the next start may. */
        job->op->step_issued = false;
        ctl_engine_write(job, NULL, NULL);
        ctl_engine_try_to_close(e);
        return;
    }
    if (status < 0) {
        job->op->step_issued = false;
        ctl_engine_end(job, CACHE_OP_FAILED, "STORE_UNAVAILABLE",
                       "the database refused the mark that must precede a command; nothing was run");
    } else if (job->is_cancelled || lost_its_instance(job)) {
        job->op->step_issued = false;
        enter_step(job, job->look_from_ms);
    } else {
        call_vendor(job);
    }
    ctl_engine_advance(e);
}

static void issue(struct ctl_job *job)
{
    begin_running(job);
    describe_step(job);
    job->op->step_issued = true;
    job->phase = CTL_PHASE_MARKING;
    job->engine->n_writes++;
    ctl_engine_write(job, "operation.running", on_marked);
}

/* A step without a vendor command: nothing to mark, repeating it does no harm. */
static void act(struct ctl_job *job)
{
    const struct ctl_step *step = step_of(job);

    begin_running(job);
    describe_step(job);
    ctl_engine_write(job, "operation.running", NULL);
    if (step->act)
        step->act(job, ctl_job_instance(job));
    job->phase = CTL_PHASE_AWAITING;
    job->called_ms = clock_mono_ms();
    if (step->act)
        job->look_from_ms = job->called_ms;
    if (!step->check)
        leave_step(job);
}

static void run_step(struct ctl_job *job, uint64_t now)
{
    if (!take_gate(job, step_of(job)->gate)) {
        job->phase = CTL_PHASE_GATED;
        return;
    }
    /* The plan may have been made long before the gate opened. */
    if (!has_facts_since(job, now > FRESH_MS ? now - FRESH_MS : 0, now)) {
        job->phase = CTL_PHASE_LOOKING;
        job->look_from_ms = now;
        return;
    }
    if (step_of(job)->build)
        issue(job);
    else
        act(job);
}

static unsigned step_timeout_ms(const struct ctl_job *job)
{
    uint64_t ms = (uint64_t)ctl_flow_timeout_ms(job) * step_of(job)->timeout_percent / 100;
    return (unsigned)ms;
}

static void give_up_looking(struct ctl_job *job)
{
    const struct ctl_observer_trouble *trouble =
        ctl_observer_trouble(job->engine->parts.observer);
    ctl_engine_end(job, CACHE_OP_FAILED, trouble->status ? trouble->code : "OBSERVATION_TIMED_OUT",
                   trouble->status ? trouble->detail
                                   : "the state of the instances could not be read for a minute");
}

static void plan(struct ctl_job *job, uint64_t now)
{
    struct ctl_why why = {0};

    if (!has_facts_since(job, job->look_from_ms, now)) {
        if (now - job->entered_ms > BLIND_LIMIT_MS)
            give_up_looking(job);
        return;
    }
    switch (step_of(job)->plan(job, ctl_job_instance(job), &why)) {
    case CTL_PLAN_SKIP:
        leave_step(job);
        break;
    case CTL_PLAN_RUN:
        run_step(job, now);
        break;
    case CTL_PLAN_LATER:
        job->look_from_ms = now;
        if (now - job->entered_ms > ctl_flow_timeout_ms(job))
            time_out(job);
        break;
    case CTL_PLAN_FAIL:
        fail(job, &why);
        break;
    }
}

static void leave_gate_queue(struct ctl_job *job, uint64_t now)
{
    if (now < job->retry_at_ms || !take_gate(job, step_of(job)->gate))
        return;
    job->phase = CTL_PHASE_LOOKING;
    job->entered_ms = now;
    job->look_from_ms = now;
}

/* --- the effect --- */

static void note_state(struct ctl_job *job)
{
    const struct cache_instance *i = ctl_job_instance(job);
    if (!i)
        return;
    ctl_evidence_add_state(job->op, cache_state_name(i->state), i->reason);
    if (i->state == CACHE_STATE_BOOTING && job->op->percent < 50)
        job->op->percent = 50;
}

/* Words that mean no are believed only when nothing happened either. */
static bool is_refused(const struct ctl_job *job, struct ctl_why *why)
{
    if (job->answer == LDC_ANSWER_ACCEPTED)
        return false;
    str_copy(why->code, sizeof(why->code), ldc_answer_code(job->answer));
    snprintf(why->detail, sizeof(why->detail),
             "ldconsole did not do '%s' (%s); the instance was looked at afterwards and is "
             "unchanged",
             step_of(job)->name, ldc_answer_code(job->answer));
    return true;
}

/* A child that was ended by force may have done its work all the same, only later. */
static bool is_answer_certain(enum ldc_answer answer)
{
    return answer != LDC_ANSWER_TIMED_OUT && answer != LDC_ANSWER_LOST &&
           answer != LDC_ANSWER_FLOODED;
}

static void without_effect(struct ctl_job *job, struct ctl_why *why, uint64_t now)
{
    const struct ctl_step *step = step_of(job);
    bool is_due = step->effect_ms > 0 && now - job->called_ms >= step->effect_ms;

    if (is_answer_certain(job->answer) && is_refused(job, why)) {
        fail(job, why);
    } else if (is_due && job->is_recovered) {
        interrupt(job);
    } else if (is_due) {
        if (is_refused(job, why) || why->code[0]) {
            fail(job, why);
            return;
        }
        str_copy(why->code, sizeof(why->code), "NO_EFFECT");
        snprintf(why->detail, sizeof(why->detail),
                 "ldconsole accepted the command of '%s', but nothing happened within %u s",
                 step->name, step->effect_ms / 1000);
        fail(job, why);
    }
}

static void on_check_done(struct ctl_job *job, uint64_t now)
{
    if (job->done_since_ms == 0)
        job->done_since_ms = now;
    if (now - job->done_since_ms < step_of(job)->settle_ms)
        return;
    leave_step(job);
}

static void await_effect(struct ctl_job *job, uint64_t now)
{
    struct ctl_why why = {0};
    const struct ctl_step *step = step_of(job);
    bool is_late = now - job->called_ms >= step_timeout_ms(job);

    if (has_facts_since(job, job->look_from_ms, now)) {
        note_state(job);
        enum ctl_check check = step->check(job, ctl_job_instance(job), &why);
        if (check == CTL_CHECK_DONE) {
            on_check_done(job, now);
            return;
        }
        job->done_since_ms = 0;
        if (check == CTL_CHECK_FAILED) {
            fail(job, &why);
            return;
        }
        if (check == CTL_CHECK_NO_EFFECT)
            without_effect(job, &why, now);
    }
    if (job->phase != CTL_PHASE_AWAITING || !is_late)
        return;
    if (step->is_optional)
        leave_step(job);
    else
        time_out(job);
}

/* --- the round --- */

static void cancel_now(struct ctl_job *job)
{
    char detail[200];
    snprintf(detail, sizeof(detail), "cancelled by %s%s", job->cancelled_by,
             job->op->step_issued ? "; what ldconsole had already begun was not undone" : "");
    ctl_engine_end(job, CACHE_OP_CANCELLED, "CANCELLED", detail);
}

static void advance_job(struct ctl_job *job, uint64_t now)
{
    bool is_interruptible = job->phase == CTL_PHASE_QUEUED || job->phase == CTL_PHASE_LOOKING ||
                            job->phase == CTL_PHASE_GATED || job->phase == CTL_PHASE_AWAITING;
    if (job->is_cancelled && is_interruptible) {
        cancel_now(job);
        return;
    }
    if (job->phase == CTL_PHASE_QUEUED && ctl_job_is_first_in_line(job))
        enter_step(job, now > FRESH_MS ? now - FRESH_MS : 0);
    if (job->phase == CTL_PHASE_GATED)
        leave_gate_queue(job, now);
    for (int before = -1; job->phase == CTL_PHASE_LOOKING && before != job->op->step_index;) {
        before = job->op->step_index;
        plan(job, now);
    }
    if (job->phase == CTL_PHASE_AWAITING)
        await_effect(job, now);
}

static bool needs_look(const struct ctl_job *job, uint64_t now)
{
    return (job->phase == CTL_PHASE_LOOKING || job->phase == CTL_PHASE_AWAITING) &&
           !has_facts_since(job, job->look_from_ms, now);
}

static void advance_priority(struct ctl_engine *e, enum ctl_priority priority, bool *ret_needs_look)
{
    uint64_t now = clock_mono_ms();
    list_foreach(item, &e->jobs) {
        struct ctl_job *job = list_entry(item, struct ctl_job, link);
        if (!job->flow || job->params.priority != priority)
            continue;
        advance_job(job, now);
        *ret_needs_look |= needs_look(job, now);
    }
}

static void hurry(struct ctl_engine *e, bool is_wanted)
{
    if (is_wanted != e->is_hurrying)
        ctl_observer_hurry(e->parts.observer, is_wanted ? 1 : -1);
    e->is_hurrying = is_wanted;
}

void ctl_engine_advance(struct ctl_engine *e)
{
    bool needs = false;

    /* Ending one job may free a gate for another: once more round, never recursively. */
    e->must_advance = true;
    if (e->is_advancing || e->is_closing || !e->is_started)
        return;
    e->is_advancing = true;
    while (e->must_advance) {
        e->must_advance = false;
        needs = false;
        advance_priority(e, CTL_PRIORITY_INTERACTIVE, &needs);
        advance_priority(e, CTL_PRIORITY_WATCHDOG, &needs);
        advance_priority(e, CTL_PRIORITY_BATCH, &needs);
    }
    e->is_advancing = false;
    hurry(e, e->n_jobs > 0);
    if (needs)
        ctl_observer_look(e->parts.observer);
}
