/* SPDX-License-Identifier: MIT */
#ifndef CTL_JOB_H
#define CTL_JOB_H

#include "base/memory/list.h"
#include "base/memory/map.h"
#include "control/operations/engine.h"
#include "control/operations/params.h"

/** An open operation on its way; private to the engine's files. */

/**     STORING -> QUEUED -> LOOKING -> GATED -> MARKING -> CALLING -> AWAITING -> ENDING
 *                    (once)    ^--------- next step ----------------------'
 *
 *  While nothing can be asked of ldconsole (no session), what would plan a step is QUEUED again, as
 *  an operation that waits for a session.
 *
 *  A step that has nothing to do is left in LOOKING. What was marked (durably) is never called
 *  again: a restart enters such a step in AWAITING. */
enum ctl_phase {
    CTL_PHASE_STORING,  /* not durable, not acknowledged */
    CTL_PHASE_QUEUED,   /* an earlier operation of the same instance has not ended; no session */
    CTL_PHASE_LOOKING,  /* needs facts newer than `look_from_ms` to plan the step */
    CTL_PHASE_GATED,    /* planned; waits for its gate or for `retry_at_ms` */
    CTL_PHASE_MARKING,  /* the mark is being written */
    CTL_PHASE_CALLING,  /* the child runs */
    CTL_PHASE_AWAITING, /* the vendor acknowledged; waits to see the effect */
    CTL_PHASE_ENDING    /* the end is being written */
};

/** A gate lets a limited number of steps through at a time, across instances: parallel launches
 *  hang guests, parallel add/copy/remove/modify race for indexes (reference 2.6). */
enum ctl_gate { CTL_GATE_NONE, CTL_GATE_LAUNCH, CTL_GATE_EXCLUSIVE, CTL_GATE_COUNT };

struct ctl_step;

/** Somebody waits for the end of a job. */
struct ctl_wait {
    struct list link;
    uint64_t until_ms;
    ctl_wait_fn done;
    void *arg;
};

struct ctl_job {
    struct ctl_engine *engine;
    struct cache_operation *op;
    struct ctl_params params;
    const struct ctl_flow *flow; /* NULL for a batch */
    struct ctl_job *parent;      /* batch; NULL when none */

    struct list link; /* in the engine, in order of acceptance */
    struct list line; /* in the line of its instance */
    struct map_node by_id;
    enum ctl_phase phase;
    enum ctl_gate held;
    struct ldc_call *call;

    char subject[UUID_SIZE]; /* instance the steps act on: the target, or the new one */
    int subject_index;       /* remove: the index that was removed; -1 before the command */
    int *baseline;           /* create, clone: indexes that existed before */
    size_t n_baseline;

    /* Times are monotonic. Those of checks are times of observations, not of their evaluation: a
     * deadline has passed only when something was seen after it. */
    uint64_t look_from_ms;     /* older facts do not count */
    uint64_t entered_ms;       /* the current step was entered */
    uint64_t looking_ms;       /* the same, or its gate opened */
    uint64_t begun_ms;         /* its command was issued or its action done */
    uint64_t called_ms;        /* its command ended */
    uint64_t done_since_ms;    /* its check holds since; 0 = it does not */
    uint64_t idle_since_ms;    /* nothing is different from before since; 0 = something is */
    uint64_t refused_since_ms; /* the breaker refuses its command since; 0 = it does not */
    uint64_t spent_ms;         /* on the steps before, without waiting for gates */
    uint64_t retry_at_ms;
    enum ldc_answer answer;  /* of the current step's command */
    enum ldc_answer refusal; /* of the last command that was refused; ACCEPTED = none */
    int32_t exit_code;
    bool has_exit_code;
    bool has_acted;    /* something was done, so the revision it was bound to is history */
    bool is_recovered; /* the current step was issued by a former process */
    bool is_resumed;   /* a former process began the operation: anything may have happened since */
    bool is_cancelled;
    char cancelled_by[64];

    struct list accepts; /* who waits for the acknowledgement */
    struct list waits;   /* who waits for the end */
};

/** One instance's operations in order. */
struct ctl_line {
    char target[UUID_SIZE];
    struct map_node by_target;
    struct list jobs;
};

struct ctl_engine {
    struct ctl_engine_parts parts;
    struct ctl_engine_options options;
    struct list jobs;
    struct map by_id, lines;
    unsigned n_jobs;
    struct ctl_job *gate_holder[CTL_GATE_COUNT];
    uv_timer_t tick;
    struct ctl_survey_listener on_survey;
    bool is_hurrying, is_started, is_closing, is_advancing, must_advance;
    unsigned n_writes; /* store jobs under way */
    unsigned n_calls;  /* vendor commands under way */
    uint64_t trim_at_ms;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

struct ctl_job *ctl_job_new(struct ctl_engine *e, struct cache_operation *op);
void ctl_job_free(struct ctl_job *job);
/** Links JOB into the engine: tables, line of its target. */
void ctl_job_link(struct ctl_job *job);
/** Gives JOB, which had none, the target ID and the first place in its line: it made the instance
 *  and is not done with it. */
void ctl_job_take_target(struct ctl_job *job, const char *id);
bool ctl_job_is_first_in_line(const struct ctl_job *job);
const struct ctl_step *ctl_job_step(const struct ctl_job *job);
/** The instance the steps act on as last seen; NULL when there is none (any more). */
const struct cache_instance *ctl_job_instance(const struct ctl_job *job);
/** When what is known was seen, if that is recent enough for JOB; else 0. */
uint64_t ctl_job_seen_ms(const struct ctl_job *job, uint64_t now);
/** Writes what the flow must not forget (baseline, subject) into op->memo, and reads it back. */
void ctl_job_save_memo(struct ctl_job *job);
void ctl_job_load_memo(struct ctl_job *job);

/** Lets JOB through GATE, or not. Who holds it already passes. */
bool ctl_gate_take(struct ctl_job *job, enum ctl_gate gate);
/** Gives back what JOB holds, if anything. */
void ctl_gate_release(struct ctl_job *job);

/** Moves every job as far as it can go now. */
void ctl_engine_advance(struct ctl_engine *e);
/** To be called whenever a write or call ends. */
void ctl_engine_try_to_close(struct ctl_engine *e);
struct ctl_job *ctl_engine_find_job(const struct ctl_engine *e, const char *id);

/** Looks for the effect of JOB's step, whose command has ended. Returns true when the step is over
 *  and the next may begin. Ends the operation when no effect will come. */
bool ctl_effect_await(struct ctl_job *job, uint64_t now);
/** Ends JOB because its step, or the operation, took too long. */
void ctl_effect_time_out(struct ctl_job *job);

/** Writes JOB's operation (and its batch's, in one piece) and announces a transition. DONE may be
 *  NULL. TYPE: "operation.running", ...; NULL announces nothing. */
void ctl_ending_write(struct ctl_job *job, const char *type, cache_done_fn done);
/** Announces JOB's operation as it stands. */
void ctl_ending_announce(const struct ctl_job *job, const char *type);
/** Ends JOB with STATUS; CODE and DETAIL (a sentence) describe what went wrong, NULL otherwise. */
void ctl_ending_end(struct ctl_job *job, enum cache_op_status status, const char *code,
                    const char *detail);
/** Ends a batch that a former process left without open children. */
void ctl_ending_end_batch(struct ctl_job *parent);
/** Tries again what the database refused before, when that is due. */
void ctl_ending_retry(struct ctl_job *job, uint64_t now);
/** Tells those who wait for the end of JOB: all of them, or, with IS_TIMEOUT, those whose time is
 *  up at NOW. */
void ctl_ending_tell(struct ctl_job *job, bool is_timeout, uint64_t now);

#endif
