/* SPDX-License-Identifier: MIT */
#include "cache/tables/operations.h"

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"

/* Operations go in families: a batch with all its children, by the parent's age. */

#define ENDED_PARENT                                                                               \
    " ended_at > 0 AND parent = ''"                                                                \
    " AND status NOT IN ('queued', 'waiting_for_session', 'running')"

struct prune {
    int64_t before_wall_ms;
    uint64_t n_removed;
    cache_operations_prune_fn done;
    void *arg;
};

static int delete_ended_before(sqlite3 *db, int64_t wall_ms, uint64_t *n_removed)
{
    int r = cache_sql_run(db,
                          "DELETE FROM operations WHERE parent <> '' AND parent IN"
                          " (SELECT id FROM operations WHERE ended_at < ?1 AND" ENDED_PARENT ")",
                          "i", wall_ms);
    if (r < 0)
        return r;
    *n_removed += (uint64_t)sqlite3_changes64(db);
    r = cache_sql_run(db, "DELETE FROM operations WHERE ended_at < ?1 AND" ENDED_PARENT, "i",
                      wall_ms);
    if (r == 0)
        *n_removed += (uint64_t)sqlite3_changes64(db);
    return r;
}

static int exec_prune(sqlite3 *db, void *arg)
{
    struct prune *p = arg;
    return delete_ended_before(db, p->before_wall_ms, &p->n_removed);
}

static void on_pruned(void *arg, int status)
{
    struct prune *p = arg;
    if (p->done)
        p->done(p->arg, status, status < 0 ? 0 : p->n_removed);
    mem_free(p);
}

void cache_operations_prune(struct cache_store *store, int64_t before_wall_ms,
                            cache_operations_prune_fn done, void *arg)
{
    struct prune *p = mem_new(struct prune);
    p->before_wall_ms = before_wall_ms;
    p->done = done;
    p->arg = arg;
    cache_store_write(store, exec_prune, on_pruned, p);
}

/* The id of the newest row beyond the limit, NULL when there is none. */
static int find_boundary(sqlite3 *db, char **ret_id)
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
    *ret_id = stepped == SQLITE_ROW ? cache_sql_text_dup(stmt, 0) : NULL;
    return 0;
}

static int delete_up_to(sqlite3 *db, const char *id)
{
    int r = cache_sql_run(db,
                          "DELETE FROM operations WHERE parent <> '' AND parent IN"
                          " (SELECT id FROM operations WHERE id <= ?1 AND" ENDED_PARENT ")",
                          "s", id);
    if (r < 0)
        return r;
    return cache_sql_run(db, "DELETE FROM operations WHERE id <= ?1 AND" ENDED_PARENT, "s", id);
}

static int exec_trim(sqlite3 *db, void *arg)
{
    (void)arg;
    char *boundary cleanup(mem_freep) = NULL;
    uint64_t n_removed = 0;
    int64_t day_ms = 24 * 3600 * 1000;
    int r =
        delete_ended_before(db, clock_wall_ms() - CACHE_OPERATIONS_KEEP_DAYS * day_ms, &n_removed);
    if (r == 0)
        r = find_boundary(db, &boundary);
    return r < 0 || !boundary ? r : delete_up_to(db, boundary);
}

void cache_operations_trim(struct cache_store *store)
{
    cache_store_write(store, exec_trim, NULL, NULL);
}
