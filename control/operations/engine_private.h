/* SPDX-License-Identifier: MIT */
#ifndef CTL_ENGINE_PRIVATE_H
#define CTL_ENGINE_PRIVATE_H

#include "control/admission/retry.h"
#include "control/operations/diagnostics.h"
#include "control/operations/engine.h"
#include "control/jobs/job.h"

/** What the engine's files share. In the order of an operation's life:
 *
 *      engine_accept.c   a request becomes a job that is on disk        STORING
 *      engine_advance.c  a job goes from step to step                   QUEUED ... CALLING
 *      engine_admit.c    what a planned step waits for                  GATED
 *      engine_await.c    a step is over when its effect is seen         AWAITING
 *      engine_finish.c   the end, and who waits for it                  FINISHING
 *      engine_record.c   what is written and announced on the way
 *      engine_recover.c  what a former process left open
 *      engine.c          start and end of the engine, and what others ask of it */

struct ctl_engine {
    struct ctl_engine_parts parts;
    struct ctl_engine_options options;
    struct ctl_jobs jobs;
    struct ctl_diagnostics *diagnostics;
    uv_timer_t tick;
    struct ctl_survey_listener on_survey;
    bool is_hurrying, is_started, is_closing, is_advancing;
    bool is_round_due; /* ctl_engine_advance_soon was asked for one */
    unsigned n_writes; /* store jobs under way, and a round that is due */
    unsigned n_calls;  /* vendor commands under way */
    struct ctl_figures_wait *figures_wait;
    uint64_t figures_asked_ms;
    struct ctl_retry_budget retries;
    unsigned n_in_lane[CTL_LANE_COUNT]; /* jobs, at the begin of the round */
    uint64_t launch_ms;                 /* how long the launch gate is held for one, as learned */
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/** Somebody waits for the end of a job. */
struct ctl_wait {
    struct list link;
    uint64_t until_ms;
    ctl_wait_fn done;
    void *arg;
};

/** To be called whenever a write or call ends. */
void ctl_engine_try_to_close(struct ctl_engine *e);

/** Moves every job as far as it can go now. */
void ctl_engine_advance(struct ctl_engine *e);
/** The same in a later turn of the loop, once for all who ask before: writes end in groups. The
 *  engine does not close before. */
void ctl_engine_advance_soon(struct ctl_engine *e);

/** (engine_admit.c) The breaker that JOB's command passes. */
enum ldc_purpose ctl_engine_purpose(const struct ctl_job *job);
/** At the begin of a round: who waits where. */
void ctl_engine_admit_count(struct ctl_engine *e, uint64_t now);
/** JOB's step is planned and stands at its gate. */
void ctl_engine_admit_queue(struct ctl_job *job, uint64_t now);
/** Lets JOB through its gate and to a place for its command, or not. It may end the operation. */
bool ctl_engine_admit(struct ctl_job *job, uint64_t now);
/** A breaker refused, for the REASON that it gave, for RETRY_MS more: JOB stands at its gate, or
 * ends when that has gone on for as long as it may take. */
void ctl_engine_admit_refused(struct ctl_job *job, const char *reason, uint64_t retry_ms,
                              uint64_t now);

/** (engine_advance.c) What JOB's step waited for has ended: the step before it is planned again. */
void ctl_engine_go_back(struct ctl_job *job);
/** Looks for the effect of JOB's step, whose command has ended. Returns true when the step is over
 *  and the next may begin. Ends the operation when no effect will come. */
bool ctl_engine_await_effect(struct ctl_job *job, uint64_t now);
/** When what JOB's step needs to know was seen, if that is recent enough; else 0. */
uint64_t ctl_engine_await_seen_ms(const struct ctl_job *job, uint64_t now);
/** Ends JOB because its step, or the operation, took too long. */
void ctl_engine_await_expire(struct ctl_job *job);

/** Writes JOB's operation (and its batch's, in one piece) and announces a transition. DONE may be
 *  NULL. TYPE: "operation.running", ...; NULL announces nothing. */
void ctl_engine_record_write(struct ctl_job *job, const char *type, cache_done_fn done);
/** Announces JOB's operation as it stands. */
void ctl_engine_record_announce(const struct ctl_job *job, const char *type);

/** Ends JOB with STATUS; CODE and DETAIL (a sentence) describe what went wrong, NULL otherwise. */
void ctl_engine_finish_job(struct ctl_job *job, enum cache_op_status status, const char *code,
                           const char *detail);
/** Ends a batch that a former process left without open children. */
void ctl_engine_finish_batch(struct ctl_job *parent);
/** Tries again what the database refused before, when that is due. */
void ctl_engine_finish_retry(struct ctl_job *job, uint64_t now);
/** Answers those who wait for the end of JOB: all of them, or, with IS_TIMEOUT, those whose time
 *  is up at NOW. */
void ctl_engine_finish_waits(struct ctl_job *job, bool is_timeout, uint64_t now);

#endif
