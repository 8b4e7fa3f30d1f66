/* SPDX-License-Identifier: MIT */
#ifndef CACHE_BREAKERS_H
#define CACHE_BREAKERS_H

#include "cache/store/store.h"
#include "ldconsole/guard/breaker.h"

/** What the circuit breakers remember across a restart: a preference "breaker.NAME" for each that
 *  has something to remember. */

/** All, in the order of their names, one array for mem_free; what a damaged row does not say is as
 *  in a new one. Main thread before the worker exists. Returns 0 or a UV code. */
int cache_breakers_load(sqlite3 *db, struct ldc_breaker_memory **ret_items, size_t *ret_n);
/** Writes a copy of MEMORY; a closed one of an instance has its row removed instead, because it is
 *  made anew when it is needed. DONE may be NULL. */
void cache_breakers_put(struct cache_store *store, const struct ldc_breaker_memory *memory,
                        cache_done_fn done, void *arg);

#endif
