/* SPDX-License-Identifier: MIT */
#include "cache/tables/instances.h"

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"

static struct ldc_process_id read_process(sqlite3_stmt *row, int column)
{
    return (struct ldc_process_id){sqlite3_column_int64(row, column),
                                   (uint64_t)sqlite3_column_int64(row, column + 1)};
}

static struct ldc_settings *read_guarded(const char *json)
{
    yyjson_doc *doc cleanup(json_doc_freep) = yyjson_read(json, strlen(json), YYJSON_READ_NOFLAG);
    if (!doc)
        return NULL;
    struct ldc_settings *guarded = mem_new(struct ldc_settings);
    ldc_settings_read(yyjson_doc_get_root(doc), guarded);
    return guarded;
}

static int read_row(sqlite3_stmt *row, struct cache_instance *ret)
{
    int r = cache_instance_from_json(cache_sql_text(row, 0), ret);
    if (r < 0)
        return r;
    str_copy(ret->disk_id, sizeof(ret->disk_id), cache_sql_text(row, 1));
    ret->player = read_process(row, 2);
    ret->headless = read_process(row, 4);
    cache_care_read(cache_sql_text(row, 6), &ret->care);
    ret->guarded = read_guarded(cache_sql_text(row, 7));
    return 0;
}

/* A row that cannot be read is left out: the next look at ldconsole shows the instance again. */
static int load(sqlite3 *db, const char *sql, struct cache_instance **ret_items, size_t *ret_n)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(db, &stmt, sql, "");
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

#define COLUMNS "json, disk_id, player, player_born, headless, headless_born, care, guarded"

int cache_instances_load(sqlite3 *db, struct cache_instance **ret_items, size_t *ret_n)
{
    return load(db, "SELECT " COLUMNS " FROM instances WHERE gone_at = 0 ORDER BY idx", ret_items,
                ret_n);
}

int cache_instances_load_gone(sqlite3 *db, struct cache_instance **ret_items, size_t *ret_n)
{
    return load(db, "SELECT " COLUMNS " FROM instances WHERE gone_at > 0 ORDER BY gone_at",
                ret_items, ret_n);
}

struct put {
    char id[UUID_SIZE];
    int64_t index;
    char disk_id[sizeof(((struct cache_instance *)0)->disk_id)];
    struct ldc_process_id player, headless;
    char *json;
    cache_done_fn done;
    void *arg;
};

static int exec_put(sqlite3 *db, void *arg)
{
    struct put *p = arg;
    return cache_sql_run(db,
                         "INSERT INTO instances (id, idx, disk_id, player, player_born, headless,"
                         " headless_born, json) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                         " ON CONFLICT (id) DO UPDATE SET idx = excluded.idx, gone_at = 0,"
                         " disk_id = excluded.disk_id, player = excluded.player,"
                         " player_born = excluded.player_born, headless = excluded.headless,"
                         " headless_born = excluded.headless_born, json = excluded.json",
                         "sisiiiis", p->id, p->index, p->disk_id, p->player.pid,
                         (int64_t)p->player.born, p->headless.pid, (int64_t)p->headless.born,
                         p->json);
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
    p->player = instance->player;
    p->headless = instance->headless;
    p->done = done;
    p->arg = arg;

    struct buf json;
    buf_init(&json, 0);
    cache_instance_append_json(instance, &json);
    (void)buf_append_str(&json, "}");
    p->json = buf_take(&json, NULL);
    cache_store_write(store, exec_put, on_put, p);
}

struct put_care {
    char id[UUID_SIZE];
    char *care;
};

static int exec_put_care(sqlite3 *db, void *arg)
{
    const struct put_care *p = arg;
    return cache_sql_run(db, "UPDATE instances SET care = ? WHERE id = ?", "ss", p->care, p->id);
}

static void on_care_put(void *arg, int status)
{
    struct put_care *p = arg;
    (void)status;
    mem_free(p->care);
    mem_free(p);
}

void cache_instances_put_care(struct cache_store *store, const char *id,
                              const struct cache_care *care)
{
    struct put_care *p = mem_new(struct put_care);
    str_copy(p->id, sizeof(p->id), id);
    p->care = cache_care_write(care);
    cache_store_write(store, exec_put_care, on_care_put, p);
}

struct put_guarded {
    char id[UUID_SIZE];
    char *json;
};

static int exec_put_guarded(sqlite3 *db, void *arg)
{
    const struct put_guarded *p = arg;
    return cache_sql_run(db, "UPDATE instances SET guarded = ? WHERE id = ?", "ss", p->json, p->id);
}

static void on_guarded_put(void *arg, int status)
{
    struct put_guarded *p = arg;
    (void)status;
    mem_free(p->json);
    mem_free(p);
}

static char *write_guarded(const struct ldc_settings *guarded)
{
    if (ldc_settings_is_empty(guarded))
        return mem_strdup("");
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    ldc_settings_write(guarded, doc, root);
    return json_write(doc);
}

void cache_instances_put_guarded(struct cache_store *store, const char *id,
                                 const struct ldc_settings *guarded)
{
    struct put_guarded *p = mem_new(struct put_guarded);
    str_copy(p->id, sizeof(p->id), id);
    p->json = write_guarded(guarded);
    cache_store_write(store, exec_put_guarded, on_guarded_put, p);
}

static int exec_remove(sqlite3 *db, void *arg)
{
    return cache_sql_run(db, "DELETE FROM instances WHERE id = ?", "s", (const char *)arg);
}

static int exec_mark_gone(sqlite3 *db, void *arg)
{
    return cache_sql_run(db, "UPDATE instances SET gone_at = ? WHERE id = ?", "is", clock_wall_ms(),
                         (const char *)arg);
}

static void on_written(void *arg, int status)
{
    (void)status;
    mem_free(arg);
}

void cache_instances_remove(struct cache_store *store, const char *id)
{
    cache_store_write(store, exec_remove, on_written, mem_strdup(id));
}

void cache_instances_mark_gone(struct cache_store *store, const char *id)
{
    cache_store_write(store, exec_mark_gone, on_written, mem_strdup(id));
}

int cache_instances_delete_gone(sqlite3 *db, int64_t before, unsigned n_max, unsigned *ret_n)
{
    int r = cache_sql_run(db,
                          "DELETE FROM instances WHERE id IN (SELECT id FROM instances"
                          " WHERE gone_at > 0 AND gone_at < ? LIMIT ?)",
                          "ii", before, (int64_t)n_max);
    *ret_n = r < 0 ? 0 : (unsigned)sqlite3_changes(db);
    return r;
}
