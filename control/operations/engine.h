/* SPDX-License-Identifier: MIT */
#ifndef CTL_ENGINE_H
#define CTL_ENGINE_H

#include "cache/tables/idempotency.h"
#include "cache/tables/operations.h"
#include "control/admission/pressure.h"
#include "control/observe/observer.h"
#include "control/jobs/request.h"

/** Accepts commands as operations and brings each to its true end. An operation is durable before
 *  it is acknowledged; a vendor command is marked durably before it is issued, and what is marked
 *  is never issued again, whatever crashes. Loop thread.
 *
 *  An explicit start, restart or stop of an instance whose desired state is set changes the desired
 *  state too, when the operation ends (unless it is cancelled): otherwise the desired state would
 *  undo it. An instance without one gets none. An explicit start or restart ends its quarantine. */

/** DONE comes in a later turn: OP is durable and valid during the call, or NULL with a refusal.
 *  IS_REPEAT: the key was used before and OP is what came of it then (possibly ended). */
typedef void (*ctl_accept_fn)(void *arg, const struct cache_operation *op, bool is_repeat,
                              const struct ctl_refusal *refusal);

struct ctl_engine_options {
    unsigned max_queued; /* operations not ended; default 10000 */
    struct ctl_timeouts timeouts;
    struct ctl_pressure_limits pressure; /* default 512 MB, 95 %, 95 %, 2048 MB */
    unsigned close_grace_ms; /* for commands under way when the service stops; default 5000 */
};
extern const struct ctl_engine_options ctl_engine_defaults;

struct ctl_engine;

struct ctl_engine_parts {
    struct loop *loop;
    struct ldc_client *client;
    struct cache_store *store;
    struct cache_events *events;
    struct cache_idempotency *idempotency;
    struct ctl_observer *observer;
    struct ctl_figures *figures; /* NULL = launches do not look at the machine */
};

struct ctl_engine *ctl_engine_new(const struct ctl_engine_parts *parts,
                                  const struct ctl_engine_options *options);
/** Operations that a former process left open (taken over); before ctl_engine_start. */
void ctl_engine_recover(struct ctl_engine *e, struct cache_operation **ops, size_t n);
void ctl_engine_start(struct ctl_engine *e);
/** Stops starting anything, leaves what is durable as it is (the next start settles it), cancels
 *  nothing that runs in an instance. Must come before the observer closes. */
void ctl_engine_close(struct ctl_engine *e, void (*on_closed)(void *arg), void *arg);

void ctl_engine_submit(struct ctl_engine *e, const struct ctl_request *request, ctl_accept_fn done,
                       void *arg);
/** A parent operation with one child for each target (at least one, all the same request). */
void ctl_engine_submit_batch(struct ctl_engine *e, const struct ctl_request *request,
                             const char *const *targets, size_t n_targets, ctl_accept_fn done,
                             void *arg);
/** Asks for the end of an operation, of a batch with all that it holds. Returns 0, UV_ENOENT (not
 *  open; look in the store), or UV_EALREADY when it is ending anyway. A queued one ends at once; a
 *  running one stops waiting and its child process is killed, but what the vendor already began is
 *  not undone. */
int ctl_engine_cancel(struct ctl_engine *e, const char *id, const char *who);

/** An operation that has not ended, or has and is not yet durable; NULL otherwise. Valid until
 *  the loop turns. */
const struct cache_operation *ctl_engine_find(const struct ctl_engine *e, const char *id);
/** Calls DONE when ID has ended and that is durable (is_timeout false), or after TIMEOUT_MS.
 *  Returns NULL when there is no such open operation; DONE is then not called. */
typedef void (*ctl_wait_fn)(void *arg, const struct cache_operation *op, bool is_timeout);
struct ctl_wait;
struct ctl_wait *ctl_engine_wait(struct ctl_engine *e, const char *id, uint64_t timeout_ms,
                                 ctl_wait_fn done, void *arg);
void ctl_engine_cancel_wait(struct ctl_wait *wait);

/** What an operation that has not ended waits for. */
struct ctl_waiting {
    /* "line", "session", "look", "settling", "breaker", "gate", "places", "lane", "pressure",
     * "retry"; NULL = nothing, it acts, or waits for the effect of what it did */
    const char *code;
    char detail[1200];         /* a sentence */
    char operation[UUID_SIZE]; /* that must get on first; "" = none */
    char instance[UUID_SIZE];  /* that is in the way; "" = none */
};
/** False when the operation is not open or waits for nothing. */
bool ctl_engine_waiting(const struct ctl_engine *e, const char *id, struct ctl_waiting *ret);

/** Whether an operation of INSTANCE (its id) is open. */
bool ctl_engine_is_busy(const struct ctl_engine *e, const char *instance);
/** Whether the diagnostics of the operation ID, which has ended, are not in the store yet. */
bool ctl_engine_is_collecting(const struct ctl_engine *e, const char *id);
/** Whether a stop or a removal of its instance waits behind the open operation ID. */
bool ctl_engine_is_overtaken(const struct ctl_engine *e, const char *id);
/** Open operations by status, for info and metrics. */
void ctl_engine_counts(const struct ctl_engine *e, unsigned ret_counts[CACHE_OP_STATUS_COUNT]);

#endif
