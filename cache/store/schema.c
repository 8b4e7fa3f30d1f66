/* SPDX-License-Identifier: MIT */
#include "cache/store/schema.h"

#include <stdio.h>

#include <uv.h>

#include "base/memory/cleanup.h"

/* Times are wall clock milliseconds, 0 = not yet. Names of states and kinds are stored as text, so
 * that the order of an enum may change. */
static const char *const migrations[] = {
    /* 1 */
    "CREATE TABLE instances ("
    "  id TEXT NOT NULL PRIMARY KEY,"
    "  idx INTEGER NOT NULL,"
    "  removed_at INTEGER NOT NULL,"
    "  disk_id TEXT NOT NULL,"
    "  json TEXT NOT NULL"
    ");"
    "CREATE INDEX instances_present ON instances (idx) WHERE removed_at = 0;"

    "CREATE TABLE operations ("
    "  id TEXT NOT NULL PRIMARY KEY," /* ordered by time of creation */
    "  kind TEXT NOT NULL,"
    "  target TEXT NOT NULL,"
    "  parent TEXT NOT NULL,"
    "  status TEXT NOT NULL,"
    "  created_at INTEGER NOT NULL,"
    "  started_at INTEGER NOT NULL,"
    "  ended_at INTEGER NOT NULL,"
    "  percent INTEGER NOT NULL,"
    "  step TEXT,"
    "  step_index INTEGER NOT NULL,"
    "  step_issued INTEGER NOT NULL,"
    "  requested_by TEXT,"
    "  idempotency_key TEXT,"
    "  params TEXT NOT NULL,"
    "  result TEXT,"
    "  error TEXT,"
    "  evidence TEXT NOT NULL,"
    "  n_children INTEGER NOT NULL,"
    "  n_children_ended INTEGER NOT NULL,"
    "  n_children_failed INTEGER NOT NULL,"
    "  memo TEXT NOT NULL"
    ");"
    "CREATE INDEX operations_status ON operations (status, id);"
    "CREATE INDEX operations_kind ON operations (kind, id);"
    "CREATE INDEX operations_target ON operations (target, id) WHERE target <> '';"
    "CREATE INDEX operations_parent ON operations (parent, id) WHERE parent <> '';"
    "CREATE INDEX operations_ended ON operations (ended_at) WHERE ended_at > 0 AND parent = '';"

    "CREATE TABLE events ("
    "  seq INTEGER PRIMARY KEY,"
    "  time INTEGER NOT NULL,"
    "  type TEXT NOT NULL,"
    "  json TEXT NOT NULL"
    ");"

    "CREATE TABLE idempotency ("
    "  who TEXT NOT NULL,"
    "  key TEXT NOT NULL,"
    "  fingerprint TEXT NOT NULL,"
    "  operation TEXT NOT NULL,"
    "  created_at INTEGER NOT NULL,"
    "  PRIMARY KEY (who, key)"
    ") WITHOUT ROWID;"
    "CREATE INDEX idempotency_created ON idempotency (created_at);"

    "CREATE TABLE tokens ("
    "  id TEXT NOT NULL PRIMARY KEY,"
    "  name TEXT NOT NULL,"
    "  role TEXT NOT NULL,"
    "  digest TEXT NOT NULL UNIQUE,"
    "  created_at INTEGER NOT NULL,"
    "  expires_at INTEGER NOT NULL,"
    "  revoked_at INTEGER NOT NULL,"
    "  last_used_at INTEGER NOT NULL"
    ");",

    /* 2 */
    "CREATE TABLE workstations ("
    "  id TEXT NOT NULL PRIMARY KEY," /* "local" for this machine */
    "  name TEXT NOT NULL,"
    "  address TEXT NOT NULL,"
    "  labels TEXT NOT NULL,"
    "  maintenance INTEGER NOT NULL,"
    "  status TEXT NOT NULL,"
    "  created_at INTEGER NOT NULL,"
    "  updated_at INTEGER NOT NULL,"
    "  last_seen_at INTEGER NOT NULL,"
    "  removed_at INTEGER NOT NULL"
    ");"
    "CREATE UNIQUE INDEX workstations_name ON workstations (name) WHERE removed_at = 0;",

    /* 3 */
    "CREATE TABLE preferences ("
    "  name TEXT NOT NULL PRIMARY KEY,"
    "  value TEXT NOT NULL"
    ") WITHOUT ROWID;",

    /* 4: what was removed goes at once; a key belongs to an id, because a name can be given again:
     * to that of the live token which had the name when the key was used */
    "DELETE FROM instances WHERE removed_at > 0;"
    "DROP INDEX instances_present;"
    "ALTER TABLE instances DROP COLUMN removed_at;"
    "DELETE FROM workstations WHERE removed_at > 0;"
    "DROP INDEX workstations_name;"
    "ALTER TABLE workstations DROP COLUMN removed_at;"
    "CREATE UNIQUE INDEX workstations_name ON workstations (name);"
    "ALTER TABLE idempotency RENAME COLUMN who TO owner;"
    "UPDATE OR REPLACE idempotency SET owner = t.id FROM tokens t WHERE t.name = owner"
    " AND t.revoked_at = 0 AND t.created_at <= idempotency.created_at"
    " AND (t.expires_at = 0 OR t.expires_at > idempotency.created_at);",

    /* 5: an operation has what the row of its key can be made from again, and a key says that its
     * operation was removed, so that one that is not there for another reason is known as lost */
    "ALTER TABLE operations ADD COLUMN key_owner TEXT;"
    "ALTER TABLE operations ADD COLUMN key_fingerprint TEXT;"
    "ALTER TABLE idempotency ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;"
    "UPDATE operations SET key_owner = i.owner, key_fingerprint = i.fingerprint"
    " FROM idempotency i WHERE i.operation = operations.id;"
    "UPDATE idempotency SET pruned = 1 WHERE operation NOT IN (SELECT id FROM operations);",

    /* 6: an instance that is gone without having been removed by us is kept for a while, for the
     * case that its disk comes back; and its processes are known again after a restart */
    "ALTER TABLE instances ADD COLUMN gone_at INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE instances ADD COLUMN player INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE instances ADD COLUMN player_born INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE instances ADD COLUMN headless INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE instances ADD COLUMN headless_born INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX instances_gone ON instances (gone_at) WHERE gone_at > 0;",

    /* 8: what the watchdog has learned of an instance and done for it */
    "ALTER TABLE instances ADD COLUMN care TEXT NOT NULL DEFAULT '{}';",

    /* 9: what was collected at the end of an operation */
    "CREATE TABLE diagnostics ("
    "  operation TEXT NOT NULL PRIMARY KEY,"
    "  json TEXT NOT NULL"
    ");",

    /* 10: what operations have set of an instance, for the case that it is otherwise later */
    "ALTER TABLE instances ADD COLUMN guarded TEXT NOT NULL DEFAULT '';",
};

int cache_schema_newest(void)
{
    return (int)countof(migrations);
}

static int read_version(sqlite3 *db, int *ret)
{
    int64_t version = 0;
    int r = cache_sql_number(db, "PRAGMA user_version", &version);
    *ret = (int)version;
    return r;
}

static int apply(sqlite3 *db, int version)
{
    char sql[64];
    int r = cache_sql_exec(db, migrations[version]);
    /* What a migration needs is there, and what it makes is not, unless the file is damaged. */
    if (r < 0 && sqlite3_errcode(db) == SQLITE_ERROR)
        r = UV_EFTYPE;
    if (r < 0)
        return r;
    snprintf(sql, sizeof(sql), "PRAGMA user_version=%d", version + 1);
    return cache_sql_exec(db, sql);
}

int cache_schema_make(sqlite3 *db, int version)
{
    int r = 0;
    for (int i = 0; i < version && r == 0; i++)
        r = apply(db, i);
    return r;
}

int cache_schema_model(int version, sqlite3 **ret_db)
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK)
        return cache_sql_error_code(db);
    int r = cache_schema_make(db, version);
    if (r == 0)
        *ret_db = take_ptr(db);
    return r;
}

/* WANTED is at a row of a list of objects. */
static int has_object(sqlite3 *db, sqlite3_stmt *wanted, bool *ret)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(db, &stmt,
                            "SELECT 1 FROM sqlite_schema WHERE type = ? AND name = ?"
                            " AND tbl_name = ? AND coalesce(sql, '') = ?",
                            "ssss", cache_sql_text(wanted, 0), cache_sql_text(wanted, 1),
                            cache_sql_text(wanted, 2), cache_sql_text(wanted, 3));
    if (r < 0)
        return r;
    int stepped = sqlite3_step(stmt);
    *ret = stepped == SQLITE_ROW;
    return cache_sql_result(stepped);
}

static int is_empty(sqlite3 *db, bool *ret)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(db, &stmt, "SELECT 1 FROM sqlite_schema", "");
    if (r < 0)
        return r;
    int stepped = sqlite3_step(stmt);
    *ret = stepped == SQLITE_DONE;
    return cache_sql_result(stepped);
}

/* A file that has just these objects needs no model to be compared with, which would be a fifth of
 * the start. */
const uint64_t cache_schema_newest_digest = UINT64_C(0xb1fa187320583c75);

/* FNV-1a. */
int cache_schema_digest(sqlite3 *db, uint64_t *ret)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(db, &stmt,
                            "SELECT type || ' ' || name || ' ' || tbl_name || coalesce(sql, '')"
                            " FROM sqlite_schema ORDER BY name",
                            "");
    if (r < 0)
        return r;
    int stepped;
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    while ((stepped = sqlite3_step(stmt)) == SQLITE_ROW) {
        for (const char *at = cache_sql_text(stmt, 0); *at; at++)
            digest = (digest ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    }
    *ret = digest;
    return cache_sql_result(stepped);
}

/* Looks in DB for each object of MODEL. RET_MISSING is the first that is not there so, as "index
 * tokens_name"; else empty. */
static int find_missing(sqlite3 *db, sqlite3 *model, char ret_missing[CACHE_SCHEMA_OBJECT_SIZE])
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    bool is_there = true;
    int stepped = SQLITE_DONE;
    int r =
        cache_sql_query(model, &stmt, "SELECT type, name, tbl_name, sql FROM sqlite_schema", "");
    ret_missing[0] = '\0';
    while (r == 0 && is_there && (stepped = sqlite3_step(stmt)) == SQLITE_ROW) {
        r = has_object(db, stmt, &is_there);
        if (!is_there)
            snprintf(ret_missing, CACHE_SCHEMA_OBJECT_SIZE, "%.20s %.60s", cache_sql_text(stmt, 0),
                     cache_sql_text(stmt, 1));
    }
    return r < 0 ? r : cache_sql_result(stepped);
}

/* Objects beyond ours are none of our business here. */
int cache_schema_check(sqlite3 *db, bool *ret_is_whole)
{
    sqlite3 *model cleanup(cache_sql_closep) = NULL;
    char missing[CACHE_SCHEMA_OBJECT_SIZE] = "";
    int version = 0;
    *ret_is_whole = true;
    int r = read_version(db, &version);
    if (r < 0 || version > cache_schema_newest())
        return r;
    if (version <= 0)
        return is_empty(db, ret_is_whole);
    uint64_t digest = 0;
    if (version == cache_schema_newest())
        r = cache_schema_digest(db, &digest);
    if (r < 0 || digest == cache_schema_newest_digest)
        return r;
    r = cache_schema_model(version, &model);
    if (r == 0)
        r = find_missing(db, model, missing);
    *ret_is_whole = !missing[0];
    return r;
}

int cache_schema_find_foreign(sqlite3 *db, char ret_object[CACHE_SCHEMA_OBJECT_SIZE])
{
    sqlite3 *model cleanup(cache_sql_closep) = NULL;
    int version = 0;
    int r = read_version(db, &version);
    if (r == 0)
        r = cache_schema_model(version, &model);
    if (r == 0)
        r = find_missing(db, model, ret_object);
    return r == 0 && !ret_object[0] ? find_missing(model, db, ret_object) : r;
}

/* The version is read again under the write lock: another program may have migrated meanwhile. */
static int step(sqlite3 *db)
{
    int version = 0;
    int r = cache_sql_exec(db, "BEGIN IMMEDIATE");
    if (r < 0)
        return r;
    r = read_version(db, &version);
    if (r == 0 && version < cache_schema_newest())
        r = apply(db, version);
    if (r == 0)
        r = cache_sql_exec(db, "COMMIT");
    if (r < 0 && !sqlite3_get_autocommit(db))
        (void)cache_sql_exec(db, "ROLLBACK");
    return r;
}

int cache_schema_migrate(sqlite3 *db, struct cache_db_error *reterr)
{
    for (;;) {
        int version = 0;
        int r = read_version(db, &version);
        if (r == 0 && version > cache_schema_newest()) {
            snprintf(
                reterr->text, sizeof(reterr->text),
                "the database %.260s was made by a newer ldplayerd (schema %d, this program "
                "knows up to %d): install that version, put back a copy with ldplayerd restore, or "
                "move the file away",
                sqlite3_db_filename(db, "main"), version, cache_schema_newest());
            return UV_ENOTSUP;
        }
        if (r < 0 || version == cache_schema_newest())
            return r;
        r = step(db);
        if (r < 0)
            return r;
    }
}
