/* SPDX-License-Identifier: MIT */
#include "cache/store/db.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "cache/pages/file.h"
#include "cache/pages/wal.h"

enum { BUSY_TIMEOUT_MS = 5000, CHECK_ALWAYS_MIB = 64 };

static int describe(int r, const char *path, struct cache_db_error *reterr)
{
    const char *advice;
    if (r == UV_EACCES)
        advice = "the folder or the file is read-only: make both writable for this account";
    else if (r == UV_ENOSPC)
        advice = "the disk is full: free some space";
    else if (r == UV_EBUSY)
        advice = "another program has locked it: close that program";
    else if (r == UV_ENOTDIR)
        advice = "a part of the path is a file, not a folder: choose another data folder";
    else if (r == UV_EIO)
        advice = "the disk does not read or write it: check the disk, then put back a copy with "
                 "ldplayerd restore, or move the file away";
    else
        advice = "check the disk and the path";
    snprintf(reterr->text, sizeof(reterr->text), "cannot open the database %.260s (%s): %s", path,
             uv_strerror(r), advice);
    return r;
}

/* NULL for a plain file, and where nothing is. What it is and what to do, in two parts. */
static const char *describe_kind(const char *file, const char **ret_advice)
{
    *ret_advice = "move it away";
    if (fs_is_link(file)) {
        *ret_advice = "put what it leads to in its place. The data directory as a whole may be one";
        return "a link, beside which its log would be missed";
    }
    int r = fs_check_file(file);
    return r == UV_EISDIR ? "a folder" : r == UV_EFTYPE ? "no plain file" : NULL;
}

int cache_db_check_kind(const char *path, struct cache_db_error *reterr)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < countof(suffixes); i++) {
        char *file cleanup(mem_freep) = mem_printf("%s%s", path, suffixes[i]);
        const char *advice, *kind = describe_kind(file, &advice);
        if (!kind)
            continue;
        snprintf(reterr->text, sizeof(reterr->text),
                 "the database cannot be opened, because %.260s is %s: %s", file, kind, advice);
        return UV_EISDIR;
    }
    return 0;
}

/* --- how a connection is set --- */

static int configure(sqlite3 *db)
{
    return cache_sql_exec(db, "PRAGMA journal_mode=WAL;"
                              "PRAGMA synchronous=FULL;"
                              "PRAGMA foreign_keys=ON;"
                              "PRAGMA cache_size=-1024;"
                              "PRAGMA mmap_size=0;"
                              "PRAGMA temp_store=MEMORY;"
                              "PRAGMA journal_size_limit=4194304");
}

int cache_db_tune(sqlite3 *db, const struct cache_profile *profile)
{
    char *sql cleanup(mem_freep) =
        mem_printf("PRAGMA synchronous=%s;"
                   "PRAGMA wal_autocheckpoint=%u;"
                   "PRAGMA cache_size=-%u",
                   profile->synchronous, profile->checkpoint_pages, profile->cache_kib);
    sqlite3_busy_timeout(db, (int)profile->busy_timeout_ms);
    /* Cannot fail but for memory; the profile is read when a statement is released. */
    (void)sqlite3_set_clientdata(db, "profile", (void *)profile, NULL);
    return cache_sql_exec(db, sql);
}

void cache_db_checkpoint(sqlite3 *db)
{
    /* What stands in the way is another program at work; the next start goes on. */
    (void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

int cache_db_open_reader(const char *path, const struct cache_profile *profile, sqlite3 **ret_db)
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK)
        return cache_sql_error_code(db);
    sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    int r = cache_db_tune(db, profile);
    if (r == 0)
        *ret_db = take_ptr(db);
    return r;
}

/* --- whether a file is sound --- */

/* -1 when there is none. */
static int64_t file_size(const char *path, const char *suffix)
{
    char *name cleanup(mem_freep) = mem_printf("%s%s", path, suffix);
    int64_t size = -1;
    (void)fs_size(name, &size);
    return size;
}

static int found(char finding[CACHE_FINDING_SIZE], const char *text)
{
    str_copy(finding, CACHE_FINDING_SIZE, text);
    return UV_EFTYPE;
}

/* In the head of the file (its format, offsets 18, 19 and 56): the versions to write and to read
 * are 1 with a journal and 2 with a log; the encoding of text is always UTF-8, 1, or 0 where the
 * first table stands in the log only. */
static bool is_head_wrong(const char *path)
{
    unsigned char head[60];
    return fs_read_head(path, head, sizeof(head)) == 0 &&
           (head[18] > 2 || head[19] > 2 || cache_file_u32(head + 56) > 1);
}

static bool is_log_readable(const char *path)
{
    uint32_t n;
    char *log cleanup(mem_freep) = mem_printf("%s-wal", path);
    return cache_file_count_unreadable(log, &n) == 0;
}

/* What SQLite would not find, but act on: it takes an emptied file for a new database and deletes
 * its log, forgets what stands in a log behind a bad frame or in one that is gone, reads text as
 * the head says, and only reads what the head says is to be written in a way of the future. */
static int check_files(const char *path, char finding[CACHE_FINDING_SIZE])
{
    if (file_size(path, "") == 0)
        return found(finding, "the file is empty");
    if (is_head_wrong(path))
        return found(finding, "the format that its header names is none of ours");
    if (!is_log_readable(path))
        return UV_EIO;
    if (cache_wal_is_damaged(path))
        return found(finding, "a part of the write-ahead log cannot be read");
    if (cache_wal_is_lost(path))
        return found(finding, CACHE_DB_LOG_LOST);
    return 0;
}

static bool is_check_due(const char *path)
{
    int64_t size = file_size(path, "");
    return size > 0 && (size <= CHECK_ALWAYS_MIB * INT64_C(1048576) ||
                        file_size(path, "-wal") > 0 || cache_repair_is_suspect(path));
}

static int check_schema(sqlite3 *db, char finding[CACHE_FINDING_SIZE])
{
    bool is_whole;
    int r = cache_schema_check(db, &is_whole);
    return r < 0 || is_whole ? r : found(finding, "its tables are not those of its version");
}

static int check(sqlite3 *db, const char *path, char finding[CACHE_FINDING_SIZE])
{
    int r = check_schema(db, finding);
    return r == 0 && is_check_due(path) ? cache_sql_check_integrity(db, finding, CACHE_FINDING_SIZE)
                                        : r;
}

/* --- opening --- */

/* What checks and repairs reads no other. */
static int check_page_size(sqlite3 *db, struct cache_db_error *reterr)
{
    int64_t size = 0;
    int r = cache_sql_number(db, "PRAGMA page_size", &size);
    if (r < 0 || size == CACHE_PAGE_SIZE)
        return r;
    snprintf(reterr->text, sizeof(reterr->text),
             "the database %.260s has pages of %d bytes, not of %d: somebody else has changed it. "
             "Put back a copy with ldplayerd restore, or move the file away",
             sqlite3_db_filename(db, "main"), (int)size, CACHE_PAGE_SIZE);
    return UV_ENOTSUP;
}

static int prepare(sqlite3 *db, const char *path, char finding[CACHE_FINDING_SIZE],
                   struct cache_db_error *reterr)
{
    /* Until the file is known to be sound, closing must leave its -wal as it is: it may be needed
     * to save what a damaged file held. */
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    if (sqlite3_db_readonly(db, "main") == 1)
        return UV_EACCES;
    int r = check(db, path, finding);
    /* Statements that are always the same fail so when the header or the schema is wrong. */
    if (r < 0 && sqlite3_errcode(db) == SQLITE_ERROR)
        r = UV_EFTYPE;
    if (r == 0)
        r = check_page_size(db, reterr);
    if (r == 0)
        r = configure(db);
    if (r == 0)
        r = cache_schema_migrate(db, reterr);
    if (r == UV_EFTYPE && !finding[0])
        str_copy(finding, CACHE_FINDING_SIZE, sqlite3_errmsg(db));
    if (r == 0)
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return r;
}

/* Whether it is single places of the disk that cannot be read: most of the file can be, and all of
 * its log, of which a part would pass for the whole. */
static bool is_worth_a_repair(const char *path)
{
    uint32_t n_pages, n_bad = cache_file_count_unreadable(path, &n_pages);
    return n_bad > 0 && n_bad < n_pages / 2 && is_log_readable(path);
}

/* Returns UV_EFTYPE for a damaged file. RETERR's text is empty when the code says it all. */
static int open_once(const char *path, sqlite3 **ret_db, char finding[CACHE_FINDING_SIZE],
                     struct cache_db_error *reterr)
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    finding[0] = '\0';
    int r = check_files(path, finding);
    if (r < 0)
        return r;
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    r = sqlite3_open_v2(path, &db, flags, NULL) == SQLITE_OK ? 0 : cache_sql_error_code(db);
    /* What may not be created SQLite tries to open for reading, and reports that it is not there.
     * The folder is: it was made or found before. */
    if (r == UV_ENOENT)
        r = UV_EACCES;
    /* Nothing is locked yet, and SQLite makes the log its owner's, too. */
    if (r == 0)
        (void)fs_give(path);
    if (r == 0)
        r = prepare(db, path, finding, reterr);
    if (r == 0)
        *ret_db = take_ptr(db);
    return r;
}

static int rebuild(const char *path, struct cache_repair *repair, struct cache_db_error *reterr)
{
    int r = cache_repair_run(path, repair);
    if (r < 0)
        snprintf(
            reterr->text, sizeof(reterr->text),
            "the database %.260s is damaged (%.100s) and could not be repaired (%s): make room "
            "on the disk and close what has the file open, or move it away",
            path, repair->finding, uv_strerror(r));
    return r;
}

static int open_or_repair(const char *path, sqlite3 **ret_db, struct cache_repair *ret,
                          struct cache_db_error *reterr)
{
    int r = open_once(path, ret_db, ret->finding, reterr);
    /* Putting a file aside is a grave thing: it must look damaged twice. */
    if (r == UV_EFTYPE || r == UV_EIO)
        r = open_once(path, ret_db, ret->finding, reterr);
    bool is_bad_disk = r == UV_EIO && is_worth_a_repair(path);
    if (r != UV_EFTYPE && !is_bad_disk)
        return r;
    if (is_bad_disk)
        str_copy(ret->finding, CACHE_FINDING_SIZE, "the disk does not read all of it any more");
    r = rebuild(path, ret, reterr);
    if (r == 0) {
        char finding[CACHE_FINDING_SIZE];
        r = open_once(path, ret_db, finding, reterr);
    }
    return r;
}

/* What is to be told of DB; it is closed when it does not say that. */
static int read_repair(sqlite3 **db, struct cache_repair *ret)
{
    int r = cache_repair_read(*db, ret);
    if (r < 0)
        cache_sql_close(take_ptr(*db));
    return r;
}

static int note_doubt(sqlite3 **db, struct cache_repair *repair)
{
    int r = cache_repair_note_doubt(*db, repair);
    if (r < 0)
        cache_sql_close(take_ptr(*db));
    return r;
}

/* --- one writer --- */

static atomic_bool has_writer;

static void release_writer(void *arg)
{
    (void)arg;
    atomic_store(&has_writer, false);
}

/* Goes back when the connection is closed. */
static void keep_claim(sqlite3 *db)
{
    /* Cannot fail but for memory. */
    (void)sqlite3_set_clientdata(db, "writer", &has_writer, release_writer);
}

static int claim_writer(const char *path, struct cache_db_error *reterr)
{
    if (!atomic_exchange(&has_writer, true))
        return 0;
    snprintf(
        reterr->text, sizeof(reterr->text),
        "the database %.260s is not opened: this process has a connection that writes already, "
        "which is a mistake in the program; please report it",
        path);
    return UV_EBUSY;
}

int cache_db_open(const char *data_dir, sqlite3 **ret_db, struct cache_repair *ret_repair,
                  struct cache_db_error *reterr)
{
    char *path cleanup(mem_freep) = fs_join(data_dir, CACHE_DB_NAME);
    struct cache_repair repair cleanup(cache_repair_deinit) = {
        .finish = ret_repair ? ret_repair->finish : NULL};
    reterr->text[0] = '\0';
    int r = claim_writer(path, reterr);
    if (r < 0)
        return r;
    r = cache_sql_fold_system_error(fs_make_dirs(data_dir));
    if (r == 0)
        r = cache_db_check_kind(path, reterr);
    if (r == 0)
        r = cache_repair_resume(path);
    if (r == 0)
        r = open_or_repair(path, ret_db, &repair, reterr);
    if (r == 0 && ret_repair && !repair.kept && cache_repair_is_suspect(path))
        r = note_doubt(ret_db, &repair);
    cache_repair_deinit(&repair);
    if (r == 0 && ret_repair)
        r = read_repair(ret_db, &repair);
    if (r == 0)
        keep_claim(*ret_db);
    else
        release_writer(NULL);
    if (r < 0 && !reterr->text[0])
        describe(r, path, reterr);
    if (r < 0)
        return r;
    cache_repair_trust(path);
    if (ret_repair) {
        *ret_repair = repair;
        repair = (struct cache_repair){0};
    }
    return 0;
}

void cache_db_close(sqlite3 *db)
{
    cache_sql_close(db);
}
