/* SPDX-License-Identifier: MIT */
#include "cache/backup/copy.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>
#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "cache/store/db.h"

/* Between two parts it is asked whether the copy is wanted any more. */
enum { PAGES_AT_ONCE = 256, PATIENCE_MS = 5000 };

static bool is_cancelled(const atomic_bool *cancel)
{
    return cancel && atomic_load(cancel);
}

static int open_db(const char *path, int flags, sqlite3 **ret)
{
    int r = sqlite3_open_v2(path, ret, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (r != SQLITE_OK)
        return cache_sql_error_code(*ret);
    sqlite3_db_config(*ret, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_busy_timeout(*ret, PATIENCE_MS);
    return 0;
}

/* --- the pages --- */

/* Within a transaction of the source, so that all pages are of one moment. */
static int copy_pages(sqlite3 *from, sqlite3 *to, const atomic_bool *cancel)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    int step = SQLITE_OK;
    if (!backup)
        return cache_sql_error_code(to);
    while (step == SQLITE_OK && !is_cancelled(cancel))
        step = sqlite3_backup_step(backup, PAGES_AT_ONCE);
    int finished = sqlite3_backup_finish(backup);
    if (step == SQLITE_OK)
        return UV_ECANCELED;
    if (step != SQLITE_DONE)
        return cache_sql_result(step);
    return finished == SQLITE_OK ? 0 : cache_sql_error_code(to);
}

/* The copy needs no journal: when something fails it is thrown away. */
static int copy_into(const char *from, sqlite3 *to, const atomic_bool *cancel)
{
    sqlite3 *source cleanup(cache_sql_closep) = NULL;
    int r = open_db(from, SQLITE_OPEN_READONLY, &source);
    if (r == 0)
        r = cache_sql_exec(source, "BEGIN; SELECT count(*) FROM sqlite_master");
    if (r == 0)
        r = cache_sql_exec(to, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF");
    if (r == 0)
        r = copy_pages(source, to, cancel);
    /* What was copied says that it has a write-ahead log. */
    return r == 0 ? cache_sql_exec(to, "PRAGMA journal_mode=DELETE") : r;
}

/* --- what it is --- */

static int check_kind(sqlite3 *db, struct cache_copy *copy, struct cache_db_error *reterr)
{
    int64_t version = 0, n_tables = 0;
    int r = cache_sql_number(db, "PRAGMA user_version", &version);
    if (r == 0)
        r = cache_sql_number(db,
                             "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN"
                             " ('instances', 'operations', 'events', 'idempotency', 'tokens')",
                             &n_tables);
    if (r < 0)
        return r;
    copy->schema_version = (int)version;
    if (version < 1 || n_tables < 5)
        snprintf(reterr->text, sizeof(reterr->text), "it is a database of another program");
    else if (version > cache_schema_newest())
        snprintf(reterr->text, sizeof(reterr->text),
                 "it was made by a newer ldplayerd (schema %d, this program knows up to %d): use "
                 "that version",
                 (int)version, cache_schema_newest());
    else
        return 0;
    return UV_ENOTSUP;
}

static int check_integrity(sqlite3 *db, struct cache_db_error *reterr)
{
    char finding[300];
    int r = cache_sql_check_integrity(db, finding, sizeof(finding));
    if (r == UV_EFTYPE)
        snprintf(reterr->text, sizeof(reterr->text), "it is damaged: %s", finding);
    return r;
}

static int count_rows(sqlite3 *db, struct cache_copy *copy)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(db, &stmt,
                            "SELECT name FROM sqlite_master WHERE type = 'table'"
                            " AND name NOT LIKE 'sqlite%' ORDER BY name",
                            "");
    while (r == 0 && copy->n_tables < CACHE_COPY_MAX_TABLES && sqlite3_step(stmt) == SQLITE_ROW) {
        struct cache_copy_table *table = &copy->tables[copy->n_tables++];
        str_copy(table->name, sizeof(table->name), cache_sql_text(stmt, 0));
        char *sql cleanup(mem_freep) = mem_printf("SELECT count(*) FROM \"%s\"", table->name);
        r = cache_sql_number(db, sql, &table->n_rows);
    }
    return r;
}

static int look_at(sqlite3 *db, struct cache_copy *copy, struct cache_db_error *reterr)
{
    int r = check_kind(db, copy, reterr);
    if (r == 0)
        r = check_integrity(db, reterr);
    return r == 0 ? count_rows(db, copy) : r;
}

/* --- the file --- */

static int make(const char *from, const char *to, const atomic_bool *cancel,
                struct cache_copy *copy, struct cache_db_error *reterr)
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    int r = open_db(to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db);
    if (r == 0)
        r = copy_into(from, db, cancel);
    return r == 0 ? look_at(db, copy, reterr) : r;
}

/* A former one may have been cut off in the middle. */
static void remove_all(const char *path)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    for (size_t i = 0; i < countof(suffixes); i++) {
        char *file cleanup(mem_freep) = mem_printf("%s%s", path, suffixes[i]);
        (void)fs_remove(file);
    }
}

static void describe(int r, struct cache_db_error *reterr)
{
    if (r == UV_EFTYPE)
        snprintf(reterr->text, sizeof(reterr->text), "it is no database, or a damaged one");
    else if (r == UV_ECANCELED)
        snprintf(reterr->text, sizeof(reterr->text), "the service stops");
    else
        snprintf(reterr->text, sizeof(reterr->text), "%s", uv_strerror(r));
}

int cache_copy_make(const char *from, const char *to, const atomic_bool *cancel,
                    struct cache_copy *ret, struct cache_db_error *reterr)
{
    struct cache_copy copy = {0};
    reterr->text[0] = '\0';
    remove_all(to);
    /* SQLite would say only that it cannot open it. */
    int r = fs_size(from, &copy.bytes);
    if (r == 0)
        r = make(from, to, cancel, &copy, reterr);
    if (r == 0)
        r = fs_flush(to);
    if (r == 0)
        r = fs_size(to, &copy.bytes);
    if (r == 0) {
        *ret = copy;
        return 0;
    }
    remove_all(to);
    if (!reterr->text[0])
        describe(r, reterr);
    return r;
}
