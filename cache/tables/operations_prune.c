/* SPDX-License-Identifier: MIT */
#include "cache/tables/operations.h"

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"

/* Operations go in families: the children of a batch, then itself, when the batch may go. One piece
 * removes at most as many rows as it is told, because who writes waits for it: children of the
 * first parents in the row, and when these have none left, the parents. The keys that mean them
 * stay, and say so; what was collected at their ends goes with them. */

#define ENDED_PARENT                                                                               \
    "SELECT id FROM operations WHERE ended_at > 0 AND parent = ''"                                 \
    " AND status NOT IN ('queued', 'waiting_for_session', 'running')"
#define BY_AGE ENDED_PARENT " AND ended_at < ?1 ORDER BY ended_at LIMIT ?2"
#define BY_ID ENDED_PARENT " AND id <= ?1 ORDER BY id LIMIT ?2"

#define DELETE_CHILDREN(parents)                                                                   \
    "DELETE FROM operations WHERE id IN (SELECT id FROM operations"                                \
    " WHERE parent <> '' AND parent IN (" parents ") LIMIT ?2)"
#define MARK_KEYS(parents)                                                                         \
    "UPDATE idempotency SET pruned = 1 FROM operations AS o WHERE o.id IN (" parents ")"           \
    " AND o.key_owner = idempotency.owner AND o.idempotency_key = idempotency.key"                 \
    " AND o.id = idempotency.operation"
#define DELETE_PARENTS(parents) "DELETE FROM operations WHERE id IN (" parents ")"

static int delete_diagnostics(sqlite3 *db)
{
    return cache_sql_run(db,
                         "DELETE FROM diagnostics WHERE NOT EXISTS"
                         " (SELECT 1 FROM operations AS o WHERE o.id = diagnostics.operation)",
                         "");
}

int cache_operations_delete_old(sqlite3 *db, int64_t ended_before, unsigned max_rows,
                                unsigned *ret_n)
{
    int r = cache_sql_run(db, DELETE_CHILDREN(BY_AGE), "ii", ended_before, (int64_t)max_rows);
    if (r < 0)
        return r;
    unsigned n = (unsigned)sqlite3_changes64(db);
    if (n < max_rows) {
        r = cache_sql_run(db, MARK_KEYS(BY_AGE), "ii", ended_before, (int64_t)(max_rows - n));
        if (r == 0)
            r = cache_sql_run(db, DELETE_PARENTS(BY_AGE), "ii", ended_before,
                              (int64_t)(max_rows - n));
        n += r == 0 ? (unsigned)sqlite3_changes64(db) : 0;
    }
    *ret_n = n;
    return r == 0 && n > 0 ? delete_diagnostics(db) : r;
}

int cache_operations_delete_up_to(sqlite3 *db, const char *id, unsigned max_rows, unsigned *ret_n)
{
    int r = cache_sql_run(db, DELETE_CHILDREN(BY_ID), "si", id, (int64_t)max_rows);
    if (r < 0)
        return r;
    unsigned n = (unsigned)sqlite3_changes64(db);
    if (n < max_rows) {
        r = cache_sql_run(db, MARK_KEYS(BY_ID), "si", id, (int64_t)(max_rows - n));
        if (r == 0)
            r = cache_sql_run(db, DELETE_PARENTS(BY_ID), "si", id, (int64_t)(max_rows - n));
        n += r == 0 ? (unsigned)sqlite3_changes64(db) : 0;
    }
    *ret_n = n;
    return r == 0 && n > 0 ? delete_diagnostics(db) : r;
}

int cache_operations_find_excess(sqlite3 *db, char ret_id[UUID_SIZE])
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r =
        cache_sql_query(db, &stmt, "SELECT id FROM operations ORDER BY id DESC LIMIT 1 OFFSET ?",
                        "i", (int64_t)CACHE_OPERATIONS_KEEP_ROWS);
    if (r < 0)
        return r;
    int stepped = sqlite3_step(stmt);
    if (stepped != SQLITE_ROW && stepped != SQLITE_DONE)
        return cache_sql_error_code(db);
    str_copy(ret_id, UUID_SIZE, stepped == SQLITE_ROW ? cache_sql_text(stmt, 0) : "");
    return 0;
}

/* --- what somebody asked for --- */

struct prune {
    struct cache_store *store;
    int64_t before_wall_ms;
    unsigned n_last; /* of the last piece */
    uint64_t n_removed;
    cache_operations_prune_fn done;
    void *arg;
};

static int exec_prune(sqlite3 *db, void *arg)
{
    struct prune *p = arg;
    return cache_operations_delete_old(db, p->before_wall_ms, CACHE_TRIM_ROWS, &p->n_last);
}

static void on_pruned(void *arg, int status)
{
    struct prune *p = arg;
    p->n_removed += status == 0 ? p->n_last : 0;
    if (status == 0 && p->n_last == CACHE_TRIM_ROWS) {
        cache_store_write(p->store, exec_prune, on_pruned, p);
        return;
    }
    if (p->done)
        p->done(p->arg, status, p->n_removed);
    mem_free(p);
}

void cache_operations_prune(struct cache_store *store, int64_t before_wall_ms,
                            cache_operations_prune_fn done, void *arg)
{
    struct prune *p = mem_new(struct prune);
    p->store = store;
    p->before_wall_ms = before_wall_ms;
    p->done = done;
    p->arg = arg;
    cache_store_write(store, exec_prune, on_pruned, p);
}
