/* SPDX-License-Identifier: MIT */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop/loop.h"
#include "cache/store/db.h"

/** The database behind worker threads. SQLite blocks, so the loop never calls it: it submits
 *  jobs. All writes that wait when the writer is free go into one transaction (group commit): a
 *  job's `done` with 0 means that what it wrote is on disk. Writes run in the order submitted and
 *  their `done` come in that order. Reads run beside each other and beside writes, wait for none,
 *  and end in any order: they see what was acknowledged before they were submitted, and may see
 *  what is committed and about to be. The loop stays alive while jobs are under way. Every function
 *  here: loop thread only. */

/** Runs on the worker with its connection, inside a transaction (so no BEGIN of its own). Returns
 *  0 or a UV code; a failing job is undone alone, the others of the group are kept. For that all of
 *  them run a second time, each in a savepoint, when what the first time did is undone: EXEC leaves
 *  nothing but rows that a second run would meet.
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
/** For queries: sees every write whose `done` has come, and nothing that is not committed. DONE may
 *  be NULL. */
void cache_store_read(struct cache_store *store, cache_exec_fn exec, cache_done_fn done, void *arg);
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

/** Figures for metrics. */
struct cache_store_stats {
    struct cache_store_times reads, writes;
    uint64_t n_jobs, n_failed, n_commits;
    unsigned n_waiting;
};
struct cache_store_stats cache_store_stats(const struct cache_store *store);

/** 0, or UV_ENXIO when the files of the database are not those that were opened
 * (cache/store/place.h); for whoever opens them by name. Any thread, while the store is open. */
int cache_store_check_place(struct cache_store *store);

/** How well the database is. */
struct cache_store_health {
    int write_error;     /* why the last write that mattered was refused, as a UV code; 0 = it was
                          * committed. A commit that changed nothing does not matter, nor a job that
                          * gave an answer of its own (UV_ENOENT, UV_EEXIST, UV_EINVAL, UV_E2BIG).
                          * UV_ENXIO: its files are not those that were opened; looked for before
                          * each commit and every 5 s, and found to be over by a commit */
    int64_t write_since; /* wall ms: writes are refused since; 0 = they are not */
    bool is_damaged;     /* a job met a page that is no good */
    bool is_disk_low;    /* under 256 MiB free where the database is; until there are 320 */
    uint64_t free_bytes; /* there; UINT64_MAX = not known */
    uint64_t waited_ms;  /* the oldest write that is not on disk yet; 0 = there is none */
};
struct cache_store_health cache_store_health(const struct cache_store *store);
/** FN is called when `write_error`, `is_damaged` or `is_disk_low` changes, before the `done` of the
 *  jobs that were the cause; may submit jobs. One listener. */
typedef void (*cache_store_health_fn)(void *arg, const struct cache_store_health *before,
                                      const struct cache_store_health *now);
void cache_store_on_health(struct cache_store *store, cache_store_health_fn fn, void *arg);

#endif
