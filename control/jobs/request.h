/* SPDX-License-Identifier: MIT */
#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

#include "cache/tables/idempotency.h"
#include "cache/tables/operation.h"
#include "control/admission/lanes.h"
#include "control/observe/observer.h"
#include "ldconsole/verbs/command.h"

/** What an operation is asked to do: as a caller asks it, as JSON text that is kept with the
 *  operation so that it survives a restart, and as values read back from there. Pure. */

/** What is asked for. Strings are copied. Fields that a kind does not use stay zero. */
struct ctl_request {
    enum cache_op_kind kind;
    const char *target; /* instance id; NULL for create */
    /** What the target's must be when the operation begins to act; NULL = any. */
    const char *revision;
    const char *name; /* create, clone, rename, modify; NULL = leave to the vendor */
    const struct ldc_settings *settings; /* create, modify; NULL = none */
    bool until_ready;                    /* start, restart */
    enum ldc_window window;              /* start, restart */
    bool force; /* stop, restart, remove: end processes that ignore quit; start, restart: also with
                   too little memory, and what looks as if it could not boot */
    bool ends_vm_service;     /* repair: that too, if no VM lives on this machine */
    unsigned timeout_ms;      /* 0 = the kind's default, of struct ctl_timeouts */
    unsigned begin_within_ms; /* what has not begun so long after it was accepted is not begun any
                                 more; 0 = it has time */
    struct ctl_local
        local; /* create, modify; NULL, NULL, -1 = none; of a quarantine only the end */
    enum ctl_priority priority;
    const char *requested_by; /* as it is shown */
    const char *reason;       /* why, a sentence: the first note of its evidence; NULL = none */
    struct cache_key key;     /* its key NULL = none */
};

/** How long an operation may take that does not say so itself, without waiting in the line of its
 *  instance and at gates. */
struct ctl_timeouts {
    unsigned start_ms;  /* until Android is up; default 180000 */
    unsigned ready_ms;  /* more for the guest to answer; default 120000 */
    unsigned stop_ms;   /* default 60000 */
    unsigned manage_ms; /* add, modify, rename, remove; default 60000 */
    unsigned clone_ms;  /* default 1200000 */
    unsigned settle_ms; /* no launch before nothing of the instance has run for so long; default
                           10000 */
};

/** A refusal: what a problem document needs. */
struct ctl_refusal {
    int http_status; /* 404, 409, 422, 429, 503 */
    char code[48];
    char detail[1200];
    uint64_t retry_ms; /* 0 = unknown */
};

/** What was asked, as values of its own. */
struct ctl_params {
    char revision[CACHE_REVISION_SIZE]; /* "" = any */
    char name[LDC_TITLE_SIZE];          /* "" = none */
    struct ldc_settings settings;
    bool until_ready, force, ends_vm_service;
    enum ldc_window window;
    unsigned timeout_ms, begin_within_ms;
    char *labels; /* owned; NULL = leave */
    char group[CACHE_GROUP_SIZE];
    bool has_group;
    int desired; /* -1 = leave */
    enum cache_repair_mode repair;
    bool has_repair, ends_quarantine;
    enum ctl_priority priority;
};

/** JSON text of REQUEST, owned by the caller. */
char *ctl_request_write(const struct ctl_request *request);
/** Reads what ctl_request_write wrote. */
void ctl_request_read(const char *json, struct ctl_params *ret);
void ctl_params_deinit(struct ctl_params *params);
/** Whether labels, group, desired state, repair or quarantine are to be set. */
bool ctl_params_has_local(const struct ctl_params *params);

#endif
