/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CACHE_FIXTURE_H
#define TESTS_UNIT_CACHE_FIXTURE_H

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include <criterion/criterion.h>

#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "cache/store/store.h"
#include "tests/support/folder.h"

/** A database in a folder of its own with a loop and a store on top. */
struct fixture {
    char *folder;
    struct loop loop;
    struct cache_store *store;
    bool is_closed;
};

static inline sqlite3 *open_db(const char *folder)
{
    sqlite3 *db = NULL;
    struct cache_db_error err = {{0}};
    int r = cache_db_open(folder, &db, NULL, &err);
    cr_assert_eq(r, 0, "open: %d %s", r, err.text);
    return db;
}

/** For a query that gives one number. */
static inline int64_t query_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int r = cache_sql_query(db, &stmt, sql, "");
    cr_assert_eq(r, 0, "%s: %s", sql, sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW, "%s: %s", sql, sqlite3_errmsg(db));
    int64_t n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return n;
}

/** For statements that must succeed. */
static inline void execute(sqlite3 *db, const char *sql)
{
    char *text = NULL;
    int r = sqlite3_exec(db, sql, NULL, NULL, &text);
    cr_assert_eq(r, SQLITE_OK, "%s: %s", sql, text);
}

static inline sqlite3 *fixture_init(struct fixture *f)
{
    *f = (struct fixture){.folder = folder_make()};
    cr_assert_eq(loop_init(&f->loop), 0);
    return open_db(f->folder);
}

/** Opens the store on the folder's database. */
static inline void fixture_start(struct fixture *f)
{
    sqlite3 *db = fixture_init(f);
    f->store = cache_store_new(&f->loop, db, NULL);
}

static inline void on_fixture_closed(void *arg)
{
    struct fixture *f = arg;
    f->is_closed = true;
}

/** Runs the loop until *FLAG, also when nothing else keeps it alive. */
static inline void fixture_run_until(struct fixture *f, const bool *flag)
{
    uv_ref((uv_handle_t *)&f->loop.wake);
    while (!*flag)
        uv_run(&f->loop.uv, UV_RUN_ONCE);
    uv_unref((uv_handle_t *)&f->loop.wake);
}

static inline void fixture_close_store(struct fixture *f)
{
    cache_store_close(f->store, on_fixture_closed, f);
    loop_run(&f->loop);
    cr_assert(f->is_closed);
    f->store = NULL;
}

static inline void fixture_stop(struct fixture *f)
{
    if (f->store)
        fixture_close_store(f);
    cr_assert_eq(loop_deinit(&f->loop), 0, "a handle is still open");
    folder_remove(f->folder);
}

/** The second connection of another program. */
static inline sqlite3 *open_beside(const char *folder)
{
    sqlite3 *db = NULL;
    char *path = fs_join(folder, "ldplayerd.db");
    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    mem_free(path);
    return db;
}

static inline int exec_short_patience(sqlite3 *db, void *arg)
{
    (void)arg;
    sqlite3_busy_timeout(db, 10);
    return 0;
}

/** Another program holds the write lock, and the store waits for it 10 ms only. Turns the loop. The
 *  lock goes with the connection. */
static inline sqlite3 *lock_out(struct loop *loop, struct cache_store *store, const char *folder)
{
    cache_store_write(store, exec_short_patience, NULL, NULL);
    loop_run(loop);
    sqlite3 *other = open_beside(folder);
    execute(other, "BEGIN IMMEDIATE");
    return other;
}

/** Makes FOLDER a small file system of the test's own: neither a full disk nor a read-only one can
 *  be had by permissions when the tests run as root. Where none may be mounted the folder is
 *  removed and the test ends here, as skipped. */
static inline void mount_small(char *folder, const char *options)
{
    if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("tmpfs", folder, "tmpfs", 0, options) == 0)
        return;
    /* In the words that tools/test_summary.py looks for. */
    fprintf(stderr, "skipped: no file system may be mounted here: %s\n", strerror(errno));
    folder_remove(folder);
    cr_skip_test("no file system may be mounted here");
}

#endif
