/* SPDX-License-Identifier: MIT */
#ifndef CACHE_HOUSEKEEPING_H
#define CACHE_HOUSEKEEPING_H

#include "cache/tables/clock_check.h"
#include "cache/tables/idempotency.h"

/** Removes rows that nobody needs any more, once at the start and then every hour. In this order,
 *  because what comes later is kept as long as something before it refers to it:
 *
 *      operations that ended more than 30 days ago, then the oldest beyond 100,000 rows
 *      Idempotency-Keys past 24 hours
 *      tokens that ended more than 30 days ago and have no key
 *
 *  Each goes in jobs of at most CACHE_TRIM_ROWS rows, one submitted when the one before is
 *  committed, so that nobody who writes waits for long. A job that fails ends the round. Events go
 *  with the batch that brings new ones; what is removed by name (instances, workstations) goes at
 *  once. Loop thread. */
struct cache_housekeeping;

/** Begins when the loop runs. Does not keep it alive while it has nothing to do. CLOCK (may be
 * NULL) must outlive it: while that is not believed only what is too many goes. */
struct cache_housekeeping *cache_housekeeping_new(struct cache_store *store,
                                                  struct cache_idempotency *keys,
                                                  struct cache_clock_check *clock);
/** Begins a round now, unless one is under way. */
void cache_housekeeping_run(struct cache_housekeeping *h);
/** Ends after the job under way; ON_CLOSED comes later, on the loop. Before the store closes. */
void cache_housekeeping_close(struct cache_housekeeping *h, void (*on_closed)(void *arg),
                              void *arg);

/** The `finish` of a repair (cache/store/repair.h), on the new database: numbers of events go on
 * above all there were, and keys are made again from their operations. Returns 0 or a UV code. */
int cache_housekeeping_mend(sqlite3 *db);

#endif
