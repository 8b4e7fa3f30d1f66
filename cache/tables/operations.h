/* SPDX-License-Identifier: MIT */
#ifndef CACHE_OPERATIONS_H
#define CACHE_OPERATIONS_H

#include "cache/tables/idempotency.h"
#include "cache/tables/operation.h"

/** The table of operations. What is still under way lives in control's memory; the table is its
 *  durable shadow and the only place of what has ended. */

enum {
    CACHE_OPERATIONS_KEEP_DAYS = 30,
    CACHE_OPERATIONS_KEEP_ROWS = 100000,
    CACHE_TRIM_ROWS = 500 /* that one job removes at most */
};

/** Writes copies of N operations (insert or replace) as one job (all or none). DONE may be NULL. */
void cache_operations_put(struct cache_store *store, struct cache_operation *const *ops, size_t n,
                          cache_done_fn done, void *arg);
/** The same for N that are accepted together: KEY (copied, NULL = none), which means the first of
 *  them, is written in the same job. */
void cache_operations_accept(struct cache_store *store, struct cache_operation *const *ops,
                             size_t n, const struct cache_key *key, cache_done_fn done, void *arg);
/** All that have not ended, oldest first; for recovery at start. On the worker, or before it
 *  exists. Release each with cache_operation_free, then the array with mem_free. A row whose kind
 *  or status this program does not know is left out. Returns 0 or a UV code. */
int cache_operations_load_open(sqlite3 *db, struct cache_operation ***ret_ops, size_t *ret_n);

struct cache_operations_filter {
    int status, kind;          /* -1 = any */
    char target[UUID_SIZE];    /* "" = any */
    char parent[UUID_SIZE];    /* "" = any, children included */
    char before_id[UUID_SIZE]; /* cursor: only ids below; "" = from the newest */
    unsigned limit;
};

struct cache_operations_page {
    struct cache_operation **items; /* newest first */
    size_t n_items;
    uint64_t total; /* rows that match without cursor and limit */
    bool has_more;
    bool was_pruned; /* of get_by_key without an item: it had ended and was removed; else its record
                      * is lost, and with it what became of it */
};
typedef void (*cache_operations_fn)(void *arg, int status, struct cache_operations_page *page);

/** Both call DONE on the loop; PAGE ends with the call (items may be taken by setting them NULL)
 *  and is NULL when STATUS is not 0. FILTER and ID are copied. */
void cache_operations_find(struct cache_store *store, const struct cache_operations_filter *filter,
                           cache_operations_fn done, void *arg);
/** A page of one or none. */
void cache_operations_get(struct cache_store *store, const char *id, cache_operations_fn done,
                          void *arg);

/** The same for the one that KEY (copied) means. */
void cache_operations_get_by_key(struct cache_store *store, const struct cache_key *key,
                                 const char *id, cache_operations_fn done, void *arg);

typedef void (*cache_operations_prune_fn)(void *arg, int status, uint64_t n_removed);
/** Removes ended operations that ended before WALL_MS, children with their parents and only with
 *  them, in as many jobs as that takes. N_REMOVED counts both; with a STATUS below 0 some may be
 * gone already. DONE may be NULL. */
void cache_operations_prune(struct cache_store *store, int64_t before_wall_ms,
                            cache_operations_prune_fn done, void *arg);

/** One piece of that, or of what is beyond the limits (housekeeping.h), on the worker: at most
 *  MAX_ROWS rows, *RET_N of them. Fewer than MAX_ROWS: there is no more. What has not ended always
 *  stays. Return 0 or a UV code. */
int cache_operations_delete_old(sqlite3 *db, int64_t ended_before, unsigned max_rows,
                                unsigned *ret_n);
/** With ids up to ID. */
int cache_operations_delete_up_to(sqlite3 *db, const char *id, unsigned max_rows, unsigned *ret_n);
/** The newest one beyond CACHE_OPERATIONS_KEEP_ROWS; "" when there is none. Reads only. Returns 0
 * or a UV code. */
int cache_operations_find_excess(sqlite3 *db, char ret_id[UUID_SIZE]);

/** Ends every open operation as interrupted, with DETAIL in its error, batches with their counts:
 * for a database that is not where the open ones were left. On a connection, in a transaction of
 * the caller's. Returns 0 or a UV code. */
int cache_operations_interrupt_all(sqlite3 *db, const char *detail, unsigned *ret_n);

#endif
