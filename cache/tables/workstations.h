/* SPDX-License-Identifier: MIT */
#ifndef CACHE_WORKSTATIONS_H
#define CACHE_WORKSTATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/system/random.h"
#include "cache/tables/idempotency.h"

/** The table of workstations: this machine, whose id is CACHE_WORKSTATION_LOCAL, and those that an
 *  admin made known. Rows only; control/workstations/workstations.h has them in memory and decides.
 */

#define CACHE_WORKSTATION_LOCAL "local"

enum cache_workstation_status {
    CACHE_WORKSTATION_UNKNOWN, /* nobody has looked yet */
    CACHE_WORKSTATION_ONLINE,
    CACHE_WORKSTATION_OFFLINE,     /* does not answer */
    CACHE_WORKSTATION_DEGRADED,    /* is up, but cannot do all of its work */
    CACHE_WORKSTATION_MAINTENANCE, /* set aside by an admin */
    CACHE_WORKSTATION_STATUS_COUNT
};

enum {
    CACHE_WORKSTATION_NAME_MAX = 64, /* characters */
    CACHE_WORKSTATION_NAME_SIZE = 4 * CACHE_WORKSTATION_NAME_MAX + 1,
    CACHE_WORKSTATION_ADDRESS_SIZE = 300
};

struct cache_workstation {
    char id[UUID_SIZE];
    char name[CACHE_WORKSTATION_NAME_SIZE];       /* unique; valid UTF-8 */
    char address[CACHE_WORKSTATION_ADDRESS_SIZE]; /* as it was given; "" = none */
    char *labels;                                 /* JSON object of strings, owned; never NULL */
    bool is_maintained;                           /* maintenance was asked for */
    enum cache_workstation_status status;
    int64_t created_at, updated_at, last_seen_at; /* wall ms; 0 = never */
};

/** Without labels, all else zero. */
void cache_workstation_init(struct cache_workstation *w);
void cache_workstation_deinit(struct cache_workstation *w);
/** Makes TO an independent copy; what it owned is released. */
void cache_workstation_copy(struct cache_workstation *to, const struct cache_workstation *from);

/** "unknown", "online", "offline", "degraded", "maintenance". */
const char *cache_workstation_status_name(enum cache_workstation_status status);
/** Returns 0 or UV_EINVAL. */
int cache_workstation_status_parse(const char *name, enum cache_workstation_status *ret);

/** All that are there, in the order in which they were made (deinit each, then mem_free the
 *  array). Reads only; main thread before the worker exists. Returns 0 or a UV code. */
int cache_workstations_load(sqlite3 *db, struct cache_workstation **ret_items, size_t *ret_n);

/** Writes a copy of W (insert or replace), status and last_seen_at too, and KEY in the same job
 *  (copied, NULL = none). DONE gets UV_EEXIST when another has the name; it may be NULL. */
void cache_workstations_put(struct cache_store *store, const struct cache_workstation *w,
                            const struct cache_key *key, cache_done_fn done, void *arg);
/** The row goes: a key has the id by itself. */
void cache_workstations_remove(struct cache_store *store, const char *id,
                               const struct cache_key *key, cache_done_fn done, void *arg);
/** Writes these two alone; nothing when ID is not there. */
void cache_workstations_put_status(struct cache_store *store, const char *id,
                                   enum cache_workstation_status status, int64_t last_seen_at);

#endif
