/* SPDX-License-Identifier: MIT */
/* How a job gets from step to step. Everything that may let one get on (a survey, the end of a
 * child, a write, a tick) calls ctl_engine_advance, which looks at each job afresh; no callback
 * carries a decision of its own. The file follows a step:
 *
 *      QUEUED    first in line, and there is a session
 *      LOOKING   fresh facts; plan_step: skip, later, fail, or
 *      GATED     behind its gate, and ldconsole has room: begin_step
 *      MARKING   the mark goes to disk                        -> on_marked
 *      CALLING   the command is at ldc_client                 -> on_outcome
 *      AWAITING  ctl_engine_await_effect; leave_step, and the next one is LOOKING
 *
 * Rounds go by lane, in each by the order of acceptance. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/random.h"
#include "base/text/str.h"
#include "control/observe/evidence.h"
#include "control/operations/engine_private.h"
#include "control/steps/flow.h"
#include "ldconsole/verbs/timing.h"

enum { FRESH_MS = 250 }; /* facts this young are good enough to plan a first step on */

/* --- from step to step --- */

static void enter_step(struct ctl_job *job, uint64_t look_from_ms)
{
    ctl_job_leave_place(job);
    job->phase = CTL_PHASE_LOOKING;
    job->look_from_ms = look_from_ms;
    job->entered_ms = job->looking_ms = clock_mono_ms();
    job->done_since_ms = job->idle_since_ms = 0;
    job->gated_ms = job->retry_at_ms = job->refused_since_ms = job->pressed_since_ms = 0;
    job->n_retries = 0;
    job->has_exit_code = job->has_told = false;
    job->is_recovered = false;
    job->called_wall_ms = 0;
    job->answer = LDC_ANSWER_ACCEPTED;
    job->said[0] = '\0';
    job->planned_ms = 0;
}

/* NOW is 0 when the step did nothing. */
static void leave_step(struct ctl_job *job, uint64_t now)
{
    const struct ctl_step *step = ctl_job_step(job);
    bool is_launch = step->build && step->gate == CTL_GATE_LAUNCH && now > job->begun_ms;
    size_t next = (size_t)++job->op->step_index;

    job->op->step_issued = false;
    if (is_launch)
        job->engine->launch_ms = (3 * job->engine->launch_ms + (now - job->begun_ms)) / 4;
    if (now > job->begun_ms)
        job->spent_ms += now - job->begun_ms;
    /* What belongs together stays behind one gate: nobody adds between a removal and the check
     * for what came back. */
    if (next == job->flow->n_steps || ctl_job_step(job)->gate != job->held)
        ctl_job_release_gate(job);
    if (next == job->flow->n_steps)
        ctl_engine_finish_job(job, CACHE_OP_SUCCEEDED, NULL, NULL);
    else
        enter_step(job, job->look_from_ms);
}

void ctl_engine_go_back(struct ctl_job *job)
{
    job->spent_ms += clock_mono_ms() - job->begun_ms;
    job->op->step_index--;
    enter_step(job, job->look_from_ms);
}

/* --- planning --- */

static void on_marked(void *arg, int status);

static void note_manager(struct ctl_job *job)
{
    int64_t pid = ctl_observer_manager(job->observer);
    if (pid == 0 || ctl_job_step(job)->gate != CTL_GATE_EXCLUSIVE)
        return;
    char *note cleanup(mem_freep) =
        mem_printf("LDPlayer's manager window is open (process %" PRId64 "): when it closes it "
                   "writes the config files as it had read them, and may undo this",
                   pid);
    ctl_job_note(job, note);
}

/* What was planned is done, or waits in front of its gate. */
static void begin_step(struct ctl_job *job, uint64_t now)
{
    const struct ctl_step *step = ctl_job_step(job);

    ctl_engine_admit_queue(job, now);
    if (!ctl_engine_admit(job, now))
        return;
    if (job->op->started_at == 0) {
        job->op->started_at = clock_wall_ms();
        ctl_diagnostics_begin(job->engine->diagnostics, job);
    }
    job->op->status = CACHE_OP_RUNNING;
    mem_free(job->op->step);
    job->op->step = mem_strdup(step->name);
    job->op->percent = step->percent;
    job->begun_ms = clock_mono_ms();
    note_manager(job);
    if (step->build) {
        job->op->step_issued = true;
        job->phase = CTL_PHASE_MARKING;
        job->engine->n_writes++;
        ctl_engine_record_write(job, "operation.running", on_marked);
        return;
    }
    /* Without a vendor command there is nothing to mark: repeating it does no harm. */
    ctl_engine_record_write(job, "operation.running", NULL);
    job->has_acted = true;
    if (step->act)
        step->act(job, ctl_job_instance(job));
    job->phase = CTL_PHASE_AWAITING;
    job->called_ms = job->begun_ms;
    if (step->act)
        job->look_from_ms = job->called_ms;
    if (!step->check)
        leave_step(job, 0);
}

/* Whether the target is no longer what the request was bound to, and nothing was done yet. */
static bool has_other_revision(const struct ctl_job *job)
{
    const struct cache_instance *i = ctl_job_instance(job);
    return job->params.revision[0] && !job->has_acted && i &&
           strcmp(i->revision, job->params.revision) != 0;
}

static void plan_step(struct ctl_job *job, uint64_t now)
{
    struct ctl_why why = {0};

    if (!ctl_engine_await_seen_ms(job, now)) {
        /* A look did not show it: others need not wait for the next one. */
        if (!ctl_job_needs_look(job, now))
            ctl_job_leave_place(job);
        const struct ctl_survey_verdict *verdict = ctl_observer_verdict(job->observer);
        /* A step entered in this round may have begun after NOW. */
        if (now <= job->looking_ms + ctl_flow_blind_ms(job))
            return;
        if (!verdict->status && ctl_observer_is_unlisted(job->observer, job->subject))
            ctl_engine_finish_job(job, CACHE_OP_FAILED, "INSTANCE_NOT_LISTED",
                                  "list2 has left the instance out for long, although its files "
                                  "are there: ldconsole cannot reach it");
        else
            ctl_engine_finish_job(
                job, CACHE_OP_FAILED, verdict->status ? verdict->code : "OBSERVATION_TIMED_OUT",
                verdict->status ? verdict->detail : "the state of all could not be read for long");
        return;
    }
    if (has_other_revision(job)) {
        ctl_engine_finish_job(
            job, CACHE_OP_FAILED, "PRECONDITION_FAILED",
            "the instance was changed since: its revision is not the one in If-Match; nothing "
            "was done");
        return;
    }
    switch (ctl_job_step(job)->plan(job, ctl_job_instance(job), &why)) {
    case CTL_PLAN_SKIP:
        /* That it is so already, and nothing has to be done, is no success on facts from before it
         * was asked for. */
        if (ctl_job_looked_ms(job, now) < job->accepted_ms)
            job->look_from_ms = job->accepted_ms;
        else
            leave_step(job, 0);
        break;
    case CTL_PLAN_RUN:
        begin_step(job, now);
        break;
    case CTL_PLAN_LATER:
        ctl_job_release_gate(job);
        if (now > job->looking_ms + ctl_flow_timeout_ms(job))
            ctl_engine_await_expire(job);
        break;
    case CTL_PLAN_FAIL:
        ctl_engine_finish_job(job, CACHE_OP_FAILED, why.code, why.detail);
        break;
    }
}

/* --- the vendor command --- */

static void on_outcome(void *arg, const struct ldc_outcome *outcome);

static void expect(struct ctl_job *job, enum ctl_expect what)
{
    if (ctl_job_step(job)->expect != CTL_EXPECT_NOTHING)
        ctl_observer_expect(job->observer, job->subject, what, LDC_TIMING_EXPECT_MS);
}

/* The mark is on disk, but the command was not issued after all. */
static void unmark(struct ctl_job *job)
{
    job->op->step_issued = false;
    ctl_engine_record_write(job, NULL, NULL);
}

static void issue_command(struct ctl_job *job)
{
    struct ldc_command command;

    if (job->n_retries == 0)
        ctl_retry_earn(&job->engine->retries);
    ctl_job_leave_place(job); /* the command takes it */
    ctl_job_step(job)->build(job, ctl_job_instance(job), &command);
    str_copy(command.instance, sizeof(command.instance), job->subject);
    expect(job, ctl_job_step(job)->expect);
    job->phase = CTL_PHASE_CALLING;
    job->begun_ms = clock_mono_ms();
    command.deadline_ms = ctl_flow_left_ms(job, job->begun_ms);
    job->engine->n_calls++;
    job->call = ldc_client_call(job->engine->parts.client, &command, ctl_engine_purpose(job),
                                on_outcome, job);
}

/* Writing the mark took a moment, in which the instance may have been changed or removed, or its
 * number given away. */
static bool is_still_planned(struct ctl_job *job)
{
    struct ctl_why why;
    return !job->is_cancelled && !has_other_revision(job) &&
           ctl_job_step(job)->plan(job, ctl_job_instance(job), &why) == CTL_PLAN_RUN;
}

/* The mark is on disk: only now may the command be issued. */
static void on_marked(void *arg, int status)
{
    struct ctl_job *job = arg;
    struct ctl_engine *e = job->engine;

    e->n_writes--;
    if (e->is_closing) {
        unmark(job);
        ctl_engine_try_to_close(e);
        return;
    }
    if (status < 0) {
        job->op->step_issued = false;
        ctl_engine_finish_job(
            job, CACHE_OP_FAILED, "STORE_UNAVAILABLE",
            "the database refused the mark that must precede a command; nothing was run");
    } else if (is_still_planned(job)) {
        issue_command(job);
    } else {
        unmark(job);
        enter_step(job, job->look_from_ms);
    }
    ctl_engine_advance_soon(e);
}

/* No child could be started, for a reason that passes: nothing ran, so the same may be asked once
 * more. */
static bool may_retry(struct ctl_job *job, const struct ldc_outcome *outcome)
{
    const struct run_result *result = outcome->result;
    return outcome->answer == LDC_ANSWER_NOT_STARTED && result &&
           result->status == RUN_NOT_STARTED && ctl_retry_is_passing(result->error) &&
           job->n_retries < CTL_RETRY_MAX && ctl_retry_spend(&job->engine->retries);
}

static void retry(struct ctl_job *job, const struct ldc_outcome *outcome, uint64_t now)
{
    uint32_t random;
    random_bytes(&random, sizeof(random));
    unmark(job);
    ctl_job_release_gate(job);
    str_copy(job->said, sizeof(job->said), uv_strerror(outcome->result->error));
    job->retry_at_ms = now + ctl_retry_pause_ms(job->n_retries++, random);
    job->phase = CTL_PHASE_GATED;
}

/* Whether ldconsole may be at work on what was asked of it. */
static bool may_be_under_way(const struct ldc_outcome *outcome)
{
    if (outcome->is_rejected)
        return false;
    return outcome->answer == LDC_ANSWER_ACCEPTED || outcome->answer == LDC_ANSWER_TIMED_OUT ||
           outcome->answer == LDC_ANSWER_FLOODED || outcome->answer == LDC_ANSWER_LOST;
}

/* Whether no child was started for it. */
static bool never_ran(const struct ldc_outcome *outcome)
{
    return outcome->is_rejected || outcome->answer == LDC_ANSWER_NO_SESSION ||
           (outcome->answer == LDC_ANSWER_CANCELLED && !outcome->result);
}

/* What is told of it when the operation fails, also after steps that ran nothing. A crash ends with
 * a status of Windows, such as 0xC0000008, and prints nothing. */
static void remember_command(struct ctl_job *job, const struct ldc_outcome *outcome)
{
    enum { HEAD = 100 };
    char head[HEAD + 1] = "", end[100];
    const struct run_result *result = outcome->result;
    size_t n = result->output_len < HEAD ? result->output_len : HEAD;

    if (result->status == RUN_EXITED)
        snprintf(end, sizeof(end), "%s with exit code %d (0x%X)",
                 ldc_answer_is_crash(result) ? "ldconsole crashed" : "ldconsole ended",
                 (int)result->exit_code, (unsigned)(uint32_t)result->exit_code);
    else if (result->status == RUN_NOT_STARTED)
        snprintf(end, sizeof(end), "it could not be started (%s)", uv_strerror(result->error));
    else if (result->status == RUN_TIMED_OUT)
        snprintf(end, sizeof(end), "ldconsole hung and was ended by us after %u s",
                 (unsigned)(result->duration_ms / 1000));
    else
        snprintf(end, sizeof(end), "ldconsole did not end by itself (%s)",
                 run_status_name(result->status));
    ldc_text_decode(result->output ? result->output : "", n, LDC_CODEPAGE_SYSTEM, head,
                    sizeof(head));
    head[strcspn(head, "\r\n")] = '\0';
    snprintf(job->ran, sizeof(job->ran), "%.200s: %s and printed %s%s%s", outcome->command_line,
             end, head[0] ? "'" : "", head[0] ? head : "nothing", head[0] ? "'" : "");
}

/* The child has ended, or never ran. What it answered decides nothing yet. */
static void on_outcome(void *arg, const struct ldc_outcome *outcome)
{
    struct ctl_job *job = arg;
    uint64_t now = clock_mono_ms();

    job->call = NULL;
    job->engine->n_calls--;
    if (job->engine->is_closing) {
        if (never_ran(outcome))
            unmark(job);
        ctl_engine_try_to_close(job->engine);
        return;
    }
    ctl_evidence_add_call(job->op, outcome);
    if (!may_be_under_way(outcome))
        expect(job, CTL_EXPECT_NOTHING);
    if (outcome->is_rejected) {
        unmark(job);
        ctl_engine_admit_refused(job, outcome->refusal, outcome->retry_ms, now);
    } else if (may_retry(job, outcome)) {
        retry(job, outcome, now);
    } else if (never_ran(outcome)) {
        /* It was cancelled in the queue, or nothing runs before there is a session: the round ends
         * it, or puts it aside. */
        unmark(job);
        ctl_job_release_gate(job);
        job->phase = CTL_PHASE_QUEUED;
    } else {
        job->has_acted = job->has_called = true;
        job->answer = outcome->answer;
        job->has_exit_code = outcome->result && outcome->result->status == RUN_EXITED;
        job->exit_code = job->has_exit_code ? outcome->result->exit_code : 0;
        job->said[0] = '\0';
        if (outcome->result)
            remember_command(job, outcome);
        job->phase = CTL_PHASE_AWAITING;
        job->called_ms = job->look_from_ms = now;
        job->called_wall_ms = clock_wall_ms();
    }
    ctl_engine_advance(job->engine);
}

/* --- one job in a round --- */

static void cancel_now(struct ctl_job *job)
{
    char detail[200];
    snprintf(detail, sizeof(detail), "cancelled by %s%s", job->cancelled_by,
             job->op->step_issued ? "; what ldconsole had already begun was not undone" : "");
    ctl_engine_finish_job(job, CACHE_OP_CANCELLED, "CANCELLED", detail);
}

/* An instance that turned up while an add or copy is at work may be the one it makes: nobody else
 * acts on it before that is known. */
static bool may_begin(const struct ctl_job *job)
{
    const struct ctl_job *maker = job->jobs->gate_holder[CTL_GATE_EXCLUSIVE];
    const struct cache_instance *i = ctl_job_instance(job);
    return ctl_job_is_first_in_line(job) && !(maker && i && ctl_steps_may_be_making(maker, i));
}

static void wait_for_session(struct ctl_job *job)
{
    ctl_job_release_gate(job);
    job->phase = CTL_PHASE_QUEUED;
    if (job->op->status == CACHE_OP_WAITING_FOR_SESSION)
        return;
    job->op->status = CACHE_OP_WAITING_FOR_SESSION;
    ctl_engine_record_write(job, "operation.waiting_for_session", NULL);
}

static void leave_queue(struct ctl_job *job, uint64_t now)
{
    bool has_begun = job->op->started_at != 0;

    if (job->op->status != CACHE_OP_WAITING_FOR_SESSION) {
        enter_step(job, now > FRESH_MS ? now - FRESH_MS : 0);
        return;
    }
    job->op->status = has_begun ? CACHE_OP_RUNNING : CACHE_OP_QUEUED;
    ctl_engine_record_write(job, has_begun ? "operation.running" : "operation.queued", NULL);
    /* What was known of the instance is as old as the last session. */
    enter_step(job, now);
}

/* What waits at its gate may be done by others meanwhile, or become impossible. */
static void plan_at_gate(struct ctl_job *job, uint64_t now)
{
    struct ctl_why why = {0};
    uint64_t seen = ctl_engine_await_seen_ms(job, now);

    if (seen <= job->planned_ms)
        return;
    job->planned_ms = seen;
    enum ctl_plan plan = ctl_job_step(job)->plan(job, ctl_job_instance(job), &why);
    if (plan == CTL_PLAN_SKIP)
        leave_step(job, 0);
    else if (plan == CTL_PLAN_FAIL)
        ctl_engine_finish_job(job, CACHE_OP_FAILED, why.code, why.detail);
}

/* Whether it waits still when it was to have begun. */
static bool is_too_late(const struct ctl_job *job)
{
    bool is_waiting = job->phase == CTL_PHASE_QUEUED || job->phase == CTL_PHASE_LOOKING ||
                      job->phase == CTL_PHASE_GATED;
    return is_waiting && job->params.begin_within_ms && job->op->started_at == 0 &&
           clock_wall_ms() >= job->op->created_at + (int64_t)job->params.begin_within_ms;
}

static void give_up_waiting(struct ctl_job *job)
{
    char detail[1400];
    struct ctl_waiting waiting;
    bool is_known = ctl_engine_waiting(job->engine, job->op->id, &waiting);
    snprintf(detail, sizeof(detail),
             "it had not begun %u s after it was accepted, and nothing was "
             "done%s%s",
             job->params.begin_within_ms / 1000, is_known ? "; it waited for this: " : "",
             is_known ? waiting.detail : "");
    ctl_engine_finish_job(job, CACHE_OP_TIMED_OUT, "NOT_BEGUN_IN_TIME", detail);
}

static void advance_job(struct ctl_job *job, uint64_t now)
{
    bool is_queued = job->phase == CTL_PHASE_QUEUED && may_begin(job);
    bool is_planning = job->phase == CTL_PHASE_LOOKING || job->phase == CTL_PHASE_GATED;

    /* What is being written or run is heard of first. */
    if (job->is_cancelled &&
        (is_planning || job->phase == CTL_PHASE_QUEUED || job->phase == CTL_PHASE_AWAITING)) {
        cancel_now(job);
        return;
    }
    /* One that has issued a command goes on waiting for the effect: the look that shows it comes
     * with the next session. */
    if ((is_queued || is_planning) && ldc_client_absence(job->engine->parts.client)) {
        wait_for_session(job);
        return;
    }
    if ((is_planning || job->phase == CTL_PHASE_QUEUED) && ctl_flow_is_over(job, now)) {
        ctl_engine_await_expire(job);
        return;
    }
    if (is_queued)
        leave_queue(job, now);
    if (is_too_late(job)) {
        give_up_waiting(job);
        return;
    }
    if (job->phase == CTL_PHASE_GATED && now >= job->retry_at_ms && ctl_engine_admit(job, now)) {
        /* What was planned in front of a closed gate is planned again behind it. */
        job->phase = CTL_PHASE_LOOKING;
        job->looking_ms = job->look_from_ms = now;
    } else if (job->phase == CTL_PHASE_GATED) {
        plan_at_gate(job, now);
    }
    if (job->phase == CTL_PHASE_AWAITING && ctl_engine_await_effect(job, now))
        leave_step(job, now);
    /* Steps that have nothing to do are passed in one go. */
    for (int before = -1; job->phase == CTL_PHASE_LOOKING && before != job->op->step_index;) {
        before = job->op->step_index;
        plan_step(job, now);
    }
}

/* --- the round --- */

/* Returns whether one of them needs a new look. */
static bool advance_lane(struct ctl_engine *e, unsigned lane)
{
    uint64_t now = clock_mono_ms();
    bool needs_look = false;

    list_foreach(item, &e->jobs.all) {
        struct ctl_job *job = list_entry(item, struct ctl_job, link);
        if (!job->flow || job->lane != lane)
            continue;
        advance_job(job, now);
        needs_look |= (job->phase == CTL_PHASE_LOOKING || job->phase == CTL_PHASE_AWAITING) &&
                      ctl_job_needs_look(job, now);
    }
    return needs_look;
}

void ctl_engine_advance(struct ctl_engine *e)
{
    bool needs_look = false;

    /* Ending one job may free a gate for another: once more round, never recursively. */
    e->jobs.needs_round = true;
    if (e->is_advancing || e->is_closing || !e->is_started)
        return;
    e->is_advancing = true;
    while (e->jobs.needs_round) {
        e->jobs.needs_round = needs_look = false;
        ctl_engine_admit_count(e, clock_mono_ms());
        for (unsigned lane = 0; lane < CTL_LANE_COUNT; lane++)
            needs_look |= e->n_in_lane[lane] > 0 && advance_lane(e, lane);
    }
    e->is_advancing = false;
    if (e->is_hurrying != (e->jobs.n > 0)) {
        e->is_hurrying = !e->is_hurrying;
        ctl_observer_hurry(e->parts.observer, e->is_hurrying ? 1 : -1);
    }
    /* After a look that failed, the next one comes when the observer's schedule says. */
    if (needs_look && ctl_observer_verdict(e->parts.observer)->status == 0)
        ctl_observer_look(e->parts.observer);
}

static void run_due_round(void *arg)
{
    struct ctl_engine *e = arg;
    e->is_round_due = false;
    e->n_writes--;
    ctl_engine_advance(e);
    ctl_engine_try_to_close(e);
}

/* A round looks at all jobs: with one for each write of a group, accepting 64 commands at a time
 * cost 64 x 64 looks, half of what the loop computed. */
void ctl_engine_advance_soon(struct ctl_engine *e)
{
    if (e->is_round_due)
        return;
    e->is_round_due = true;
    e->n_writes++;
    loop_post(e->parts.loop, run_due_round, e);
}
