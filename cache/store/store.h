/* SPDX-License-Identifier: MIT */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include <stdint.h>

#include "base/loop/loop.h"
#include "cache/store/db.h"

/** The database behind worker threads. SQLite blocks, so the loop never calls it: it submits
 *  jobs. All writes that wait when the writer is free, up to the next read, go into one
 *  transaction (group commit): a job's `done` with 0 means that what it wrote is on disk. Writes
 *  run in the order submitted and their `done` come in that order; reads run beside each other and
 *  beside later writes, and end in any order, but after the writes that they saw. The loop stays
 *  alive while jobs are under way. Every function here: loop thread only. */

/** Runs on the worker with its connection, inside a transaction (so no BEGIN of its own). Returns
 *  0 or a UV code; a failing job is undone alone (savepoint), the others of the group are kept.
 *  Only when SQLite gives up the whole transaction, or the commit itself fails (full disk, I/O
 *  error), every write of the group fails with that code. */
typedef int (*cache_exec_fn)(sqlite3 *db, void *arg);
/** Runs on the loop thread afterwards, exactly once for every job, also when the store closes. */
typedef void (*cache_done_fn)(void *arg, int status);

struct cache_store;

/** Takes over DB. PROFILE NULL: the default one. */
struct cache_store *cache_store_new(struct loop *loop, sqlite3 *db,
                                    const struct cache_profile *profile);
struct loop *cache_store_loop(const struct cache_store *store);
/** DONE may be NULL. */
void cache_store_write(struct cache_store *store, cache_exec_fn exec, cache_done_fn done,
                       void *arg);
/** For queries: sees everything written by jobs submitted before, and nothing that is not
 *  committed. DONE may be NULL. */
void cache_store_read(struct cache_store *store, cache_exec_fn exec, cache_done_fn done, void *arg);
/** The same in order with the writes and on their connection, for what SQLite only tells there
 *  (PRAGMA data_version). */
void cache_store_read_local(struct cache_store *store, cache_exec_fn exec, cache_done_fn done,
                            void *arg);
/** Finishes every job, also those that their `done` still submit, empties the write-ahead log,
 *  closes the database, then calls
 *  ON_CLOSED on the loop; the store is gone. A job submitted after the last `done` gets
 *  UV_ECANCELED. */
void cache_store_close(struct cache_store *store, void (*on_closed)(void *arg), void *arg);

const struct cache_profile *cache_store_profile(const struct cache_store *store);

/** Of jobs that have ended: how long they waited for a worker, and how long they ran (until the
 *  commit, for writes). */
struct cache_store_times {
    uint64_t n;
    uint64_t wait_us, max_wait_us;
    uint64_t run_us, max_run_us;
};

/** Figures for health and metrics. */
struct cache_store_stats {
    struct cache_store_times reads, writes;
    uint64_t n_jobs, n_failed, n_commits;
    unsigned n_waiting;
    uint64_t last_ok_ms;  /* monotonic time of the last successful job */
    int last_error;       /* 0 when the last job succeeded, or failed for a reason of its own
                           * (UV_ENOENT, UV_EEXIST, UV_EINVAL) */
    int last_write_error; /* the same of writes alone: a full disk lets reads succeed */
};
struct cache_store_stats cache_store_stats(const struct cache_store *store);

#endif
