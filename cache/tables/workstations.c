/* SPDX-License-Identifier: MIT */
#include "cache/tables/workstations.h"

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"

static const char *const status_names[CACHE_WORKSTATION_STATUS_COUNT] = {
    [CACHE_WORKSTATION_UNKNOWN] = "unknown",         [CACHE_WORKSTATION_ONLINE] = "online",
    [CACHE_WORKSTATION_OFFLINE] = "offline",         [CACHE_WORKSTATION_DEGRADED] = "degraded",
    [CACHE_WORKSTATION_MAINTENANCE] = "maintenance",
};

const char *cache_workstation_status_name(enum cache_workstation_status status)
{
    return status_names[status];
}

int cache_workstation_status_parse(const char *name, enum cache_workstation_status *ret)
{
    for (int i = 0; i < CACHE_WORKSTATION_STATUS_COUNT; i++) {
        if (strcmp(name, status_names[i]) == 0) {
            *ret = (enum cache_workstation_status)i;
            return 0;
        }
    }
    return UV_EINVAL;
}

void cache_workstation_init(struct cache_workstation *w)
{
    *w = (struct cache_workstation){.labels = mem_strdup("{}")};
}

void cache_workstation_deinit(struct cache_workstation *w)
{
    mem_free(w->labels);
    w->labels = NULL;
}

void cache_workstation_copy(struct cache_workstation *to, const struct cache_workstation *from)
{
    char *labels = mem_strdup(from->labels);
    mem_free(to->labels);
    *to = *from;
    to->labels = labels;
}

/* --- reading --- */

static void read_row(sqlite3_stmt *row, struct cache_workstation *ret)
{
    cache_workstation_init(ret);
    str_copy(ret->id, sizeof(ret->id), cache_sql_text(row, 0));
    str_copy(ret->name, sizeof(ret->name), cache_sql_text(row, 1));
    str_copy(ret->address, sizeof(ret->address), cache_sql_text(row, 2));
    mem_free(ret->labels);
    ret->labels = cache_sql_json_dup(row, 3, "{}");
    ret->is_maintained = sqlite3_column_int(row, 4) != 0;
    /* A status of another version is looked for again. */
    (void)cache_workstation_status_parse(cache_sql_text(row, 5), &ret->status);
    ret->created_at = sqlite3_column_int64(row, 6);
    ret->updated_at = sqlite3_column_int64(row, 7);
    ret->last_seen_at = sqlite3_column_int64(row, 8);
}

int cache_workstations_load(sqlite3 *db, struct cache_workstation **ret_items, size_t *ret_n)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(db, &stmt,
                            "SELECT id, name, address, labels, maintenance, status, created_at,"
                            " updated_at, last_seen_at FROM workstations ORDER BY created_at, id",
                            "");
    if (r < 0)
        return r;
    struct cache_workstation *items = NULL;
    size_t n = 0, cap = 0;
    int stepped;
    while ((stepped = sqlite3_step(stmt)) == SQLITE_ROW) {
        items = mem_grow(items, n, &cap, sizeof(*items));
        read_row(stmt, &items[n++]);
    }
    if (stepped != SQLITE_DONE) {
        while (n > 0)
            cache_workstation_deinit(&items[--n]);
        mem_free(items);
        return cache_sql_error_code(db);
    }
    *ret_items = items;
    *ret_n = n;
    return 0;
}

/* --- writing --- */

struct job {
    struct cache_workstation row;
    struct cache_key_row *key; /* NULL = none */
    cache_done_fn done;
    void *arg;
};

static struct job *job_new(const char *id, const struct cache_key *key, cache_done_fn done,
                           void *arg)
{
    struct job *job = mem_new(struct job);
    str_copy(job->row.id, sizeof(job->row.id), id);
    job->key = cache_key_row_new(key, id);
    job->done = done;
    job->arg = arg;
    return job;
}

static void on_job(void *arg, int status)
{
    struct job *job = arg;
    if (job->done)
        job->done(job->arg, status);
    cache_workstation_deinit(&job->row);
    cache_key_row_free(job->key);
    mem_free(job);
}

static int exec_put(sqlite3 *db, void *arg)
{
    struct job *job = arg;
    const struct cache_workstation *w = &job->row;
    int r = cache_sql_run(
        db,
        "INSERT INTO workstations (id, name, address, labels, maintenance, status, created_at,"
        " updated_at, last_seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, address = excluded.address,"
        " labels = excluded.labels, maintenance = excluded.maintenance, status = excluded.status,"
        " created_at = excluded.created_at, updated_at = excluded.updated_at,"
        " last_seen_at = excluded.last_seen_at",
        "ssssisiii", w->id, w->name, w->address, w->labels, (int64_t)w->is_maintained,
        cache_workstation_status_name(w->status), w->created_at, w->updated_at, w->last_seen_at);
    return r < 0 ? r : cache_key_row_write(db, job->key);
}

void cache_workstations_put(struct cache_store *store, const struct cache_workstation *w,
                            const struct cache_key *key, cache_done_fn done, void *arg)
{
    struct job *job = job_new(w->id, key, done, arg);
    cache_workstation_copy(&job->row, w);
    cache_store_write(store, exec_put, on_job, job);
}

static int exec_remove(sqlite3 *db, void *arg)
{
    struct job *job = arg;
    int r = cache_sql_run(db, "DELETE FROM workstations WHERE id = ?", "s", job->row.id);
    return r < 0 ? r : cache_key_row_write(db, job->key);
}

void cache_workstations_remove(struct cache_store *store, const char *id,
                               const struct cache_key *key, cache_done_fn done, void *arg)
{
    cache_store_write(store, exec_remove, on_job, job_new(id, key, done, arg));
}

static int exec_put_status(sqlite3 *db, void *arg)
{
    const struct cache_workstation *w = &((struct job *)arg)->row;
    return cache_sql_run(db, "UPDATE workstations SET status = ?, last_seen_at = ? WHERE id = ?",
                         "sis", cache_workstation_status_name(w->status), w->last_seen_at, w->id);
}

void cache_workstations_put_status(struct cache_store *store, const char *id,
                                   enum cache_workstation_status status, int64_t last_seen_at)
{
    struct job *job = job_new(id, NULL, NULL, NULL);
    job->row.status = status;
    job->row.last_seen_at = last_seen_at;
    cache_store_write(store, exec_put_status, on_job, job);
}
