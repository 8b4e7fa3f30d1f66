/* SPDX-License-Identifier: MIT */
#ifndef CTL_JOB_H
#define CTL_JOB_H

#include "base/memory/list.h"
#include "base/memory/map.h"
#include "cache/tables/operation.h"
#include "control/observe/observer.h"
#include "control/jobs/request.h"
#include "ldconsole/guard/client.h"

/** An open operation on its way: what it was asked, how far it is, and its places among the
 *  others: in the line of its instance and behind its gate. What moves it is the engine; what its
 *  steps are is in steps.h. For the steps and the engine. */

/**     STORING -> QUEUED -> LOOKING -> GATED -> MARKING -> CALLING -> AWAITING -> FINISHING
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
    CTL_PHASE_FINISHING /* the end is being written */
};

/** A gate lets one step through at a time, across instances: parallel launches hang guests,
 *  parallel add/copy/remove/modify race for indexes (reference 2.6). */
enum ctl_gate { CTL_GATE_NONE, CTL_GATE_LAUNCH, CTL_GATE_EXCLUSIVE, CTL_GATE_COUNT };

/** What is waited for in front of a command: one for each gate, then one for the places at
 * ldconsole of each class of verbs, for steps without a gate. */
enum { CTL_QUEUE_COUNT = CTL_GATE_COUNT + LDC_CLASS_COUNT };

/** The steps of one kind of operation in their order; see flow.h. */
struct ctl_step;
struct ctl_flow {
    const struct ctl_step *const *steps;
    size_t n_steps;
};

/** All open jobs, embedded in the engine. */
struct ctl_jobs {
    struct ctl_engine *engine; /* for the engine's own files */
    struct ctl_observer *observer;
    const struct ctl_timeouts *timeouts;
    struct list all;  /* in order of acceptance */
    struct map by_id; /* of operations */
    struct map lines; /* of instances that have one: a line is its jobs in order */
    unsigned n;       /* in `all` */
    struct ctl_job *gate_holder[CTL_GATE_COUNT];
    unsigned n_places[LDC_CLASS_COUNT]; /* that jobs hold whose command is not at ldc_client yet */
    struct ctl_lane lanes[CTL_QUEUE_COUNT][CTL_LANE_COUNT];
    bool needs_round; /* what one job did may let another get on */
};

struct ctl_job {
    struct ctl_jobs *jobs;
    struct ctl_engine *engine; /* for the engine's own files */
    struct ctl_observer *observer;
    const struct ctl_timeouts *timeouts;
    struct cache_operation *op;
    struct ctl_params params;
    const struct ctl_flow *flow; /* NULL for a batch */
    struct ctl_job *parent;      /* batch; NULL when none */

    struct list link; /* in `jobs` */
    struct list line; /* in the line of its instance */
    struct map_node by_id;
    enum ctl_phase phase;
    unsigned lane; /* it is served in: that of who asked, or of who waits behind it in its line;
                      the upper one for who ends the VM service */
    enum ctl_gate held;
    bool has_place;       /* for its command, one of `n_places` ... */
    enum ldc_class place; /* ... of this class */
    struct ldc_call *call;

    char subject[UUID_SIZE]; /* instance the steps act on: the target, or the new one */
    int subject_index;       /* remove: the index that was removed; -1 before the command */
    uint32_t *baseline;      /* create, clone: who existed before: keys of their ids, ascending;
                                NULL = not known */
    size_t n_baseline;
    struct ctl_disks source; /* clone: of the source when the command was given by this process */

    /* Times are monotonic. Those of checks are times of observations, not of their evaluation: a
     * deadline has passed only when something was seen after it. */
    uint64_t accepted_ms;      /* the operation was accepted, also by a former process */
    uint64_t planned_ms;       /* at its gate: the facts it was planned from last are of then */
    uint64_t look_from_ms;     /* older facts do not count */
    uint64_t entered_ms;       /* the current step was entered */
    uint64_t looking_ms;       /* the same, or its gate opened */
    uint64_t begun_ms;         /* its command was issued or its action done */
    uint64_t called_ms;        /* its command ended ... */
    int64_t called_wall_ms;    /* ... by the wall clock; 0 = not known */
    uint64_t done_since_ms;    /* its check holds since; 0 = it does not */
    uint64_t idle_since_ms;    /* nothing is different from before since; 0 = something is */
    uint64_t gated_ms;         /* it stands at its gate, or for a place, since */
    uint64_t refused_since_ms; /* a breaker refuses its command since; 0 = none does */
    uint64_t pressed_since_ms; /* the machine cannot bear it since; 0 = it can */
    uint64_t spent_ms;         /* on the steps before, without waiting for gates */
    uint64_t retry_at_ms;
    enum ldc_answer answer;  /* of the current step's command */
    enum ldc_answer refusal; /* of the last command that was refused, or hung; ACCEPTED = none */
    int32_t exit_code;
    bool has_exit_code;
    char mended[LDC_LOSS_SIZE]; /* what its config file had lost, and a copy was put back for; "" =
                                   nothing */
    uint64_t up_since_ms;       /* Android is up since; 0 = it is not */
    struct ldc_settings before; /* modify: what stood there when the command was given ... */
    bool has_before;            /* ... by this process, and that is known */
    char ran[460];  /* the last command, how it ended and what it printed, for when the operation
                       fails; "" = this process gave none */
    char said[200]; /* why what we did ourselves failed, or a command could not be started; "" = it
                       did not */
    char note[600]; /* what is to be known of a success; "" = nothing */
    unsigned n_retries;   /* of the current step */
    bool has_told;        /* the breakers of ... */
    enum ldc_effect told; /* ... this, seen of the current step's command */
    bool has_acted;       /* something was done, so the revision it was bound to is history */
    bool has_called;      /* a command was given, also by a former process */
    bool is_recovered;    /* the current step was issued by a former process */
    bool is_resumed; /* a former process began the operation: anything may have happened since */
    bool is_cancelled;
    char cancelled_by[64];

    struct list accepts; /* who waits for the acknowledgement (engine_accept.c) */
    struct list waits;   /* who waits for the end (struct ctl_wait) */
};

/** Why a job does not get on: a code for programs and a sentence for people. */
struct ctl_why {
    char code[48];
    char detail[480];
};
void ctl_why_set(struct ctl_why *why, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

void ctl_jobs_init(struct ctl_jobs *jobs, struct ctl_engine *engine, struct ctl_observer *observer,
                   const struct ctl_timeouts *timeouts);
/** Frees the jobs that are in it. */
void ctl_jobs_deinit(struct ctl_jobs *jobs);
struct ctl_job *ctl_jobs_find(const struct ctl_jobs *jobs, const char *id);

/** Takes over OP. FLOW: of its kind. The job is in no list yet. */
struct ctl_job *ctl_job_new(struct ctl_jobs *jobs, struct cache_operation *op,
                            const struct ctl_flow *flow);
void ctl_job_free(struct ctl_job *job);
/** Links JOB: behind the others, and at the end of the line of its target. */
void ctl_job_link(struct ctl_job *job);
/** Gives JOB, which had none, the target ID and the first place in its line: it made the instance
 *  and is not done with it. */
void ctl_job_set_target(struct ctl_job *job, const char *id);
bool ctl_job_is_first_in_line(const struct ctl_job *job);

/** The first in the line of JOB, which may be JOB; NULL when it stands in none. */
const struct ctl_job *ctl_job_first_in_line(const struct ctl_job *job);

/** Lets JOB through GATE, or not. Who holds it already passes. */
bool ctl_job_acquire_gate(struct ctl_job *job, enum ctl_gate gate);
/** Gives back the gate that JOB holds, if any, and its place. */
void ctl_job_release_gate(struct ctl_job *job);
/** Keeps a place at ldconsole for the command of JOB's step, of CLASS; repeating it does nothing.
 */
void ctl_job_take_place(struct ctl_job *job, enum ldc_class class);
/** Gives it back, if there is one: the command is at ldc_client now, or does not come. */
void ctl_job_leave_place(struct ctl_job *job);

const struct ctl_step *ctl_job_step(const struct ctl_job *job);
/** The instance the steps act on as last seen; NULL when there is none (any more). */
const struct cache_instance *ctl_job_instance(const struct ctl_job *job);
/** Adds TEXT to the evidence and to the note of the result, once. */
void ctl_job_note(struct ctl_job *job, const char *text);
/** When the last look was, if that is recent enough for JOB; else 0. */
uint64_t ctl_job_looked_ms(const struct ctl_job *job, uint64_t now);
/** Whether a look from now on would tell more. A row that was left out comes when it comes. */
bool ctl_job_needs_look(const struct ctl_job *job, uint64_t now);
/** Writes what must survive a restart (baseline, subject) into op->memo. A new job reads it. */
void ctl_job_save_memo(struct ctl_job *job);

#endif
