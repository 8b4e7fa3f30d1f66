/* SPDX-License-Identifier: MIT */
#include "cache/tables/instances.h"

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"

static int read_row(sqlite3_stmt *row, struct cache_instance *ret)
{
    int r = cache_instance_from_json(cache_sql_text(row, 0), ret);
    if (r == 0)
        str_copy(ret->disk_id, sizeof(ret->disk_id), cache_sql_text(row, 1));
    return r;
}

/* A row that cannot be read is left out: the next look at ldconsole shows the instance again. */
int cache_instances_load(sqlite3 *db, struct cache_instance **ret_items, size_t *ret_n)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(db, &stmt, "SELECT json, disk_id FROM instances ORDER BY idx", "");
    if (r < 0)
        return r;
    struct cache_instance *items = NULL;
    size_t n = 0, cap = 0;
    int stepped;
    while ((stepped = sqlite3_step(stmt)) == SQLITE_ROW) {
        items = mem_grow(items, n, &cap, sizeof(*items));
        n += read_row(stmt, &items[n]) == 0;
    }
    if (stepped != SQLITE_DONE) {
        while (n > 0)
            cache_instance_deinit(&items[--n]);
        mem_free(items);
        return cache_sql_error_code(db);
    }
    *ret_items = items;
    *ret_n = n;
    return 0;
}

struct put {
    char id[UUID_SIZE];
    int64_t index;
    char disk_id[sizeof(((struct cache_instance *)0)->disk_id)];
    char *json;
    cache_done_fn done;
    void *arg;
};

static int exec_put(sqlite3 *db, void *arg)
{
    struct put *p = arg;
    return cache_sql_run(db,
                         "INSERT INTO instances (id, idx, disk_id, json) VALUES (?, ?, ?, ?)"
                         " ON CONFLICT (id) DO UPDATE SET idx = excluded.idx,"
                         " disk_id = excluded.disk_id, json = excluded.json",
                         "siss", p->id, p->index, p->disk_id, p->json);
}

static void on_put(void *arg, int status)
{
    struct put *p = arg;
    if (p->done)
        p->done(p->arg, status);
    mem_free(p->json);
    mem_free(p);
}

void cache_instances_put(struct cache_store *store, const struct cache_instance *instance,
                         cache_done_fn done, void *arg)
{
    struct put *p = mem_new(struct put);
    memcpy(p->id, instance->id, sizeof(p->id));
    memcpy(p->disk_id, instance->disk_id, sizeof(p->disk_id));
    p->index = instance->index;
    p->done = done;
    p->arg = arg;

    struct buf json;
    buf_init(&json, 0);
    cache_instance_append_json(instance, &json);
    (void)buf_append_str(&json, "}");
    p->json = buf_take(&json, NULL);
    cache_store_write(store, exec_put, on_put, p);
}

static int exec_remove(sqlite3 *db, void *arg)
{
    return cache_sql_run(db, "DELETE FROM instances WHERE id = ?", "s", (const char *)arg);
}

static void on_removed(void *arg, int status)
{
    (void)status;
    mem_free(arg);
}

void cache_instances_remove(struct cache_store *store, const char *id)
{
    cache_store_write(store, exec_remove, on_removed, mem_strdup(id));
}
