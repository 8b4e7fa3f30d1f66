/* SPDX-License-Identifier: MIT */
#include "cache/faults/diagnostics.h"

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/random.h"
#include "base/text/str.h"

struct put {
    char operation[UUID_SIZE];
    char *json;
    cache_done_fn done;
    void *arg;
};

static int exec_put(sqlite3 *db, void *arg)
{
    const struct put *p = arg;
    if (strlen(p->json) > CACHE_DIAGNOSTICS_MAX_BYTES)
        return UV_E2BIG;
    int r = cache_sql_run(db,
                          "INSERT OR REPLACE INTO diagnostics (operation, json)"
                          " SELECT id, ? FROM operations WHERE id = ?",
                          "ss", p->json, p->operation);
    return r < 0 ? r
                 : cache_sql_run(db,
                                 "DELETE FROM diagnostics WHERE operation IN"
                                 " (SELECT operation FROM diagnostics ORDER BY operation DESC"
                                 " LIMIT -1 OFFSET ?)",
                                 "i", (int64_t)CACHE_DIAGNOSTICS_KEEP);
}

static void on_put(void *arg, int status)
{
    struct put *p = arg;
    if (p->done)
        p->done(p->arg, status);
    mem_free(p->json);
    mem_free(p);
}

void cache_diagnostics_put(struct cache_store *store, const char *operation, const char *json,
                           cache_done_fn done, void *arg)
{
    struct put *p = mem_new(struct put);
    str_copy(p->operation, sizeof(p->operation), operation);
    p->json = mem_strdup(json);
    p->done = done;
    p->arg = arg;
    cache_store_write(store, exec_put, on_put, p);
}

struct get {
    char operation[UUID_SIZE];
    char *json;
    cache_diagnostics_fn done;
    void *arg;
};

static int exec_get(sqlite3 *db, void *arg)
{
    struct get *g = arg;
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(db, &stmt, "SELECT json FROM diagnostics WHERE operation = ?", "s",
                            g->operation);
    if (r < 0)
        return r;
    int stepped = sqlite3_step(stmt);
    if (stepped == SQLITE_ROW)
        g->json = cache_sql_json_dup(stmt, 0, NULL);
    return stepped == SQLITE_ROW || stepped == SQLITE_DONE ? 0 : cache_sql_error_code(db);
}

static void on_got(void *arg, int status)
{
    struct get *g = arg;
    g->done(g->arg, status, g->json);
    mem_free(g->json);
    mem_free(g);
}

void cache_diagnostics_get(struct cache_store *store, const char *operation,
                           cache_diagnostics_fn done, void *arg)
{
    struct get *g = mem_new(struct get);
    str_copy(g->operation, sizeof(g->operation), operation);
    g->done = done;
    g->arg = arg;
    cache_store_read(store, exec_get, on_got, g);
}
