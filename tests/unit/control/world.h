/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CONTROL_WORLD_H
#define TESTS_UNIT_CONTROL_WORLD_H

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "cache/tables/events.h"
#include "control/keep/reconciler.h"
#include "control/observe/observer.h"
#include "control/operations/engine.h"
#include "control/workstations/workstations.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_farm.h"
#include "tests/support/fake_reach.h"

/** Everything from the farm to the engine as the service builds it: a real loop, a real database,
 *  real events; only the farm is not real. Tests turn the loop until something is so. */
struct world {
    struct loop loop;
    struct fake_farm *farm;
    char *folder; /* of the database */
    struct cache_store *store;
    sqlite3 *breaker; /* while it has the store locked */
    struct cache_events *events;
    struct cache_idempotency *idempotency;
    struct ldc_client *client;
    struct ldc_chaos *chaos; /* the client's runner's, where has_chaos */
    struct ctl_observer *observer;
    struct ctl_engine *engine;
    struct ctl_reconciler *reconciler;
    struct ctl_figures *figures;
    struct ctl_workstations *workstations;

    /* Set between world_init and world_open. */
    struct ctl_observer_options observing;
    struct ctl_engine_options limits;
    struct ldc_client_options calls;
    struct ctl_workstations_options standing;
    struct ctl_reconciler_options keeping;
    bool has_reconciler, has_chaos;

    struct cache_subscriber *subscriber;
    char *told;  /* types of the events of operations, in order: "queued running succeeded" */
    char *heard; /* types of all events: "instance.added;instance.added;" */
    void (*listen)(void *arg, const struct cache_event *event); /* to every event; NULL = none */
    void *listen_arg;
    bool is_dead; /* the process of which is told no more */
    uv_timer_t pulse;
    bool is_closed;
    const struct cache_profile *profile; /* NULL: the default one */
};

void world_init(struct world *w);
/** After that: time passes only by what waits for it (fake_timers.h), as fast as it can, and
 *  everything takes as long as in the service. */
void world_live_fast(struct world *w);
/** Builds all of it on the folder's database and starts it. */
void world_open(struct world *w);
/** Both of these. */
void world_begin(struct world *w);
/** Ends all of it in the service's order. */
void world_close(struct world *w);
/** The first part of it: the workstations, which stand on the observer. */
void world_close_workstations(struct world *w);
/** The figures, which the engine uses to its end. */
void world_close_figures(struct world *w);
/** Goes on as if the process had been killed now, with everything durable that was written. */
void world_crash(struct world *w);
/** Closes what is open and checks that nothing is left. */
void world_end(struct world *w);

/** One turn of the loop; a few milliseconds at most. */
void world_turn(struct world *w);
/** Turns until CONDITION; fails when that takes 10 real seconds. */
#define world_until(w, condition)                                                                  \
    do {                                                                                           \
        uint64_t began_ = uv_hrtime();                                                             \
        while (!(condition)) {                                                                     \
            cr_assert(uv_hrtime() - began_ < 10000000000u, "never came: %s", #condition);          \
            world_turn(w);                                                                         \
        }                                                                                          \
    } while (0)
/** Of a world that lives fast: turns until only time can bring anything more. What a test changes
 * then meets no look that is under way. */
void world_rest(struct world *w);
/** Turns until the next survey that is begun after now has been published. */
void world_look(struct world *w);
/** Lets the clocks jump and looks. */
void world_skip(struct world *w, uint64_t ms);
/** Nothing was written to the disks for as long as makes a copy done. */
void world_rest_disks(struct world *w);
/** An operator makes a breaker so. */
void world_order(struct world *w, const char *breaker, enum ldc_breaker_state state);
/** Makes the database refuse every write, or no longer. */
void world_break_store(struct world *w, bool is_broken);
/** Everything submitted so far is on disk, and its events are published. */
void world_flush(struct world *w);

/** How many events of TYPE were published. */
unsigned world_heard(const struct world *w, const char *type);

/** Gives everything that wants to happen its chance: for tests of what must not. */
void world_settle(struct world *w);

/** The instance at INDEX, NULL when there is none. */
const struct cache_instance *world_at(struct world *w, int index);
enum cache_state world_state(struct world *w, int index);

/** What came of a request. */
struct world_answer {
    bool is_there, is_repeat;
    char id[UUID_SIZE]; /* of the operation */
    enum cache_op_status status;
    struct ctl_refusal refusal;
};
/** A request of KIND for the instance at INDEX (-1 = none). */
struct ctl_request world_request(struct world *w, enum cache_op_kind kind, int index);
/** For ctl_engine_submit. ARG: struct world_answer. */
void world_on_accept(void *arg, const struct cache_operation *op, bool is_repeat,
                     const struct ctl_refusal *refusal);
/** Submits and turns until the answer is there. */
struct world_answer world_submit(struct world *w, const struct ctl_request *request);
struct world_answer world_submit_batch(struct world *w, const struct ctl_request *request,
                                       const int *indexes, size_t n);
/** Submits a request that must be accepted, and waits for the round that this causes. */
struct world_answer world_do(struct world *w, enum cache_op_kind kind, int index);

/** The row of an operation, for cache_operation_free. */
struct cache_operation *world_load(struct world *w, const char *id);
/** Turns until the operation has ended durably, which must be with STATUS and, in its error, CODE
 *  (NULL = no error). */
struct cache_operation *world_ends(struct world *w, const char *id, enum cache_op_status status,
                                   const char *code);
/** The same, without the row. */
void world_expect(struct world *w, const char *id, enum cache_op_status status, const char *code);
/** Submits, and expects that end. */
void world_try(struct world *w, enum cache_op_kind kind, int index, enum cache_op_status status,
               const char *code);
/** Writes an operation as a former process left it, before world_open. Takes OP over.
 */
void world_leave(struct world *w, struct cache_operation *op);

#endif
