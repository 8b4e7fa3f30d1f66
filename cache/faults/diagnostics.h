/* SPDX-License-Identifier: MIT */
#ifndef CACHE_DIAGNOSTICS_H
#define CACHE_DIAGNOSTICS_H

#include "cache/store/store.h"

/** What was collected at the end of operations, for whoever asks later why they ended so: one JSON
 *  text an operation, removed with it (cache/tables/operations_prune.c). */

enum {
    CACHE_DIAGNOSTICS_MAX_BYTES = 256 * 1024, /* of one */
    CACHE_DIAGNOSTICS_KEEP = 300              /* those of the newest operations */
};

/** Keeps JSON (both copied) for OPERATION, unless that is gone; the oldest beyond the limit go. A
 *  text that is too long is refused with UV_E2BIG. DONE may be NULL. */
void cache_diagnostics_put(struct cache_store *store, const char *operation, const char *json,
                           cache_done_fn done, void *arg);

/** JSON ends with the call; NULL = there is none. */
typedef void (*cache_diagnostics_fn)(void *arg, int status, const char *json);
void cache_diagnostics_get(struct cache_store *store, const char *operation,
                           cache_diagnostics_fn done, void *arg);

#endif
