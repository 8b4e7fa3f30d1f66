/* SPDX-License-Identifier: MIT */
/* What a planned step waits for in front of its command, and in what order those who wait are let
 * through. A job at its gate is asked about at each round; the first thing that holds it is the one
 * that is told:
 *
 *      breaker     one of them refuses the command: asked again in a second
 *      gate        another job is behind it, or somebody else does what it is there for
 *      places      all places of the class are taken at ldconsole
 *      lane        it is another lane's turn
 *      pressure    this machine cannot bear one more instance: looked at again in a second
 *
 * Who waits for time (breaker, pressure, retry) keeps nobody else up: he does not count among those
 * who wait for their turn. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "control/observe/evidence.h"
#include "control/operations/engine_private.h"
#include "control/steps/flow.h"
#include "ldconsole/verbs/timing.h"

enum {
    FIGURES_AGE_MS = 2000,       /* of figures that a launch is decided on ... */
    FIGURES_PATIENCE_MS = 10000, /* ... unless none come: a drive may not answer */
    LOOK_AGAIN_MS = 1000,        /* at a machine under pressure, or a breaker that refuses ... */
    MIN_RETRY_MS = 100           /* ... which says that it will not for much longer */
};

enum hold {
    HOLD_NONE,
    HOLD_BREAKER,
    HOLD_GATE,
    HOLD_OTHERS,
    HOLD_PLACES,
    HOLD_LANE,
    HOLD_FIGURES,
    HOLD_PRESSURE,
    HOLD_HOPELESS
};

/* What is known of it, for the one who tells it. */
struct held {
    enum hold by;
    struct ldc_refusal refusal; /* BREAKER */
    char pressure[300];         /* PRESSURE, HOPELESS */
};

enum ldc_purpose ctl_engine_purpose(const struct ctl_job *job)
{
    bool is_queued = job->params.priority != CTL_PRIORITY_INTERACTIVE;
    return ldc_purpose_of(ctl_job_step(job)->verb, is_queued);
}

static enum ldc_class class_of(const struct ctl_step *step)
{
    return ldc_verb_table[step->verb].class;
}

/* One that was let through, and looks once more before it acts. */
static bool was_admitted(const struct ctl_job *job)
{
    return job->has_place || (job->held != CTL_GATE_NONE && job->held == ctl_job_step(job)->gate);
}

/* --- whose turn it is --- */

/* NULL for a step that waits for nothing. */
static struct ctl_lane *lanes_of(const struct ctl_job *job)
{
    const struct ctl_step *step = ctl_job_step(job);
    if (step->gate != CTL_GATE_NONE)
        return job->jobs->lanes[step->gate];
    return step->build ? job->jobs->lanes[CTL_GATE_COUNT + class_of(step)] : NULL;
}

static void join_lane(struct ctl_job *job)
{
    struct ctl_lane *lanes = lanes_of(job);
    if (!lanes)
        return;
    struct ctl_lane *lane = &lanes[job->lane];
    if (lane->n == 0 || job->gated_ms < lane->since_ms)
        lane->since_ms = job->gated_ms;
    lane->n++;
}

void ctl_engine_admit_count(struct ctl_engine *e, uint64_t now)
{
    for (size_t i = 0; i < CTL_LANE_COUNT; i++) {
        e->n_in_lane[i] = 0;
        for (size_t q = 0; q < CTL_QUEUE_COUNT; q++)
            e->jobs.lanes[q][i].n = 0;
    }
    list_foreach(item, &e->jobs.all) {
        struct ctl_job *job = list_entry(item, struct ctl_job, link);
        e->n_in_lane[job->lane]++;
        if (job->phase == CTL_PHASE_GATED && now >= job->retry_at_ms && !was_admitted(job))
            join_lane(job);
    }
}

static bool is_its_turn(const struct ctl_job *job)
{
    const struct ctl_lane *lanes = lanes_of(job);
    int next = lanes ? ctl_lanes_next(lanes) : -1;
    return next < 0 || next == (int)job->lane;
}

/* Upper lanes that let it go first are asked once more in this round. */
static void take_turn(struct ctl_job *job, uint64_t now)
{
    struct ctl_lane *lanes = lanes_of(job);
    if (!lanes)
        return;
    lanes[job->lane].n -= lanes[job->lane].n > 0;
    lanes[job->lane].served_ms = now;
    for (unsigned i = 0; i < job->lane; i++)
        job->jobs->needs_round |= lanes[i].n > 0;
}

/* --- the machine --- */

static void on_figures(void *arg, const struct ctl_sample *sample)
{
    struct ctl_engine *e = arg;
    (void)sample;
    e->figures_wait = NULL;
    ctl_engine_advance(e);
}

static void want_figures(struct ctl_engine *e, uint64_t now)
{
    if (e->figures_wait)
        return;
    e->figures_asked_ms = now;
    e->figures_wait = ctl_figures_want(e->parts.figures, FIGURES_AGE_MS, on_figures, e);
}

static unsigned memory_of(const struct cache_instance *i)
{
    const struct ldc_setting_value *memory = &i->settings.values[LDC_SETTING_MEMORY_MB];
    return memory->is_set && memory->number > 0 ? (unsigned)memory->number : 0;
}

static void judge_pressure(const struct ctl_job *job, uint64_t now, struct held *ret)
{
    const struct ctl_engine *e = job->engine;
    const struct ctl_pressure_limits *limits = &e->options.pressure;
    const struct cache_instance *i = ctl_job_instance(job);
    if (!e->parts.figures || !i || !ctl_pressure_is_looked_at(limits))
        return;
    const struct ctl_sample *sample = ctl_figures_last(e->parts.figures);
    bool is_fresh = sample && now <= sample->taken_ms + FIGURES_AGE_MS;
    bool is_in_vain = e->figures_wait && now >= e->figures_asked_ms + FIGURES_PATIENCE_MS;
    if (!is_fresh && !is_in_vain) {
        ret->by = HOLD_FIGURES;
        return;
    }
    if (!is_fresh)
        return;
    enum ctl_pressure pressure =
        ctl_pressure_judge(sample, limits, memory_of(i), ret->pressure, sizeof(ret->pressure));
    if (pressure != CTL_PRESSURE_NONE)
        ret->by = pressure == CTL_PRESSURE_HOPELESS ? HOLD_HOPELESS : HOLD_PRESSURE;
}

/* --- what holds a job --- */

/* Two that start at the same time hang each other, and what races for indexes waits for a copy that
 * goes on behind (reference 2.6). Ours wait for each other at the gate; it is closed too for what
 * somebody else does, or what we began and no longer wait for. That ends by itself: what takes too
 * long is stuck, and a disk does not grow for ever. */
static bool is_closed_by_others(const struct ctl_job *job)
{
    enum ctl_gate gate = ctl_job_step(job)->gate;
    if (gate == CTL_GATE_LAUNCH)
        return ctl_observer_starting(job->observer, job->subject);
    return gate == CTL_GATE_EXCLUSIVE && job->held != gate &&
           ctl_observer_sees_growing(job->observer);
}

/* A place where its command would begin at once: what waits at ldc_client cannot be planned again,
 * and its time would run. */
static bool has_room(const struct ctl_job *job)
{
    const struct ctl_step *step = ctl_job_step(job);
    return !step->build || job->has_place ||
           ldc_client_has_room(job->engine->parts.client, step->verb,
                               job->jobs->n_places[class_of(step)]);
}

static struct held find_hold(const struct ctl_job *job, uint64_t now)
{
    const struct ctl_step *step = ctl_job_step(job);
    const struct ctl_job *holder = job->jobs->gate_holder[step->gate];
    struct held held;

    held.by = HOLD_NONE; /* the texts are written by whoever finds something */
    if (step->build && ldc_client_refuses(job->engine->parts.client, ctl_engine_purpose(job),
                                          job->subject, &held.refusal))
        held.by = HOLD_BREAKER;
    else if (holder && holder != job)
        held.by = HOLD_GATE;
    else if (is_closed_by_others(job))
        held.by = HOLD_OTHERS;
    else if (!has_room(job))
        held.by = HOLD_PLACES;
    else if (!was_admitted(job) && !is_its_turn(job))
        held.by = HOLD_LANE;
    else if (!was_admitted(job) && step->build && step->gate == CTL_GATE_LAUNCH)
        judge_pressure(job, now, &held);
    return held;
}

/* --- letting it through, or not --- */

static void wait_for_breaker(struct ctl_job *job, const struct ldc_refusal *refusal, uint64_t now)
{
    if (job->refused_since_ms == 0)
        ctl_evidence_add_note(job->op, refusal->reason);
    ctl_engine_admit_refused(job, refusal->reason, refusal->retry_ms, now);
}

void ctl_engine_admit_refused(struct ctl_job *job, const char *reason, uint64_t retry_ms,
                              uint64_t now)
{
    unsigned timeout_ms = ctl_flow_timeout_ms(job);
    ctl_job_release_gate(job);
    if (job->refused_since_ms == 0)
        job->refused_since_ms = now;
    if (now - job->refused_since_ms < timeout_ms) {
        /* Asking costs nothing, and an operator may have closed it by then. */
        job->retry_at_ms = now + (retry_ms < LOOK_AGAIN_MS ? MIN_RETRY_MS : LOOK_AGAIN_MS);
        job->phase = CTL_PHASE_GATED;
        return;
    }
    char *detail cleanup(mem_freep) =
        mem_printf("it was refused for %u s: %s", timeout_ms / 1000, reason);
    ctl_engine_finish_job(job, CACHE_OP_FAILED, "BREAKER_OPEN", detail);
}

static void wait_for_machine(struct ctl_job *job, const char *pressure, uint64_t now)
{
    char detail[400];
    if (job->pressed_since_ms == 0) {
        job->pressed_since_ms = now;
        snprintf(detail, sizeof(detail), "the launch waits: %s", pressure);
        ctl_evidence_add_note(job->op, detail);
    }
    if (now - job->pressed_since_ms < ctl_flow_timeout_ms(job)) {
        job->retry_at_ms = now + LOOK_AGAIN_MS;
        return;
    }
    snprintf(detail, sizeof(detail), "it was not launched, because for %u s this has been so: %s",
             ctl_flow_timeout_ms(job) / 1000, pressure);
    ctl_engine_finish_job(job, CACHE_OP_FAILED, "HOST_PRESSURE", detail);
}

static void pass(struct ctl_job *job, uint64_t now)
{
    const struct ctl_step *step = ctl_job_step(job);
    if (!was_admitted(job))
        take_turn(job, now);
    (void)ctl_job_acquire_gate(job, step->gate);
    if (step->build)
        ctl_job_take_place(job, class_of(step));
    job->pressed_since_ms = 0;
}

bool ctl_engine_admit(struct ctl_job *job, uint64_t now)
{
    struct held held = find_hold(job, now);

    switch (held.by) {
    case HOLD_NONE:
        pass(job, now);
        return true;
    case HOLD_BREAKER:
        wait_for_breaker(job, &held.refusal, now);
        return false;
    case HOLD_FIGURES:
        want_figures(job->engine, now);
        return false;
    case HOLD_PRESSURE:
        wait_for_machine(job, held.pressure, now);
        return false;
    case HOLD_HOPELESS:
        ctl_engine_finish_job(job, CACHE_OP_FAILED, "HOST_TOO_SMALL", held.pressure);
        return false;
    default:
        job->pressed_since_ms = 0;
        return false;
    }
}

void ctl_engine_admit_queue(struct ctl_job *job, uint64_t now)
{
    if (job->phase == CTL_PHASE_GATED)
        return;
    job->phase = CTL_PHASE_GATED;
    if (job->gated_ms == 0)
        job->gated_ms = now;
    if (!was_admitted(job))
        join_lane(job);
}

/* --- telling what holds it --- */

static void set_job(struct ctl_waiting *ret, const struct ctl_job *other)
{
    str_copy(ret->operation, sizeof(ret->operation), other->op->id);
    str_copy(ret->instance, sizeof(ret->instance), other->subject);
}

static const char *name_of(const struct ctl_job *job, const char *id)
{
    const struct cache_entry *entry =
        cache_snapshot_by_id(ctl_observer_snapshot(job->observer), id);
    return entry ? entry->instance.name : "an instance that is not listed yet";
}

static void say(struct ctl_waiting *ret, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void say(struct ctl_waiting *ret, const char *code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(ret->detail, sizeof(ret->detail), fmt, args);
    va_end(args);
    ret->code = code;
}

static void tell_gate(const struct ctl_job *job, const struct ctl_job *holder,
                      struct ctl_waiting *ret)
{
    bool is_launch = ctl_job_step(job)->gate == CTL_GATE_LAUNCH;
    const struct cache_instance *i = ctl_job_instance(holder);
    set_job(ret, holder);
    say(ret, "gate", "%s: '%.100s' is at it (%s of operation %s%s%s)",
        is_launch ? "one instance is launched at a time, until its Android is up"
                  : "one instance is added, copied, changed or removed at a time",
        name_of(job, holder->subject), ctl_job_step(holder)->name, holder->op->id,
        i ? "; it is " : "", i ? cache_state_name(i->state) : "");
}

static void tell_others(const struct ctl_job *job, struct ctl_waiting *ret)
{
    bool is_launch = ctl_job_step(job)->gate == CTL_GATE_LAUNCH;
    const char *other = is_launch ? ctl_observer_starting(job->observer, job->subject)
                                  : ctl_observer_growing(job->observer);
    str_copy(ret->instance, sizeof(ret->instance), other ? other : "");
    if (!is_launch) {
        say(ret, "gate",
            "the disks of '%.100s' are still written to, as in a copy, and nothing is added, "
            "copied, changed or removed beside that; it is waited for %d minutes at the most",
            name_of(job, ret->instance), LDC_TIMING_MAKING_MS / 60000);
        return;
    }
    say(ret, "gate",
        "one instance is launched at a time, and '%.100s' is starting, by hand or by an operation "
        "that has ended",
        name_of(job, other));
}

/* New ones are being read; the last ones are good enough to be told. */
static void tell_figures(const struct ctl_job *job, struct ctl_waiting *ret)
{
    char pressure[300];
    const struct ctl_sample *last = ctl_figures_last(job->engine->parts.figures);
    const struct cache_instance *i = ctl_job_instance(job);
    bool is_pressed = last && i &&
                      ctl_pressure_judge(last, &job->engine->options.pressure, memory_of(i),
                                         pressure, sizeof(pressure)) != CTL_PRESSURE_NONE;
    say(ret, "pressure", "%s",
        is_pressed ? pressure : "the figures of this machine are being read");
}

static void tell_gated(const struct ctl_job *job, uint64_t now, struct ctl_waiting *ret)
{
    struct held held = find_hold(job, now);
    const struct ctl_lane *lanes = lanes_of(job);
    switch (held.by) {
    case HOLD_BREAKER:
        say(ret, "breaker", "%s; it is tried again in %" PRIu64 " s", held.refusal.reason,
            (held.refusal.retry_ms + 999) / 1000);
        break;
    case HOLD_GATE:
        tell_gate(job, job->jobs->gate_holder[ctl_job_step(job)->gate], ret);
        break;
    case HOLD_OTHERS:
        tell_others(job, ret);
        break;
    case HOLD_PLACES:
        say(ret, "places", "as many ldconsole commands of this kind are running as may at once");
        break;
    case HOLD_LANE:
        say(ret, "lane", "operations of the lane '%s' go first, and this one is of the lane '%s'",
            ctl_lane_name((unsigned)ctl_lanes_next(lanes)), ctl_lane_name(job->lane));
        break;
    case HOLD_FIGURES:
        tell_figures(job, ret);
        break;
    case HOLD_PRESSURE:
    case HOLD_HOPELESS:
        say(ret, "pressure", "%s", held.pressure);
        break;
    case HOLD_NONE:
        if (now < job->retry_at_ms)
            say(ret, "retry",
                "ldconsole could not be started (%s); it is tried again in %" PRIu64 " ms",
                job->said, job->retry_at_ms - now);
        break;
    }
}

/* What may not be planned yet, though it can be seen. */
static void tell_settling(const struct ctl_job *job, struct ctl_waiting *ret)
{
    const struct cache_instance *i = ctl_job_instance(job);
    uint64_t gone_ms = ctl_observer_gone_ms(job->observer, job->subject);
    if (!i)
        return;
    if (i->state != CACHE_STATE_STOPPED)
        say(ret, "settling", "the instance is %s (%s)", cache_state_name(i->state), i->reason);
    else if (ctl_observer_is_in_the_making(job->observer, job->subject))
        say(ret, "settling", "the disks of the instance are not all there yet");
    else
        say(ret, "settling",
            "it ended %" PRIu64 " ms ago, and too soon after that LDPlayer would leave it stuck "
            "(settle_ms)",
            gone_ms);
}

static void tell_queued(const struct ctl_job *job, struct ctl_waiting *ret)
{
    const struct ctl_job *first = ctl_job_first_in_line(job);
    const struct ctl_job *maker = job->jobs->gate_holder[CTL_GATE_EXCLUSIVE];
    const char *absence = ldc_client_absence(job->engine->parts.client);
    if (first && first != job) {
        set_job(ret, first);
        say(ret, "line",
            "the operations of one instance go in order, and %s (operation %s) has "
            "not ended",
            cache_op_kind_name(first->op->kind), first->op->id);
    } else if (absence) {
        say(ret, "session", "%s", absence);
    } else if (maker && maker != job) {
        set_job(ret, maker);
        say(ret, "gate", "operation %s is making an instance, which may be this one",
            maker->op->id);
    }
}

bool ctl_engine_waiting(const struct ctl_engine *e, const char *id, struct ctl_waiting *ret)
{
    const struct ctl_job *job = ctl_jobs_find(&e->jobs, id);
    uint64_t now = clock_mono_ms();
    *ret = (struct ctl_waiting){0};
    if (!job || !job->flow)
        return false;
    if (job->phase == CTL_PHASE_QUEUED) {
        tell_queued(job, ret);
    } else if (job->phase == CTL_PHASE_GATED) {
        tell_gated(job, now, ret);
    } else if (job->phase == CTL_PHASE_LOOKING && ctl_engine_await_seen_ms(job, now)) {
        tell_settling(job, ret);
    } else if (job->phase == CTL_PHASE_LOOKING) {
        const struct ctl_survey_verdict *verdict = ctl_observer_verdict(e->parts.observer);
        say(ret, "look", "it is planned on what the next look at the instances shows%s%s",
            verdict->status ? "; the last one failed: " : "", verdict->detail);
    }
    return ret->code != NULL;
}
