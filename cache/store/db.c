/* SPDX-License-Identifier: MIT */
#include "cache/store/db.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"

enum { BUSY_TIMEOUT_MS = 5000 };

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
    else if (r == UV_EISDIR)
        advice = "there is a folder in the place of the file: move it away";
    else
        advice = "check the disk and the path";
    snprintf(reterr->text, sizeof(reterr->text), "cannot open the database %.260s (%s): %s", path,
             uv_strerror(r), advice);
    return r;
}

static int configure(sqlite3 *db, int patience_ms)
{
    /* Until the file is known to be sound, closing must leave its -wal as it is: it may be needed
     * to save what a damaged file held. */
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
    sqlite3_busy_timeout(db, patience_ms);
    if (sqlite3_db_readonly(db, "main") == 1)
        return UV_EACCES;
    int r = sqlite3_exec(db,
                         "PRAGMA journal_mode=WAL;"
                         "PRAGMA synchronous=FULL;"
                         "PRAGMA foreign_keys=ON;"
                         "PRAGMA cache_size=-1024;"
                         "PRAGMA mmap_size=0;"
                         "PRAGMA temp_store=MEMORY;"
                         "PRAGMA journal_size_limit=4194304",
                         NULL, NULL, NULL);
    return r == SQLITE_OK ? 0 : cache_sql_error_code(db);
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
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : cache_sql_error_code(db);
}

void cache_db_checkpoint(sqlite3 *db)
{
    /* What stands in the way is another program at work; the next start goes on. */
    (void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

/* Touches what will be read at start, so that damage there is met while the file can still be put
 * aside. Not a scan: the big tables are entered by an index. */
static int probe(sqlite3 *db)
{
    int r = sqlite3_exec(db,
                         "SELECT sum(length(json)) FROM instances;"
                         "SELECT max(seq) FROM events;"
                         "SELECT count(*) FROM operations WHERE status IN ('queued','running');"
                         "SELECT 1 FROM operations LIMIT 1;"
                         "SELECT 1 FROM idempotency LIMIT 1;"
                         "SELECT count(*) FROM tokens;"
                         "SELECT sum(length(labels)) FROM workstations",
                         NULL, NULL, NULL);
    return r == SQLITE_OK ? 0 : cache_sql_error_code(db);
}

static void closep(sqlite3 **db)
{
    cache_db_close(*db);
}

int cache_db_open_reader(const char *path, const struct cache_profile *profile, sqlite3 **ret_db)
{
    sqlite3 *db cleanup(closep) = NULL;
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

/* -1 when there is none. */
static int64_t file_size(const char *path)
{
    uv_fs_t req;
    int r = uv_fs_stat(NULL, &req, path, NULL);
    int64_t size = r == 0 ? (int64_t)req.statbuf.st_size : -1;
    uv_fs_req_cleanup(&req);
    return size;
}

/* A database whose file was emptied while its -wal was not: SQLite would take it for a new one and
 * delete the -wal, which is all that is left of it. The -wal is asked for first: while another
 * program makes the database, the file has its first page before there is a -wal. */
static bool is_emptied(const char *path)
{
    char *wal cleanup(mem_freep) = mem_printf("%s-wal", path);
    return file_size(wal) > 0 && file_size(path) == 0;
}

/* Returns UV_EFTYPE for a damaged file. RETERR's text is empty when the code says it all. */
static int open_once(const char *path, int patience_ms, sqlite3 **ret_db,
                     struct cache_db_error *reterr)
{
    sqlite3 *db cleanup(closep) = NULL;

    if (is_emptied(path))
        return UV_EFTYPE;
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int r = sqlite3_open_v2(path, &db, flags, NULL) == SQLITE_OK ? 0 : cache_sql_error_code(db);
    /* What may not be created SQLite tries to open for reading, and reports that it is not there.
     * The folder is: it was made or found before. */
    if (r == UV_ENOENT)
        r = UV_EACCES;
    if (r == 0)
        r = configure(db, patience_ms);
    if (r == 0)
        r = cache_schema_migrate(db, reterr);
    if (r == 0)
        r = probe(db);
    if (r < 0)
        return r;
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    *ret_db = take_ptr(db);
    return 0;
}

/* SQLite waits for most locks by itself, but not where two programs switch a new file to WAL at
 * the same time: it fears that they wait for each other. */
static int open_patiently(const char *path, sqlite3 **ret_db, struct cache_db_error *reterr)
{
    uint64_t started_ms = clock_mono_ms(), waited_ms = 0;
    int r;
    do {
        r = open_once(path, BUSY_TIMEOUT_MS - (int)waited_ms, ret_db, reterr);
        if (r == UV_EBUSY)
            uv_sleep(10);
        waited_ms = clock_mono_ms() - started_ms;
    } while (r == UV_EBUSY && waited_ms < BUSY_TIMEOUT_MS);
    return r;
}

static char *free_damaged_name(const char *path)
{
    char when[CLOCK_RFC3339_SIZE], stamp[CLOCK_RFC3339_SIZE];
    clock_format(clock_wall_ms(), when);
    size_t n = 0;
    for (const char *p = when; *p && *p != '.'; p++) {
        if (*p != '-' && *p != ':')
            stamp[n++] = *p;
    }
    stamp[n] = '\0';

    char *name = mem_printf("%s.damaged-%sZ", path, stamp);
    for (unsigned i = 2; fs_exists(name); i++) {
        mem_free(name);
        name = mem_printf("%s.damaged-%sZ-%u", path, stamp, i);
    }
    return name;
}

static int quarantine(const char *path, char **ret_kept)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char *kept cleanup(mem_freep) = free_damaged_name(path);
    for (size_t i = 0; i < countof(suffixes); i++) {
        char *from cleanup(mem_freep) = mem_printf("%s%s", path, suffixes[i]);
        char *to cleanup(mem_freep) = mem_printf("%s%s", kept, suffixes[i]);
        int r = fs_rename(from, to);
        if (r < 0 && !(i > 0 && r == UV_ENOENT))
            return r;
    }
    *ret_kept = take_ptr(kept);
    return 0;
}

/* 0 when there is none. */
static uint64_t file_number(const char *path)
{
    uv_fs_t req;
    int r = uv_fs_stat(NULL, &req, path, NULL);
    uint64_t number = r == 0 ? req.statbuf.st_ino : 0;
    uv_fs_req_cleanup(&req);
    return number;
}

static int open_or_replace(const char *path, sqlite3 **ret_db, char **ret_quarantined,
                           struct cache_db_error *reterr)
{
    uint64_t before = file_number(path);
    int r = open_patiently(path, ret_db, reterr);
    /* Putting a file aside is a grave thing: it must look damaged twice. */
    if (r == UV_EFTYPE)
        r = open_patiently(path, ret_db, reterr);
    if (r != UV_EFTYPE)
        return r;
    char *kept cleanup(mem_freep) = NULL;
    /* Another program may have put the damaged file aside meanwhile; its new one is good. */
    r = file_number(path) == before ? quarantine(path, &kept) : 0;
    if (r < 0) {
        snprintf(reterr->text, sizeof(reterr->text),
                 "the database %.260s is damaged and could not be put aside (%s): move it away",
                 path, uv_strerror(r));
        return r;
    }
    r = open_patiently(path, ret_db, reterr);
    if (ret_quarantined)
        *ret_quarantined = take_ptr(kept);
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

int cache_db_open(const char *data_dir, sqlite3 **ret_db, char **ret_quarantined,
                  struct cache_db_error *reterr)
{
    char *path cleanup(mem_freep) = fs_join(data_dir, "ldplayerd.db");
    reterr->text[0] = '\0';
    int r = claim_writer(path, reterr);
    if (r < 0)
        return r;
    r = cache_sql_fold_system_error(fs_make_dirs(data_dir));
    if (r == 0)
        r = open_or_replace(path, ret_db, ret_quarantined, reterr);
    if (r == 0)
        keep_claim(*ret_db);
    else
        release_writer(NULL);
    if (r < 0 && !reterr->text[0])
        describe(r, path, reterr);
    return r;
}

void cache_db_close(sqlite3 *db)
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
