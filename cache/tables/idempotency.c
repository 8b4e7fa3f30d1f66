/* SPDX-License-Identifier: MIT */
#include "cache/tables/idempotency.h"

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/map.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"

/* Entries stand in `by_age` in the order they were put, so the old ones are taken from its front.
 * Their rows are deleted by age, at most once a minute. */

static const int64_t keep_ms = CACHE_IDEMPOTENCY_HOURS * INT64_C(3600000);
enum { PURGE_EVERY_MS = 60000 };

struct entry {
    struct list link;
    struct map_node by_key;
    int64_t created_at;
    char operation[UUID_SIZE];
    char *key; /* see make_key */
    char *fingerprint;
};

struct cache_idempotency {
    struct map by_key;
    struct list by_age;
    int64_t purged_at;
};

/* Both parts may hold any character; the length makes the pair unambiguous. */
static char *make_key(const char *who, const char *key)
{
    return mem_printf("%u:%s:%s", (unsigned)strlen(who), who, key);
}

struct cache_idempotency *cache_idempotency_new(void)
{
    struct cache_idempotency *keys = mem_new(struct cache_idempotency);
    map_init(&keys->by_key);
    list_init(&keys->by_age);
    return keys;
}

static void drop(struct cache_idempotency *keys, struct entry *e)
{
    map_remove(&keys->by_key, &e->by_key);
    list_unlink(&e->link);
    mem_free(e->key);
    mem_free(e->fingerprint);
    mem_free(e);
}

void cache_idempotency_free(struct cache_idempotency *keys)
{
    if (!keys)
        return;
    list_foreach(item, &keys->by_age)
        drop(keys, list_entry(item, struct entry, link));
    map_deinit(&keys->by_key);
    mem_free(keys);
}

static struct entry *find(struct cache_idempotency *keys, const char *who, const char *key)
{
    char *name cleanup(mem_freep) = make_key(who, key);
    struct map_node *node = map_find(&keys->by_key, name);
    return node ? container_of(node, struct entry, by_key) : NULL;
}

/* There must be none with this key. */
static void add(struct cache_idempotency *keys, const char *who, const char *key,
                const struct entry *values)
{
    struct entry *e = mem_new(struct entry);
    *e = *values;
    e->key = make_key(who, key);
    e->fingerprint = mem_strdup(values->fingerprint);
    map_insert(&keys->by_key, &e->by_key, e->key);
    list_append(&keys->by_age, &e->link);
}

static void load_row(struct cache_idempotency *keys, sqlite3_stmt *row)
{
    struct entry values = {
        .created_at = sqlite3_column_int64(row, 4),
        .fingerprint = (char *)cache_sql_text(row, 2),
    };
    str_copy(values.operation, sizeof(values.operation), cache_sql_text(row, 3));
    add(keys, cache_sql_text(row, 0), cache_sql_text(row, 1), &values);
}

int cache_idempotency_load(struct cache_idempotency *keys, sqlite3 *db)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(db, &stmt,
                            "SELECT who, key, fingerprint, operation, created_at FROM idempotency"
                            " WHERE created_at > ?"
                            " AND (EXISTS (SELECT 1 FROM operations o WHERE o.id = operation)"
                            " OR EXISTS (SELECT 1 FROM workstations w WHERE w.id = operation))"
                            " ORDER BY created_at",
                            "i", clock_wall_ms() - keep_ms);
    if (r < 0)
        return r;
    int stepped;
    while ((stepped = sqlite3_step(stmt)) == SQLITE_ROW)
        load_row(keys, stmt);
    return stepped == SQLITE_DONE ? 0 : cache_sql_error_code(db);
}

enum cache_idempotency_outcome cache_idempotency_find(struct cache_idempotency *keys,
                                                      const char *who, const char *key,
                                                      const char *fingerprint,
                                                      char ret_operation[UUID_SIZE])
{
    const struct entry *e = find(keys, who, key);
    if (!e || e->created_at <= clock_wall_ms() - keep_ms)
        return CACHE_IDEMPOTENCY_NEW;
    if (strcmp(e->fingerprint, fingerprint) != 0)
        return CACHE_IDEMPOTENCY_OTHER;
    memcpy(ret_operation, e->operation, UUID_SIZE);
    return CACHE_IDEMPOTENCY_SAME;
}

struct job {
    char *who, *key, *fingerprint, *operation;
    int64_t time;
};

static void free_job(void *arg, int status)
{
    struct job *job = arg;
    (void)status;
    mem_free(job->who);
    mem_free(job->key);
    mem_free(job->fingerprint);
    mem_free(job->operation);
    mem_free(job);
}

int cache_idempotency_write(sqlite3 *db, const char *who, const char *key, const char *fingerprint,
                            const char *operation, int64_t now)
{
    return cache_sql_run(db, "INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?)", "ssssi",
                         who, key, fingerprint, operation, now);
}

static int exec_put(sqlite3 *db, void *arg)
{
    struct job *job = arg;
    return cache_idempotency_write(db, job->who, job->key, job->fingerprint, job->operation,
                                   job->time);
}

static int exec_forget(sqlite3 *db, void *arg)
{
    struct job *job = arg;
    return cache_sql_run(db, "DELETE FROM idempotency WHERE who = ? AND key = ?", "ss", job->who,
                         job->key);
}

static int exec_purge(sqlite3 *db, void *arg)
{
    struct job *job = arg;
    return cache_sql_run(db, "DELETE FROM idempotency WHERE created_at <= ?", "i", job->time);
}

static void purge(struct cache_idempotency *keys, struct cache_store *store, int64_t now)
{
    int64_t limit = now - keep_ms;
    list_foreach(item, &keys->by_age) {
        struct entry *e = list_entry(item, struct entry, link);
        if (e->created_at > limit)
            break;
        drop(keys, e);
    }
    /* The clock may have been set back. */
    if (now - keys->purged_at < PURGE_EVERY_MS && now >= keys->purged_at)
        return;
    keys->purged_at = now;
    struct job *job = mem_new(struct job);
    job->time = limit;
    cache_store_write(store, exec_purge, free_job, job);
}

int cache_idempotency_remember(struct cache_idempotency *keys, struct cache_store *store,
                               const char *who, const char *key, const char *fingerprint,
                               const char *operation)
{
    int64_t now = clock_wall_ms();
    purge(keys, store, now);
    struct entry *old = find(keys, who, key);
    if (old)
        drop(keys, old);
    if (keys->by_key.n_items >= CACHE_IDEMPOTENCY_MAX_KEYS)
        return UV_ENOSPC;

    struct entry values = {.created_at = now, .fingerprint = (char *)fingerprint};
    str_copy(values.operation, sizeof(values.operation), operation);
    add(keys, who, key, &values);
    return 0;
}

int cache_idempotency_put(struct cache_idempotency *keys, struct cache_store *store,
                          const char *who, const char *key, const char *fingerprint,
                          const char *operation)
{
    int r = cache_idempotency_remember(keys, store, who, key, fingerprint, operation);
    if (r < 0)
        return r;
    struct job *job = mem_new(struct job);
    job->who = mem_strdup(who);
    job->key = mem_strdup(key);
    job->fingerprint = mem_strdup(fingerprint);
    job->operation = mem_strdup(operation);
    job->time = clock_wall_ms();
    cache_store_write(store, exec_put, free_job, job);
    return 0;
}

void cache_idempotency_forget(struct cache_idempotency *keys, struct cache_store *store,
                              const char *who, const char *key)
{
    struct entry *e = find(keys, who, key);
    if (!e)
        return;
    drop(keys, e);
    struct job *job = mem_new(struct job);
    job->who = mem_strdup(who);
    job->key = mem_strdup(key);
    cache_store_write(store, exec_forget, free_job, job);
}
