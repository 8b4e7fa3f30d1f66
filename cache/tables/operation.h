/* SPDX-License-Identifier: MIT */
#ifndef CACHE_OPERATION_H
#define CACHE_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory/buf.h"
#include "base/system/random.h"
#include "cache/store/store.h"

/** One accepted command and what became of it: the row behind the API's Operation. */
enum cache_op_kind {
    CACHE_OP_CREATE,
    CACHE_OP_START,
    CACHE_OP_STOP,
    CACHE_OP_RESTART,
    CACHE_OP_MODIFY,
    CACHE_OP_RENAME,
    CACHE_OP_CLONE,
    CACHE_OP_REMOVE,
    CACHE_OP_REPAIR, /* by the watchdog alone */
    CACHE_OP_BATCH,
    CACHE_OP_KIND_COUNT
};

enum cache_op_status {
    CACHE_OP_QUEUED,
    CACHE_OP_WAITING_FOR_SESSION,
    CACHE_OP_RUNNING,
    CACHE_OP_SUCCEEDED,
    CACHE_OP_FAILED,
    CACHE_OP_TIMED_OUT,
    CACHE_OP_CANCELLED,
    CACHE_OP_INTERRUPTED,
    CACHE_OP_STATUS_COUNT
};

struct cache_operation {
    char id[UUID_SIZE];
    enum cache_op_kind kind;
    char target[UUID_SIZE]; /* instance id; "" for create and batch until known */
    char parent[UUID_SIZE]; /* batch it belongs to, or "" */
    enum cache_op_status status;
    int64_t created_at, started_at, ended_at; /* wall ms, 0 = not yet */
    int percent;
    char *step;       /* what is being done now, a few words; NULL before the start */
    int step_index;   /* position in the flow */
    bool step_issued; /* the step's vendor command was handed to ldconsole: never again */
    char *requested_by;
    char *idempotency_key; /* NULL when none */
    char *params;          /* JSON object as validated; never NULL */
    char *memo;            /* JSON object the flow keeps for itself across a restart; never NULL;
                              not in the API */
    char *result;          /* JSON or NULL */
    char *error;           /* JSON {code,title,detail,retryable} or NULL */
    char *evidence;        /* JSON array of what was run and seen; never NULL */
    bool has_diagnostics;  /* something was collected at its end (cache/faults), or is being so;
                              not written with it */
    unsigned n_children, n_children_ended, n_children_failed; /* batch */
};

/** A queued operation created now, with an id ordered by time and empty params and evidence. */
struct cache_operation *cache_operation_new(enum cache_op_kind kind);
/** Frees OP and every text it owns. Accepts NULL; returns NULL. */
struct cache_operation *cache_operation_free(struct cache_operation *op);
bool cache_op_has_ended(enum cache_op_status status);
const char *cache_op_kind_name(enum cache_op_kind kind);
/** Both parsers return 0 or UV_EINVAL. */
int cache_op_kind_parse(const char *name, enum cache_op_kind *ret);
const char *cache_op_status_name(enum cache_op_status status);
int cache_op_status_parse(const char *name, enum cache_op_status *ret);

/** The API's object. WAITING_FOR: JSON text of what it waits for; CHILDREN: JSON array text for a
 *  batch; NULL leaves each null. */
void cache_operation_append_json(const struct cache_operation *op, const char *waiting_for,
                                 const char *children, struct buf *out);

#endif
