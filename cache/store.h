/* SPDX-License-Identifier: MIT */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include <stdint.h>

#include "base/loop.h"
#include "cache/db.h"

/** The database behind a worker thread. SQLite blocks, so the loop never calls it: it submits
 *  jobs. All writes that wait when the worker is free go into one transaction (group commit): a
 *  job's `done` with 0 means that what it wrote is on disk. Jobs run in the order submitted. */

/** Runs on the worker with its connection. Returns 0 or a UV code; a failing job is undone alone
 *  (savepoint), the others of the group are kept. */
typedef int (*cache_exec_fn)(sqlite3 *db, void *arg);
/** Runs on the loop thread afterwards, exactly once for every job, also when the store closes. */
typedef void (*cache_done_fn)(void *arg, int status);

struct cache_store;

/** Takes over DB. */
struct cache_store *cache_store_new(struct loop *loop, sqlite3 *db);
void cache_store_write(struct cache_store *store, cache_exec_fn exec, cache_done_fn done,
                       void *arg);
/** For queries: sees everything written by jobs submitted before. */
void cache_store_read(struct cache_store *store, cache_exec_fn exec, cache_done_fn done, void *arg);
/** Finishes every job, closes the database, then calls ON_CLOSED on the loop; the store is gone. */
void cache_store_close(struct cache_store *store, void (*on_closed)(void *arg), void *arg);

/** Figures for health and metrics. Loop thread. */
struct cache_store_stats {
    uint64_t n_jobs, n_failed, n_commits;
    unsigned n_waiting;
    uint64_t last_ok_ms; /* monotonic time of the last successful job */
    int last_error;      /* 0 when the last job succeeded */
};
struct cache_store_stats cache_store_stats(const struct cache_store *store);

#endif
