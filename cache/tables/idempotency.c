/* SPDX-License-Identifier: MIT */
#include "cache/tables/idempotency.h"

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/map.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"

/* live ones, in the order in which they end -> expired, their rows are still there -> trimmed
 *
 * The wall clock counts once: when the table is loaded it tells how old each key is. Where it is
 * not believed it is 0, and each key as good as new. */

static const int64_t keep_ms = CACHE_IDEMPOTENCY_HOURS * INT64_C(3600000);

/* A row of the table, on its way there. */
struct cache_key_row {
    char *owner, *key, *fingerprint;
    char operation[UUID_SIZE];
    int64_t created_at; /* wall ms */
};

struct entry {
    struct list link;
    struct map_node by_name; /* while it is live */
    int64_t ends_at;         /* monotonic ms */
    char operation[UUID_SIZE];
    char *name; /* see make_name */
    char *fingerprint;
};

struct cache_idempotency {
    struct map by_name;
    struct list live, expired;
};

/* --- rows --- */

struct cache_key_row *cache_key_row_new(const struct cache_key *key, const char *operation)
{
    if (!key)
        return NULL;
    struct cache_key_row *row = mem_new(struct cache_key_row);
    row->owner = mem_strdup(key->owner);
    row->key = mem_strdup(key->key);
    row->fingerprint = mem_strdup(key->fingerprint);
    str_copy(row->operation, sizeof(row->operation), operation);
    row->created_at = clock_wall_ms();
    return row;
}

void cache_key_row_free(struct cache_key_row *row)
{
    if (!row)
        return;
    mem_free(row->owner);
    mem_free(row->key);
    mem_free(row->fingerprint);
    mem_free(row);
}

int cache_key_row_write(sqlite3 *db, const struct cache_key_row *row)
{
    if (!row)
        return 0;
    return cache_sql_run(db,
                         "INSERT OR REPLACE INTO idempotency"
                         " (owner, key, fingerprint, operation, created_at) VALUES (?, ?, ?, ?, ?)",
                         "ssssi", row->owner, row->key, row->fingerprint, row->operation,
                         row->created_at);
}

int cache_key_row_write_beside(sqlite3 *db, const struct cache_key_row *row)
{
    if (!row)
        return 0;
    return cache_sql_run(db,
                         "UPDATE operations SET key_owner = ?, key_fingerprint = ? WHERE id = ?",
                         "sss", row->owner, row->fingerprint, row->operation);
}

/* --- memory --- */

/* Both parts may hold any character; the length makes the pair unambiguous. */
static char *make_name(const char *owner, const char *key)
{
    return mem_printf("%u:%s:%s", (unsigned)strlen(owner), owner, key);
}

/* Returns the owner's part, for mem_free; *RET_KEY is in NAME. */
static char *split_name(const char *name, const char **ret_key)
{
    char *owner;
    size_t n = strtoul(name, &owner, 10);
    *ret_key = owner + 1 + n + 1;
    return mem_strndup(owner + 1, n);
}

struct cache_idempotency *cache_idempotency_new(void)
{
    struct cache_idempotency *keys = mem_new(struct cache_idempotency);
    map_init(&keys->by_name);
    list_init(&keys->live);
    list_init(&keys->expired);
    return keys;
}

static void entry_free(struct entry *e)
{
    list_unlink(&e->link);
    mem_free(e->fingerprint);
    mem_free(e->name);
    mem_free(e);
}

static void free_entries(struct list *entries)
{
    list_foreach(item, entries)
        entry_free(list_entry(item, struct entry, link));
}

void cache_idempotency_free(struct cache_idempotency *keys)
{
    if (!keys)
        return;
    map_deinit(&keys->by_name);
    free_entries(&keys->live);
    free_entries(&keys->expired);
    mem_free(keys);
}

char *cache_idempotency_owner_gone(const char *fingerprint)
{
    return mem_printf("gone %s", fingerprint);
}

static struct entry *find(const struct cache_idempotency *keys, const struct cache_key *key)
{
    char *name cleanup(mem_freep) = make_name(key->owner, key->key);
    struct map_node *node = map_find(&keys->by_name, name);
    return node ? container_of(node, struct entry, by_name) : NULL;
}

static struct entry *find_live(const struct cache_idempotency *keys, const struct cache_key *key)
{
    struct entry *e = find(keys, key);
    return e && e->ends_at > (int64_t)clock_mono_ms() ? e : NULL;
}

/* There must be none with its name. */
static void add(struct cache_idempotency *keys, const struct cache_key *key, const char *operation,
                int64_t ends_at)
{
    struct entry *e = mem_new(struct entry);
    e->name = make_name(key->owner, key->key);
    e->fingerprint = mem_strdup(key->fingerprint);
    str_copy(e->operation, sizeof(e->operation), operation);
    e->ends_at = ends_at;
    map_insert(&keys->by_name, &e->by_name, e->name);
    list_append(&keys->live, &e->link);
}

static void expire(struct cache_idempotency *keys)
{
    int64_t now = (int64_t)clock_mono_ms();
    list_foreach(item, &keys->live) {
        struct entry *e = list_entry(item, struct entry, link);
        if (e->ends_at > now)
            break;
        map_remove(&keys->by_name, &e->by_name);
        list_unlink(item);
        list_append(&keys->expired, item);
    }
}

enum cache_idempotency_outcome cache_idempotency_find(const struct cache_idempotency *keys,
                                                      const struct cache_key *key,
                                                      char ret_operation[UUID_SIZE])
{
    const struct entry *e = find_live(keys, key);
    if (!e) {
        char *gone cleanup(mem_freep) = cache_idempotency_owner_gone(key->fingerprint);
        e = find_live(keys, &(struct cache_key){gone, key->key, key->fingerprint});
    }
    if (!e)
        return CACHE_IDEMPOTENCY_NEW;
    if (strcmp(e->fingerprint, key->fingerprint) != 0)
        return CACHE_IDEMPOTENCY_OTHER;
    memcpy(ret_operation, e->operation, UUID_SIZE);
    return CACHE_IDEMPOTENCY_SAME;
}

int cache_idempotency_remember(struct cache_idempotency *keys, const struct cache_key *key,
                               const char *operation)
{
    expire(keys);
    if (find(keys, key))
        return UV_EEXIST;
    if (keys->by_name.n_items >= CACHE_IDEMPOTENCY_MAX_KEYS)
        return UV_ENOSPC;
    add(keys, key, operation, (int64_t)clock_mono_ms() + keep_ms);
    return 0;
}

void cache_idempotency_forget(struct cache_idempotency *keys, const struct cache_key *key)
{
    struct entry *e = find(keys, key);
    if (!e)
        return;
    map_remove(&keys->by_name, &e->by_name);
    entry_free(e);
}

/* --- the table --- */

static void load_row(struct cache_idempotency *keys, sqlite3_stmt *stmt, int64_t wall_ms)
{
    struct cache_key key = {cache_sql_text(stmt, 0), cache_sql_text(stmt, 1),
                            cache_sql_text(stmt, 2)};
    int64_t created_at = sqlite3_column_int64(stmt, 4);
    int64_t age = created_at < 0 ? keep_ms : created_at < wall_ms ? wall_ms - created_at : 0;
    add(keys, &key, cache_sql_text(stmt, 3),
        (int64_t)clock_mono_ms() + keep_ms - (age < keep_ms ? age : keep_ms));
}

int cache_idempotency_load(struct cache_idempotency *keys, sqlite3 *db, bool is_clock_off)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int64_t now = is_clock_off ? 0 : clock_wall_ms();
    int r = cache_sql_query(db, &stmt,
                            "SELECT owner, key, fingerprint, operation, created_at FROM idempotency"
                            " ORDER BY created_at",
                            "");
    if (r < 0)
        return r;
    int stepped;
    while ((stepped = sqlite3_step(stmt)) == SQLITE_ROW)
        load_row(keys, stmt, now);
    return stepped == SQLITE_DONE ? 0 : cache_sql_error_code(db);
}

struct trim {
    struct list entries;
    cache_done_fn done;
    void *arg;
};

/* A key that was used again meanwhile has another row now, which names another operation. */
static int delete_row(sqlite3 *db, const struct entry *e)
{
    const char *key;
    char *owner cleanup(mem_freep) = split_name(e->name, &key);
    return cache_sql_run(db,
                         "DELETE FROM idempotency WHERE owner = ? AND key = ? AND operation = ?",
                         "sss", owner, key, e->operation);
}

static int exec_trim(sqlite3 *db, void *arg)
{
    struct trim *t = arg;
    int r = 0;
    list_foreach(item, &t->entries) {
        if (r == 0)
            r = delete_row(db, list_entry(item, struct entry, link));
    }
    return r;
}

/* What could not be deleted is met again by the next start. */
static void on_trimmed(void *arg, int status)
{
    struct trim *t = arg;
    free_entries(&t->entries);
    if (t->done)
        t->done(t->arg, status);
    mem_free(t);
}

void cache_idempotency_trim(struct cache_idempotency *keys, struct cache_store *store,
                            size_t max_rows, cache_done_fn done, void *arg)
{
    struct trim *t = mem_new(struct trim);
    list_init(&t->entries);
    t->done = done;
    t->arg = arg;
    expire(keys);
    for (size_t n = 0; n < max_rows && !list_is_empty(&keys->expired); n++) {
        struct list *item = keys->expired.next;
        list_unlink(item);
        list_append(&t->entries, item);
    }
    cache_store_write(store, exec_trim, on_trimmed, t);
}

bool cache_idempotency_has_expired(const struct cache_idempotency *keys)
{
    return !list_is_empty(&keys->expired);
}

/* --- keys that the table has not, but that were used: after damage, and after a restore --- */

/* Of two uses of one key the later one counts. */
#define INSERT_KEY                                                                                 \
    "INSERT INTO idempotency (owner, key, fingerprint, operation, created_at, pruned)"
#define UNLESS_LATER                                                                               \
    " ON CONFLICT (owner, key) DO UPDATE SET fingerprint = excluded.fingerprint,"                  \
    " operation = excluded.operation, created_at = excluded.created_at, pruned = excluded.pruned"  \
    " WHERE excluded.created_at > created_at"

static int64_t oldest(void)
{
    return clock_wall_ms() - CACHE_IDEMPOTENCY_HOURS * INT64_C(3600000);
}

int cache_idempotency_rebuild(sqlite3 *db)
{
    return cache_sql_run(
        db,
        INSERT_KEY " SELECT key_owner, idempotency_key, key_fingerprint, id, created_at, 0"
                   " FROM operations WHERE created_at > ? AND key_owner IS NOT NULL"
                   " AND idempotency_key IS NOT NULL AND key_fingerprint IS NOT NULL" UNLESS_LATER,
        "i", oldest());
}

/* Owned by the caller. Who is no token keeps his id. */
static char *owner_in(sqlite3 *to, const char *owner, const char *fingerprint)
{
    sqlite3_stmt *token cleanup(cache_sql_releasep) = NULL;
    if (!random_is_uuid(owner) ||
        (cache_sql_query(to, &token, "SELECT 1 FROM tokens WHERE id = ?", "s", owner) == 0 &&
         sqlite3_step(token) == SQLITE_ROW))
        return mem_strdup(owner);
    return cache_idempotency_owner_gone(fingerprint);
}

static int carry_row(sqlite3_stmt *row, sqlite3 *to)
{
    const char *fingerprint = cache_sql_text(row, 2);
    char *owner cleanup(mem_freep) = owner_in(to, cache_sql_text(row, 0), fingerprint);
    return cache_sql_run(to,
                         INSERT_KEY " SELECT ?, ?, ?, ?4, ?, ? WHERE ?4 NOT IN"
                                    " (SELECT id FROM workstations)" UNLESS_LATER,
                         "ssssii", owner, cache_sql_text(row, 1), fingerprint,
                         cache_sql_text(row, 3), (int64_t)sqlite3_column_int64(row, 4),
                         (int64_t)sqlite3_column_int64(row, 5));
}

int cache_idempotency_carry_over(sqlite3 *from, sqlite3 *to)
{
    sqlite3_stmt *row cleanup(cache_sql_releasep) = NULL;
    /* Also those whose operation's record is lost: they say so. What was done to workstations since
     * is undone by the restore, and may be done again. */
    int r = cache_sql_query(from, &row,
                            "SELECT owner, key, fingerprint, operation, created_at, pruned"
                            " FROM idempotency WHERE created_at > ?"
                            " AND operation NOT IN (SELECT id FROM workstations)",
                            "i", oldest());
    int stepped = SQLITE_DONE;
    while (r == 0 && (stepped = sqlite3_step(row)) == SQLITE_ROW)
        r = carry_row(row, to);
    return r == 0 && stepped != SQLITE_DONE ? cache_sql_error_code(from) : r;
}
