/* SPDX-License-Identifier: MIT */

/* A disk that does not read some places any more, as it says by EIO. */
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/cache/fixture.h"

static const char db_name[] = "ldplayerd.db", log_name[] = "ldplayerd.db-wal";

/* Of the one file that it is about. */
static ino_t bad_file;
static off_t bad_from, bad_to;

ssize_t __real_pread(int fd, void *to, size_t n, off_t at);
ssize_t __real_pread64(int fd, void *to, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *to, size_t n, off_t at);
ssize_t __wrap_pread64(int fd, void *to, size_t n, off_t at);

static bool is_bad(int fd, size_t n, off_t at)
{
    struct stat st;
    if (!bad_file || fstat(fd, &st) < 0 || st.st_ino != bad_file || at >= bad_to ||
        at + (off_t)n <= bad_from)
        return false;
    errno = EIO;
    return true;
}

ssize_t __wrap_pread(int fd, void *to, size_t n, off_t at)
{
    return is_bad(fd, n, at) ? -1 : __real_pread(fd, to, n, at);
}

ssize_t __wrap_pread64(int fd, void *to, size_t n, off_t at)
{
    return is_bad(fd, n, at) ? -1 : __real_pread64(fd, to, n, at);
}

static void spoil(const char *folder, const char *name, off_t from, off_t to)
{
    struct stat st;
    char *path = fs_join(folder, name);
    cr_assert_eq(stat(path, &st), 0);
    bad_file = st.st_ino;
    bad_from = from;
    bad_to = to;
    mem_free(path);
}

static void make_events(const char *folder)
{
    sqlite3 *db = open_db(folder);
    execute(db,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200)"
            " INSERT INTO events SELECT i, i, 'x', json_object('x', hex(zeroblob(100))) FROM n");
    cache_db_close(db);
}

Test(cache_unreadable, a_place_costs_what_stood_there)
{
    char *folder = folder_make();
    make_events(folder);
    spoil(folder, db_name, 0, 512);
    struct cache_repair repair = {0};
    struct cache_db_error err;
    sqlite3 *db = NULL;
    cr_assert_eq(cache_db_open(folder, &db, &repair, &err), 0, "%s", err.text);
    cr_assert_not_null(strstr(repair.finding, "the disk does not read"), "%s", repair.finding);
    cr_assert_not(cache_repair_is_loss(&repair), "the first page has no rows");
    cr_assert_eq(query_number(db, "SELECT count(*) FROM events"), 200);
    cache_repair_deinit(&repair);
    cache_db_close(db);
    folder_remove(folder);
}

static void expect_refused(const char *folder, size_t n_files)
{
    struct cache_db_error err;
    sqlite3 *db = NULL;
    cr_assert_eq(cache_db_open(folder, &db, NULL, &err), UV_EIO);
    cr_assert_not_null(strstr(err.text, "the disk does not read or write it"), "%s", err.text);
    cr_assert_eq(folder_count(folder), n_files);
    bad_file = 0;
    db = open_db(folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM events"), 200);
    cache_db_close(db);
}

Test(cache_unreadable, a_disk_that_reads_next_to_nothing_is_no_reason_to_begin_anew)
{
    char *folder = folder_make();
    make_events(folder);
    spoil(folder, db_name, 0, 1 << 30);
    expect_refused(folder, 1);
    folder_remove(folder);
}

/* What is behind the place would be lost without a word. */
Test(cache_unreadable, nor_is_a_place_in_the_log)
{
    char *folder = folder_make();
    make_events(folder);
    pid_t pid = fork();
    if (pid == 0) {
        execute(open_db(folder), "UPDATE events SET type = 'y'");
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    spoil(folder, log_name, 32, 64);
    expect_refused(folder, 3);
    folder_remove(folder);
}
