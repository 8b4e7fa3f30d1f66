/* SPDX-License-Identifier: MIT */
#ifndef CTL_WORKSTATIONS_H
#define CTL_WORKSTATIONS_H

#include "cache/tables/idempotency.h"
#include "cache/tables/workstations.h"
#include "control/observe/observer.h"
#include "control/operations/engine.h"
#include "control/admission/figures.h"
#include "control/workstations/reach.h"

/** The workstations: this one, which is always there, and those that an admin made known. Changes
 *  are durable before they are acknowledged, and become events. Loop thread.
 *
 *  Status of this one: `maintenance` when an admin set it; `degraded` while ldconsole cannot be
 *  read, a breaker is open, or the database fails; else `online`, once it has been looked at.
 *  Of another: `maintenance`; else `online` or `offline` as the last look at its address found,
 *  `unknown` before the first and without an address. It is looked at every minute and whenever
 *  somebody tests the connection. */

enum { CTL_WORKSTATION_REASON_SIZE = 1300 };

/** For reading; valid until the loop turns. */
struct ctl_workstation {
    struct cache_workstation row;             /* last_seen_at: the last good look */
    char reason[CTL_WORKSTATION_REASON_SIZE]; /* why the status is believed, a sentence */
};

struct ctl_workstations_options {
    unsigned check_ms; /* between looks at another workstation, within a tenth; default 60000 */
    unsigned reach_ms; /* for one look; default 5000 */
    unsigned max;      /* workstations, this one included; default 1000 */
};
extern const struct ctl_workstations_options ctl_workstations_defaults;

struct ctl_workstations_parts {
    struct loop *loop;
    struct ldc_client *client;
    struct cache_store *store;
    struct cache_events *events;
    struct cache_idempotency *idempotency;
    struct ctl_observer *observer;
    struct ctl_figures *figures;
    const struct ctl_reach_ops *reach;
};

struct ctl_workstations;

/** ITEMS (taken over): what the database remembers; this workstation is made when it is not among
 *  them. */
struct ctl_workstations *ctl_workstations_new(const struct ctl_workstations_parts *parts,
                                              const struct ctl_workstations_options *options,
                                              struct cache_workstation *items, size_t n);
void ctl_workstations_start(struct ctl_workstations *ws);
/** Those who wait hear of it. Must come before the observer and the store close. */
void ctl_workstations_close(struct ctl_workstations *ws, void (*on_closed)(void *arg), void *arg);

/** In the order in which they were made, this one first. */
size_t ctl_workstations_count(const struct ctl_workstations *ws);
const struct ctl_workstation *ctl_workstations_at(const struct ctl_workstations *ws, size_t i);
/** NULL when there is none with ID. */
const struct ctl_workstation *ctl_workstations_find(const struct ctl_workstations *ws,
                                                    const char *id);
bool ctl_workstation_is_local(const struct ctl_workstation *w);
struct ctl_figures *ctl_workstations_figures(const struct ctl_workstations *ws);

/** Judges this workstation's status again: something that it depends on may have changed. Surveys
 *  do so by themselves. */
void ctl_workstations_judge(struct ctl_workstations *ws);

/** Called for each workstation that was added, changed (status included) or removed, after that is
 *  so. Owned by the listener. */
struct ctl_workstations_listener {
    struct list link;
    void (*fn)(void *arg, enum cache_change_kind kind, const struct ctl_workstation *w);
    void *arg;
};
void ctl_workstations_listen(struct ctl_workstations *ws, struct ctl_workstations_listener *l);
/** Repeating it does nothing. */
void ctl_workstations_unlisten(struct ctl_workstations_listener *l);

/* --- changes --- */

enum ctl_workstation_action { CTL_WORKSTATION_ADD, CTL_WORKSTATION_CHANGE, CTL_WORKSTATION_REMOVE };

/** What is asked for; valid by the rules of the API. Strings are copied. */
struct ctl_workstation_request {
    enum ctl_workstation_action action;
    const char *id;      /* NULL for ADD */
    const char *name;    /* needed for ADD; NULL leaves */
    const char *address; /* "" clears; NULL leaves */
    const char *labels;  /* JSON object text; NULL leaves */
    int maintenance;     /* -1 leaves */
    /* Asked when the change's turn has come; gets the ARG of done. NULL = yes. */
    bool (*may_change)(void *arg, const struct ctl_workstation *w);
    struct cache_key key; /* its key NULL = none */
};

/** DONE comes in a later turn, when the change is durable: W as it is now, NULL when it is gone.
 *  A request that repeats an earlier one by its key gets this too. Or a refusal, and then nothing
 *  was changed: 404 WORKSTATION_NOT_FOUND, 409 WORKSTATION_EXISTS (the name), WORKSTATION_IS_LOCAL
 *  (it cannot be removed) and WORKSTATION_LIMIT, 412 PRECONDITION_FAILED, 422
 *  IDEMPOTENCY_KEY_REUSED, 503. */
typedef void (*ctl_workstation_fn)(void *arg, const char *id, const struct ctl_workstation *w,
                                   const struct ctl_refusal *refusal);
void ctl_workstations_submit(struct ctl_workstations *ws,
                             const struct ctl_workstation_request *request, ctl_workstation_fn done,
                             void *arg);

/* --- tests --- */

/** A real look now: this workstation lists its instances afresh, another answers at its address.
 *  ID must be there, and another have an address. Who tests while a look is under way shares it.
 *  DONE comes in a later turn. */
struct ctl_workstation_test;
struct ctl_workstation_test *ctl_workstations_test(struct ctl_workstations *ws, const char *id,
                                                   ctl_reach_fn done, void *arg);
/** DONE will not come. */
void ctl_workstations_cancel_test(struct ctl_workstation_test *test);

#endif
