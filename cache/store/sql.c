/* SPDX-License-Identifier: MIT */
#include "cache/store/sql.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "base/text/json.h"
#include "cache/store/place.h"
#include "cache/store/profile.h"

int cache_sql_fold_system_error(int r)
{
    return r == UV_EROFS || r == UV_EPERM ? UV_EACCES : r;
}

const char *cache_sql_strerror(int r)
{
    return r == UV_ENXIO ? cache_place_finding() : uv_strerror(r);
}

const char *cache_sql_advice(int r)
{
    switch (r) {
    case UV_ENOSPC:
        return "free some space on the drive of the data directory";
    case UV_EACCES:
        return "make the data directory and the files in it writable for the account of the "
               "service";
    case UV_EBUSY:
        return "another program has locked the database file: close that program";
    case UV_ENXIO:
        return "put back what was there, or a copy with ldplayerd restore, or restart the service "
               "to go on with what is there";
    case UV_EFTYPE:
        return "a page of the file is damaged; the service starts again to repair it where there is "
               "room for a second database, but not twice in ten minutes: then move the data "
               "directory to another disk";
    default:
        return "check the drive of the data directory";
    }
}

int cache_sql_result(int sqlite_result)
{
    if (sqlite_result == SQLITE_CANTOPEN_ISDIR)
        return UV_EISDIR;
    switch (sqlite_result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return UV_EBUSY;
    case SQLITE_FULL:
        return UV_ENOSPC;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return UV_EACCES;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return UV_EFTYPE;
    case SQLITE_NOMEM:
        return UV_ENOMEM;
    case SQLITE_TOOBIG:
        return UV_E2BIG;
    case SQLITE_CONSTRAINT:
        return UV_EEXIST;
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
        return UV_EINVAL;
    default:
        return UV_EIO;
    }
}

/* A full disk shows as SQLITE_FULL when a page is written, but as an I/O error when the shared
 * memory file cannot grow; only the system's error tells. */
int cache_sql_error_code(sqlite3 *db)
{
    int code = sqlite3_extended_errcode(db);
    int primary = code & 0xff;
    int system_error = sqlite3_system_errno(db);
    if (system_error != 0 && (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN)) {
        int r = uv_translate_sys_error(system_error);
        if (r != UV_UNKNOWN && r < 0)
            return cache_sql_fold_system_error(r);
    }
    return cache_sql_result(code);
}

static void bind_all(sqlite3_stmt *stmt, const char *types, va_list args,
                     sqlite3_destructor_type lifetime)
{
    for (int i = 0; types[i]; i++) {
        int r;
        if (types[i] == 's')
            r = sqlite3_bind_text(stmt, i + 1, va_arg(args, const char *), -1, lifetime);
        else
            r = sqlite3_bind_int64(stmt, i + 1, va_arg(args, int64_t));
        assert(r == SQLITE_OK);
        (void)r;
    }
}

/* The connection's own list of statements is the cache. */
static sqlite3_stmt *find_kept(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = sqlite3_next_stmt(db, NULL);
    while (stmt && (sqlite3_stmt_busy(stmt) || strcmp(sqlite3_sql(stmt), sql) != 0))
        stmt = sqlite3_next_stmt(db, stmt);
    return stmt;
}

static int prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_stmt)
{
    *ret_stmt = find_kept(db, sql);
    if (*ret_stmt ||
        sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_stmt, NULL) == SQLITE_OK)
        return 0;
    return cache_sql_error_code(db);
}

static unsigned count_statements(sqlite3 *db)
{
    unsigned n = 0;
    for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s; s = sqlite3_next_stmt(db, s))
        n++;
    return n;
}

void cache_sql_release(sqlite3_stmt *stmt)
{
    if (!stmt)
        return;
    sqlite3 *db = sqlite3_db_handle(stmt);
    const struct cache_profile *profile = sqlite3_get_clientdata(db, "profile");
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    if (count_statements(db) > (profile ? profile : cache_profile_default)->statements)
        sqlite3_finalize(stmt);
}

int cache_sql_exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : cache_sql_error_code(db);
}

int cache_sql_run(sqlite3 *db, const char *sql, const char *types, ...)
{
    sqlite3_stmt *stmt;
    int r = prepare(db, sql, &stmt);
    if (r < 0)
        return r;
    va_list args;
    va_start(args, types);
    bind_all(stmt, types, args, SQLITE_STATIC);
    va_end(args);
    int stepped;
    do
        stepped = sqlite3_step(stmt);
    while (stepped == SQLITE_ROW);
    r = stepped == SQLITE_DONE ? 0 : cache_sql_error_code(db);
    cache_sql_release(stmt);
    return r;
}

int cache_sql_query(sqlite3 *db, sqlite3_stmt **ret_stmt, const char *sql, const char *types, ...)
{
    sqlite3_stmt *stmt;
    int r = prepare(db, sql, &stmt);
    if (r < 0)
        return r;
    va_list args;
    va_start(args, types);
    bind_all(stmt, types, args, SQLITE_TRANSIENT);
    va_end(args);
    *ret_stmt = stmt;
    return 0;
}

void cache_sql_releasep(sqlite3_stmt **stmt)
{
    cache_sql_release(*stmt);
}

int cache_sql_number(sqlite3 *db, const char *sql, int64_t *ret)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(db, &stmt, sql, "");
    if (r < 0)
        return r;
    if (sqlite3_step(stmt) != SQLITE_ROW)
        return cache_sql_error_code(db);
    *ret = sqlite3_column_int64(stmt, 0);
    return 0;
}

static void finalizep(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
}

/* Once for a connection, so the statement is not kept. */
int cache_sql_check_integrity(sqlite3 *db, char *finding, size_t size)
{
    sqlite3_stmt *stmt cleanup(finalizep) = NULL;
    if (sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW)
        return cache_sql_error_code(db);
    const char *text = cache_sql_text(stmt, 0);
    if (strcmp(text, "ok") == 0)
        return 0;
    const char *line = strchr(text, '\n'); /* behind one that says in which database */
    str_copy(finding, size, line ? line + 1 : text);
    finding[strcspn(finding, "\n")] = '\0';
    return UV_EFTYPE;
}

const char *cache_sql_text(sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return text ? text : "";
}

char *cache_sql_text_dup(sqlite3_stmt *stmt, int column)
{
    return mem_strdup((const char *)sqlite3_column_text(stmt, column));
}

bool cache_sql_is_json(sqlite3_stmt *stmt, int column)
{
    const char *text = cache_sql_text(stmt, column);
    yyjson_doc *doc cleanup(json_doc_freep) =
        yyjson_read(text, (size_t)sqlite3_column_bytes(stmt, column), 0);
    return doc != NULL;
}

char *cache_sql_json_dup(sqlite3_stmt *stmt, int column, const char *instead)
{
    return cache_sql_is_json(stmt, column) ? cache_sql_text_dup(stmt, column) : mem_strdup(instead);
}

void cache_sql_close(sqlite3 *db)
{
    if (!db)
        return;
    for (sqlite3_stmt *kept; (kept = sqlite3_next_stmt(db, NULL));) {
        assert(!sqlite3_stmt_busy(kept));
        sqlite3_finalize(kept);
    }
    int r = sqlite3_close(db);
    assert(r == SQLITE_OK);
    (void)r;
}

void cache_sql_closep(sqlite3 **db)
{
    cache_sql_close(*db);
}
