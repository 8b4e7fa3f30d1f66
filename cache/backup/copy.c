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
#include "cache/pages/file.h"
#include "cache/store/db.h"
#include "cache/store/files.h"

/* Between two parts it is asked whether the copy is wanted any more. */
enum { PAGES_AT_ONCE = 256, PATIENCE_MS = 5000 };

static bool is_cancelled(const atomic_bool *cancel)
{
    return cancel && atomic_load(cancel);
}

/* Either may be what somebody made to harm who opens it. */
static int open_db(const char *path, int flags, sqlite3 **ret)
{
    int r = sqlite3_open_v2(path, ret, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (r != SQLITE_OK)
        return cache_sql_error_code(*ret);
    sqlite3_db_config(*ret, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_db_config(*ret, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(*ret, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_busy_timeout(*ret, PATIENCE_MS);
    return 0;
}

/* --- what is said of it --- */

static int say(struct cache_db_error *reterr, int code, const char *path, const char *why)
{
    snprintf(reterr->text, sizeof(reterr->text), "%.250s: %.250s", path, why);
    return code;
}

static int describe(struct cache_db_error *reterr, int code, const char *path)
{
    if (code == UV_EFTYPE)
        return say(reterr, code, path, "it is no database, or a damaged one");
    if (code == UV_ECANCELED)
        return say(reterr, code, path, "it is not copied, because the service stops");
    return say(reterr, code, path, uv_strerror(code));
}

/* --- the pages --- */

/* Within a transaction of the source, so that all pages are of one moment. */
static int copy_pages(sqlite3 *from, sqlite3 *to, const atomic_bool *cancel, bool *ret_is_of_to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    int step = SQLITE_OK;
    *ret_is_of_to = true;
    if (!backup)
        return cache_sql_error_code(to);
    while (step == SQLITE_OK && !is_cancelled(cancel))
        step = sqlite3_backup_step(backup, PAGES_AT_ONCE);
    int finished = sqlite3_backup_finish(backup);
    if (step == SQLITE_DONE)
        return finished == SQLITE_OK ? 0 : cache_sql_error_code(to);
    /* Nobody else has the copy, and all that it can refuse is to be written. */
    *ret_is_of_to = step == SQLITE_FULL || step == SQLITE_IOERR_WRITE;
    return step == SQLITE_OK ? UV_ECANCELED : cache_sql_result(step);
}

/* The copy needs no journal: when something fails it is thrown away. */
static int copy_into(const char *from, const char *to, sqlite3 *db, const atomic_bool *cancel,
                     struct cache_db_error *reterr)
{
    sqlite3 *source cleanup(cache_sql_closep) = NULL;
    bool is_of_to = false;
    int r = open_db(from, SQLITE_OPEN_READONLY, &source);
    if (r == 0)
        r = cache_sql_exec(source, "BEGIN; SELECT count(*) FROM sqlite_master");
    if (r == UV_ENOENT) /* it is there, see check_source */
        return say(
            reterr, r, from,
            "it has a write-ahead log (-wal), which can be read only in a folder that can be "
            "written: copy both to another one");
    if (r < 0)
        return describe(reterr, r, from);
    r = cache_sql_exec(db, "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF");
    if (r < 0)
        return describe(reterr, r, to);
    r = copy_pages(source, db, cancel, &is_of_to);
    if (r < 0)
        return describe(reterr, r, is_of_to ? to : from);
    /* What was copied says that it has a write-ahead log. */
    r = cache_sql_exec(db, "PRAGMA journal_mode=DELETE");
    return r < 0 ? describe(reterr, r, to) : 0;
}

/* --- what it is --- */

static int check_version(sqlite3 *db, const char *from, struct cache_copy *copy,
                         struct cache_db_error *reterr)
{
    char why[160];
    int64_t version = 0, n_tables = 0;
    int r = cache_sql_number(db, "PRAGMA user_version", &version);
    if (r == 0)
        r = cache_sql_number(db,
                             "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN"
                             " ('instances', 'operations', 'events', 'idempotency', 'tokens')",
                             &n_tables);
    if (r < 0)
        return describe(reterr, r, from);
    copy->schema_version = (int)version;
    if (version < 1 || n_tables < 5)
        return say(reterr, UV_ENOTSUP, from, "it is a database of another program");
    if (version <= cache_schema_newest())
        return 0;
    snprintf(why, sizeof(why),
             "it was made by a newer ldplayerd (schema %d, this program knows up to %d): use that "
             "version",
             (int)version, cache_schema_newest());
    return say(reterr, UV_ENOTSUP, from, why);
}

/* As the head of the copy says (the SQLite file format), which is one plain file. */
static int check_format(sqlite3 *db, const char *from, struct cache_db_error *reterr)
{
    enum {
        PAGE_SIZE = 16,
        WRITE = 18,
        READ,
        RESERVED,
        LARGEST_ROOT = 52,
        ENCODING = 56,
        SIZE = 60
    };
    unsigned char head[SIZE];
    char why[220];
    int r = fs_read_head(sqlite3_db_filename(db, "main"), head, sizeof(head));
    if (r < 0)
        return describe(reterr, r == UV_EOF ? UV_EFTYPE : r, from);
    unsigned page_size = cache_file_u16(head + PAGE_SIZE),
             encoding = cache_file_u32(head + ENCODING);
    bool is_vacuumed = cache_file_u32(head + LARGEST_ROOT) > 0;
    if (page_size == CACHE_PAGE_SIZE && head[WRITE] <= 2 && head[READ] <= 2 &&
        head[RESERVED] == 0 && encoding == 1 && !is_vacuumed)
        return 0;
    snprintf(
        why, sizeof(why),
        "its format is none of ours, so a repair could not read it (page size %u, %u reserved, "
        "encoding %u, auto_vacuum %d, version %u): somebody else has changed this database",
        page_size, head[RESERVED], encoding, is_vacuumed, head[WRITE]);
    return say(reterr, UV_ENOTSUP, from, why);
}

/* Before anything is done that the file could have a say in. */
static int check_schema(sqlite3 *db, const char *from, const struct cache_copy *copy,
                        struct cache_db_error *reterr)
{
    char object[CACHE_SCHEMA_OBJECT_SIZE], why[220];
    int r = cache_schema_find_foreign(db, object);
    if (r < 0)
        return describe(reterr, r, from);
    if (!object[0])
        return 0;
    snprintf(why, sizeof(why),
             "its %s is not as schema %d has it: somebody else has changed this database", object,
             copy->schema_version);
    return say(reterr, UV_ENOTSUP, from, why);
}

static int check_integrity(sqlite3 *db, const char *from, struct cache_db_error *reterr)
{
    char finding[200] = "", why[220];
    int r = cache_sql_check_integrity(db, finding, sizeof(finding));
    if (r == 0)
        return 0;
    if (!finding[0])
        return describe(reterr, r, from);
    snprintf(why, sizeof(why), "it is damaged: %s", finding);
    return say(reterr, r, from, why);
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

/* The copy is what is looked at, and FROM is what it says something about. */
static int look_at(sqlite3 *db, const char *from, struct cache_copy *copy,
                   struct cache_db_error *reterr)
{
    int r = check_version(db, from, copy, reterr);
    if (r == 0)
        r = check_format(db, from, reterr);
    if (r == 0)
        r = check_schema(db, from, copy, reterr);
    if (r == 0)
        r = check_integrity(db, from, reterr);
    if (r < 0)
        return r;
    r = count_rows(db, copy);
    return r < 0 ? describe(reterr, r, from) : 0;
}

/* --- the file --- */

/* SQLite would say only that it cannot open it, or wait for what never comes. */
static int check_source(const char *from, struct cache_db_error *reterr)
{
    int r = fs_check_file(from);
    int64_t size = 0;
    if (r == UV_EISDIR)
        return say(reterr, r, from, "it is a folder");
    if (r == UV_EFTYPE)
        return say(reterr, UV_EISDIR, from, "it is no plain file");
    if (r == 0 && fs_size(from, &size) == 0 && size == 0)
        return say(reterr, UV_EFTYPE, from, "it is empty");
    return r < 0 ? describe(reterr, r, from) : cache_db_check_kind(from, reterr);
}

/* SQLite would say of one that cannot be made that it is not there. */
static int create(const char *path, struct cache_db_error *reterr)
{
    uv_fs_t req;
    int file =
        uv_fs_open(NULL, &req, path, UV_FS_O_WRONLY | UV_FS_O_CREAT | UV_FS_O_EXCL, 0600, NULL);
    uv_fs_req_cleanup(&req);
    if (file < 0)
        return describe(reterr, cache_sql_fold_system_error(file), path);
    (void)uv_fs_close(NULL, &req, file, NULL);
    uv_fs_req_cleanup(&req);
    return 0;
}

static int fill(const char *from, const char *to, const atomic_bool *cancel,
                struct cache_copy *copy, struct cache_db_error *reterr)
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    int r = open_db(to, SQLITE_OPEN_READWRITE, &db);
    if (r < 0)
        return describe(reterr, r, to);
    r = copy_into(from, to, db, cancel, reterr);
    return r == 0 ? look_at(db, from, copy, reterr) : r;
}

static int settle(const char *to, struct cache_copy *copy, struct cache_db_error *reterr)
{
    int r = fs_flush(to);
    if (r == 0)
        r = fs_size(to, &copy->bytes);
    return r < 0 ? describe(reterr, r, to) : 0;
}

int cache_copy_check(const char *path, struct cache_db_error *reterr)
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    struct cache_copy copy = {0};
    int r = check_source(path, reterr);
    if (r < 0)
        return r;
    r = open_db(path, SQLITE_OPEN_READONLY, &db);
    return r < 0 ? describe(reterr, r, path) : look_at(db, path, &copy, reterr);
}

int cache_copy_make(const char *from, const char *to, const atomic_bool *cancel,
                    struct cache_copy *ret, struct cache_db_error *reterr)
{
    struct cache_copy copy = {0};
    char *source cleanup(mem_freep) = fs_real(from); /* beside which a log is */
    cache_files_remove(to); /* a former one may have been cut off in the middle */
    int r = check_source(source, reterr);
    if (r == 0)
        r = create(to, reterr);
    if (r < 0)
        return r;
    r = fill(source, to, cancel, &copy, reterr);
    if (r == 0)
        r = settle(to, &copy, reterr);
    if (r < 0 && !fs_exists(to)) /* SQLite has more than one word for that */
        r = say(reterr, UV_ENXIO, to, "somebody has removed it while it was being made");
    if (r == 0)
        *ret = copy;
    else
        cache_files_remove(to);
    return r;
}
