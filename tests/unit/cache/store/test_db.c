/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/system/random.h"
#include "base/text/str.h"
#include "cache/store/schema.h"
#include "tests/unit/cache/fixture.h"

static const char db_name[] = "ldplayerd.db";

/* For a damaged file: opens, and gives the path that it was kept under (NULL = none). */
static sqlite3 *open_damaged(const char *folder, char **ret_kept)
{
    sqlite3 *db = NULL;
    struct cache_db_error err;
    struct cache_repair repair = {0};
    int r = cache_db_open(folder, &db, &repair, &err);
    cr_assert_eq(r, 0, "%s", err.text);
    *ret_kept = mem_strdup(repair.kept);
    cache_repair_deinit(&repair);
    return db;
}

static int open_refused(const char *folder, struct cache_db_error *err)
{
    sqlite3 *db = NULL;
    struct cache_repair repair = {0};
    int r = cache_db_open(folder, &db, &repair, err);
    cr_assert_null(db);
    cr_assert_null(repair.kept, "it was renamed to %s", repair.kept);
    return r;
}

static struct buf read_whole(const char *folder, const char *name)
{
    struct buf bytes;
    char *path cleanup(mem_freep) = fs_join(folder, name);
    buf_init(&bytes, 0);
    int r = fs_read(path, &bytes);
    cr_assert_eq(r, 0, "%s: %s", path, uv_strerror(r));
    return bytes;
}

static bool are_equal(const struct buf *a, const struct buf *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void overwrite(const char *folder, const char *name, size_t from, size_t n)
{
    char *path cleanup(mem_freep) = fs_join(folder, name);
    FILE *file = fopen(path, "r+b");
    cr_assert_not_null(file);
    fseek(file, (long)from, SEEK_SET);
    for (size_t i = 0; i < n; i++)
        fputc(0xA5, file);
    fclose(file);
}

static void copy_beside(const char *from, const char *to, const char *name)
{
    char *a cleanup(mem_freep) = fs_join(from, name);
    char *b cleanup(mem_freep) = fs_join(to, name);
    cr_assert_eq(fs_copy(a, b), 0);
}

Test(cache_db, a_new_database_is_made_with_its_folder_and_the_right_settings)
{
    char *folder = folder_make();
    char *deep cleanup(mem_freep) = fs_join(folder, "a/b");
    sqlite3 *db = open_db(deep);
    cr_assert_eq(query_number(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    cr_assert_eq(query_number(db, "PRAGMA synchronous"), 2);
    cr_assert_eq(query_number(db, "PRAGMA foreign_keys"), 1);
    cr_assert_eq(query_number(db, "PRAGMA busy_timeout"), 5000);
    cr_assert_eq(query_number(db, "PRAGMA cache_size"), -1024);
    cr_assert_eq(query_number(db, "PRAGMA user_version"), cache_schema_newest());
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_db, opening_an_up_to_date_database_changes_no_byte)
{
    char *folder = folder_make();
    cache_db_close(open_db(folder));
    struct buf before = read_whole(folder, db_name);

    sqlite3 *db = open_db(folder);
    cr_assert_eq(sqlite3_total_changes64(db), 0);
    struct buf wal = read_whole(folder, "ldplayerd.db-wal");
    cr_assert_eq(wal.len, 0, "something was written to the log");
    cache_db_close(db);
    struct buf after = read_whole(folder, db_name);
    cr_assert(are_equal(&before, &after));

    buf_deinit(&before);
    buf_deinit(&after);
    buf_deinit(&wal);
    folder_remove(folder);
}

Test(cache_db, closing_leaves_no_log_behind)
{
    char *folder = folder_make();
    sqlite3 *db = open_db(folder);
    execute(db, "INSERT INTO events VALUES (1, 2, 'x', '{}')");
    cache_db_close(db);
    cr_assert_eq(folder_count(folder), 1);
    cache_db_close(NULL);
    folder_remove(folder);
}

Test(cache_db, a_file_that_is_no_database_is_put_aside_whole)
{
    char *folder = folder_make();
    folder_write(folder, db_name, "this is somebody's diary, not a database");
    char *kept;
    sqlite3 *db = open_damaged(folder, &kept);
    cr_assert_not_null(kept);
    cr_assert(str_has_prefix(fs_basename(kept), "ldplayerd.db.damaged-20"), "%s", kept);
    cr_assert(str_has_suffix(kept, "Z"));
    char *text = folder_read(folder, fs_basename(kept));
    cr_assert_str_eq(text, "this is somebody's diary, not a database");
    execute(db, "INSERT INTO events VALUES (1, 2, 'x', '{}')");

    mem_free(text);
    mem_free(kept);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_db, two_damaged_files_in_one_second_are_both_kept)
{
    char *folder = folder_make();
    char *kept[3];
    for (size_t i = 0; i < countof(kept); i++) {
        char *text cleanup(mem_freep) = mem_printf("damaged number %d", (int)i);
        folder_write(folder, db_name, text);
        cache_db_close(open_damaged(folder, &kept[i]));
        cr_assert_not_null(kept[i]);
    }
    for (size_t i = 0; i < countof(kept); i++) {
        char *text cleanup(mem_freep) = mem_printf("damaged number %d", (int)i);
        char *found cleanup(mem_freep) = folder_read(folder, fs_basename(kept[i]));
        cr_assert_str_eq(found, text);
        mem_free(kept[i]);
    }
    folder_remove(folder);
}

/* Leaves a database with a log in TO, as a killed process does. */
static void make_crashed(const char *from, const char *to)
{
    sqlite3 *db = open_db(from);
    execute(db, "INSERT INTO events VALUES (7, 2, 'x', '{}')");
    copy_beside(from, to, db_name);
    copy_beside(from, to, "ldplayerd.db-wal");
    cache_db_close(db);
}

Test(cache_db, what_a_killed_process_left_in_the_log_is_there)
{
    char *from = folder_make(), *folder = folder_make();
    make_crashed(from, folder);
    sqlite3 *db = open_db(folder);
    cr_assert_eq(query_number(db, "SELECT max(seq) FROM events"), 7);
    cache_db_close(db);
    folder_remove(from);
    folder_remove(folder);
}

/* A database with event 7 and no log beside it. */
static void make_whole(const char *folder)
{
    sqlite3 *db = open_db(folder);
    execute(db, "INSERT INTO events VALUES (7, 2, 'x', '{}')");
    cache_db_close(db);
}

static int64_t size_of(const char *folder, const char *name)
{
    int64_t size = -1;
    char *path = fs_join(folder, name);
    (void)fs_size(path, &size);
    mem_free(path);
    return size;
}

/* Leaves a log of three transactions, each of the same number of frames, and what is of no use any
 * more behind it; both are killed by their end. */
static void make_killed(const char *folder)
{
    pid_t pid = fork();
    if (pid == 0) {
        sqlite3 *db = open_db(folder);
        execute(db, "BEGIN; CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000)); DROP"
                    " TABLE t; COMMIT; PRAGMA wal_checkpoint(RESTART)");
        for (int i = 0; i < 3; i++)
            execute(db, "INSERT INTO events (time, type, json) VALUES (2, 'x', '{}')");
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

static size_t count_of_one(const char *folder)
{
    enum { FRAMES_AT = 16 };
    struct buf shared = read_whole(folder, "ldplayerd.db-shm");
    uint32_t n;
    memcpy(&n, shared.data + FRAMES_AT, sizeof(n));
    buf_deinit(&shared);
    cr_assert_eq(n % 3, 0);
    return n / 3;
}

/* The file says what is from before; the killed one's -shm tells how long its log was. */
Test(cache_db, a_log_that_has_lost_what_was_in_it_after_a_kill_is_told)
{
    enum { GONE = -1, HEADER = 32, FRAME = 24 + 4096 };
    static const struct {
        int n_left; /* transactions in the log; or GONE */
        int bytes;  /* of the next one; -1: none, not even of the header */
        int last;   /* event that is left */
    } cases[] = {{GONE, 0, 7}, {0, -1, 7}, {0, 0, 7}, {1, 0, 8}, {2, 0, 9}, {2, FRAME / 2, 9}};
    for (size_t i = 0; i < countof(cases); i++) {
        char *folder = folder_make(), *log = fs_join(folder, "ldplayerd.db-wal");
        make_whole(folder);
        make_killed(folder);
        size_t n = count_of_one(folder);
        int64_t end = HEADER + (int64_t)(n * FRAME) * cases[i].n_left + cases[i].bytes;
        cr_assert_gt(size_of(folder, "ldplayerd.db-wal"), HEADER + (int64_t)(3 * n * FRAME));
        if (cases[i].n_left == GONE)
            cr_assert_eq(fs_remove(log), 0);
        else
            cr_assert_eq(truncate(log, cases[i].bytes < 0 ? 0 : end), 0);
        struct cache_repair repair = {0};
        struct cache_db_error err;
        sqlite3 *db = NULL;
        cr_assert_eq(cache_db_open(folder, &db, &repair, &err), 0, "%s", err.text);
        cr_assert_not_null(repair.kept, "%zu", i);
        cr_assert(cache_repair_is_loss(&repair), "though each row of the file was kept");
        cache_repair_deinit(&repair);
        cr_assert_eq(query_number(db, "SELECT max(seq) FROM events"), cases[i].last, "%zu", i);
        cache_db_close(db);
        mem_free(log);
        folder_remove(folder);
    }
}

/* As file systems leave the end of a file that they had no time to write. */
Test(cache_db, a_last_transaction_that_is_not_to_be_read_after_a_kill_is_told)
{
    char *folder = folder_make(), *kept cleanup(mem_freep) = NULL;
    make_whole(folder);
    make_killed(folder);
    overwrite(folder, "ldplayerd.db-wal", 32 + 2 * count_of_one(folder) * (24 + 4096), 24 + 4096);
    sqlite3 *db = open_damaged(folder, &kept);
    cr_assert_not_null(kept);
    cr_assert_eq(query_number(db, "SELECT max(seq) FROM events"), 9);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_db, what_stands_behind_a_log_may_go)
{
    char *folder = folder_make(), *log = fs_join(folder, "ldplayerd.db-wal");
    make_whole(folder);
    make_killed(folder);
    cr_assert_eq(truncate(log, 32 + (off_t)(3 * count_of_one(folder) * (24 + 4096))), 0);
    char *kept cleanup(mem_freep) = NULL;
    sqlite3 *db = open_damaged(folder, &kept);
    cr_assert_null(kept);
    cr_assert_eq(query_number(db, "SELECT max(seq) FROM events"), 10);
    cache_db_close(db);
    mem_free(log);
    folder_remove(folder);
}

/* Nor what has just been closed. */
Test(cache_db, a_log_that_was_copied_back_may_go)
{
    char *folder = folder_make(), *log = fs_join(folder, "ldplayerd.db-wal");
    make_whole(folder);
    pid_t pid = fork();
    if (pid == 0) {
        sqlite3 *db = open_db(folder);
        execute(db, "INSERT INTO events VALUES (8, 2, 'x', '{}')");
        cache_db_checkpoint(db);
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    cr_assert_eq(fs_remove(log), 0);
    struct cache_repair repair = {0};
    struct cache_db_error err;
    sqlite3 *db = NULL;
    cr_assert_eq(cache_db_open(folder, &db, &repair, &err), 0, "%s", err.text);
    cr_assert_null(repair.kept);
    cr_assert_eq(query_number(db, "SELECT max(seq) FROM events"), 8);
    cache_db_close(db);
    mem_free(log);
    folder_remove(folder);
}

static void check_log_is_kept(const char *folder, const struct buf *wal)
{
    char *kept cleanup(mem_freep) = NULL;
    sqlite3 *db = open_damaged(folder, &kept);
    cr_assert_not_null(kept);
    char *kept_wal cleanup(mem_freep) = mem_printf("%s-wal", fs_basename(kept));
    struct buf after = read_whole(folder, kept_wal);
    cr_assert(are_equal(wal, &after), "the log of the damaged file was changed");
    buf_deinit(&after);
    cache_db_close(db);
}

Test(cache_db, a_damaged_file_keeps_its_log)
{
    char *from = folder_make(), *folder = folder_make();
    make_crashed(from, folder);
    /* Page 1 is in the log too: both must be bad for SQLite to see no database. */
    overwrite(folder, db_name, 0, 100);
    overwrite(folder, "ldplayerd.db-wal", 32 + 24, 100);
    struct buf wal = read_whole(folder, "ldplayerd.db-wal");
    check_log_is_kept(folder, &wal);
    buf_deinit(&wal);
    folder_remove(from);
    folder_remove(folder);
}

Test(cache_db, an_emptied_file_beside_its_log_counts_as_damaged)
{
    char *from = folder_make(), *folder = folder_make();
    make_crashed(from, folder);
    folder_write(folder, db_name, "");
    struct buf wal = read_whole(folder, "ldplayerd.db-wal");
    check_log_is_kept(folder, &wal);
    buf_deinit(&wal);
    folder_remove(from);
    folder_remove(folder);
}

static void check_event_is_there(const char *folder)
{
    char *kept cleanup(mem_freep) = NULL;
    sqlite3 *db = open_damaged(folder, &kept);
    cr_assert_not_null(kept, "a log that cannot be read is told of");
    cr_assert_eq(query_number(db, "SELECT max(seq) FROM events"), 7);
    cache_db_close(db);
}

Test(cache_db, a_log_that_is_none_costs_nothing_of_the_file)
{
    static const size_t sizes[] = {1, 31, 512, 4096, 50000};
    for (size_t i = 0; i < countof(sizes); i++) {
        char *folder = folder_make();
        char bytes[50000];
        make_whole(folder);
        random_bytes(bytes, sizeof(bytes));
        char *log cleanup(mem_freep) = fs_join(folder, "ldplayerd.db-wal");
        cr_assert_eq(fs_write_atomic(log, bytes, sizes[i]), 0);
        check_event_is_there(folder);
        folder_remove(folder);
    }
}

Test(cache_db, a_database_in_the_place_of_its_log_costs_nothing_of_the_file)
{
    char *folder = folder_make();
    make_whole(folder);
    char *file cleanup(mem_freep) = fs_join(folder, db_name);
    char *log cleanup(mem_freep) = fs_join(folder, "ldplayerd.db-wal");
    cr_assert_eq(fs_copy(file, log), 0);
    check_event_is_there(folder);
    folder_remove(folder);
}

/* The first frame can say any page and any size of the database. */
Test(cache_db, a_bad_beginning_of_the_log_ends_no_start)
{
    static const size_t sizes[] = {32, 56, 512, 4096, 8192};
    for (size_t i = 0; i < countof(sizes); i++) {
        char *from = folder_make(), *folder = folder_make(), *kept = NULL;
        make_crashed(from, folder);
        overwrite(folder, "ldplayerd.db-wal", 0, sizes[i]);
        sqlite3 *db = open_damaged(folder, &kept);
        cr_assert_not_null(kept);
        mem_free(kept);
        cache_db_close(db);
        folder_remove(from);
        folder_remove(folder);
    }
}

Test(cache_db, an_empty_file_is_told_and_becomes_a_database)
{
    char *folder = folder_make(), *kept;
    folder_write(folder, db_name, "");
    cache_db_close(open_damaged(folder, &kept));
    cr_assert_not_null(kept);
    mem_free(kept);
    folder_remove(folder);
}

Test(cache_db, damage_behind_the_first_page_is_met_at_start)
{
    char *folder = folder_make(), *kept;
    sqlite3 *db = open_db(folder);
    execute(
        db,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500)"
        " INSERT INTO instances (id, idx, disk_id, json) SELECT 'i' || i, i, '', hex(zeroblob(500)) FROM n");
    cache_db_close(db);
    struct buf whole = read_whole(folder, db_name);
    overwrite(folder, db_name, whole.len / 4096 / 2 * 4096, 8 * 4096);

    db = open_damaged(folder, &kept);
    cr_assert_not_null(kept);
    int64_t n = query_number(db, "SELECT count(*) FROM instances");
    cr_assert(n >= 500 - 8 * 4 && n < 500, "%d rows", (int)n);
    struct buf after = read_whole(folder, fs_basename(kept));
    cr_assert_eq(after.len, whole.len);
    buf_deinit(&whole);
    buf_deinit(&after);
    mem_free(kept);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_db, a_newer_database_is_refused_and_left_alone)
{
    char *folder = folder_make();
    sqlite3 *db = open_db(folder);
    execute(db, "PRAGMA user_version = 99");
    cache_db_close(db);
    struct buf before = read_whole(folder, db_name);

    struct cache_db_error err;
    cr_assert_eq(open_refused(folder, &err), UV_ENOTSUP);
    cr_assert_not_null(strstr(err.text, "newer"), "%s", err.text);
    cr_assert_not_null(strstr(err.text, folder), "%s", err.text);
    struct buf after = read_whole(folder, db_name);
    cr_assert(are_equal(&before, &after));
    buf_deinit(&before);
    buf_deinit(&after);
    folder_remove(folder);
}

/* A repair could read nothing of it, and a log of it would look damaged. */
Test(cache_db, one_with_another_page_size_is_refused_and_left_alone)
{
    char *folder = folder_make(), *path = fs_join(folder, db_name);
    sqlite3 *db;
    cache_db_close(open_db(folder));
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    execute(db, "PRAGMA journal_mode = delete; PRAGMA page_size = 8192; VACUUM");
    sqlite3_close(db);
    struct buf before = read_whole(folder, db_name);
    struct cache_db_error err;
    cr_assert_eq(open_refused(folder, &err), UV_ENOTSUP);
    cr_assert_not_null(strstr(err.text, "pages of 8192 bytes"), "%s", err.text);
    struct buf after = read_whole(folder, db_name);
    cr_assert(are_equal(&before, &after));
    buf_deinit(&before);
    buf_deinit(&after);
    mem_free(path);
    folder_remove(folder);
}

Test(cache_db, a_folder_below_a_file_is_refused_with_the_reason)
{
    char *folder = folder_make();
    folder_write(folder, "file", "x");
    char *below cleanup(mem_freep) = fs_join(folder, "file/data");
    struct cache_db_error err;
    cr_assert_eq(open_refused(below, &err), UV_ENOTDIR);
    cr_assert_not_null(strstr(err.text, "is a file, not a folder"), "%s", err.text);
    folder_remove(folder);
}

Test(cache_db, a_locked_database_is_refused_after_the_timeout)
{
    char *folder = folder_make();
    cache_db_close(open_db(folder));
    sqlite3 *other = open_beside(folder);
    execute(other, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; SELECT 1 FROM events");
    struct cache_db_error err;
    cr_assert_eq(open_refused(folder, &err), UV_EBUSY);
    cr_assert_not_null(strstr(err.text, "locked"), "%s", err.text);
    cache_db_close(other);
    cache_db_close(open_db(folder));
    folder_remove(folder);
}

static void let_go(void *arg)
{
    sqlite3 *other = arg;
    uv_sleep(100);
    cache_db_close(other);
}

Test(cache_db, a_lock_that_ends_in_time_is_waited_for)
{
    char *folder = folder_make();
    cache_db_close(open_db(folder));
    sqlite3 *other = open_beside(folder);
    execute(other, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; SELECT 1 FROM events");
    uv_thread_t thread;
    cr_assert_eq(uv_thread_create(&thread, let_go, other), 0);
    cache_db_close(open_db(folder));
    uv_thread_join(&thread);
    folder_remove(folder);
}

Test(cache_db, a_full_disk_is_told)
{
    char *folder = folder_make();
    mount_small(folder, "size=32k");
    struct cache_db_error err;
    cr_assert_eq(open_refused(folder, &err), UV_ENOSPC, "%s", err.text);
    cr_assert_not_null(strstr(err.text, "the disk is full"), "%s", err.text);
    cr_assert_eq(umount(folder), 0);
    folder_remove(folder);
}

Test(cache_db, a_read_only_folder_is_told)
{
    char *folder = folder_make();
    mount_small(folder, "size=1m,ro");
    struct cache_db_error err;
    cr_assert_eq(open_refused(folder, &err), UV_EACCES, "%s", err.text);
    cr_assert_not_null(strstr(err.text, "read-only"), "%s", err.text);
    char *below cleanup(mem_freep) = fs_join(folder, "new");
    cr_assert_eq(open_refused(below, &err), UV_EACCES, "%s", err.text);
    cr_assert_eq(umount(folder), 0);
    folder_remove(folder);
}

Test(cache_db, a_database_that_became_read_only_is_told)
{
    char *folder = folder_make();
    mount_small(folder, "size=1m");
    cache_db_close(open_db(folder));
    cr_assert_eq(mount("none", folder, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    struct cache_db_error err;
    cr_assert_eq(open_refused(folder, &err), UV_EACCES, "%s", err.text);
    cr_assert_not_null(strstr(err.text, "read-only"), "%s", err.text);
    cr_assert_eq(umount(folder), 0);
    folder_remove(folder);
}

Test(cache_db, a_damaged_file_that_cannot_be_put_aside_is_told)
{
    char *folder = folder_make();
    mount_small(folder, "size=1m");
    folder_write(folder, db_name, "this is somebody's diary, not a database");
    char *file cleanup(mem_freep) = fs_join(folder, db_name);
    /* A mount point can be written but not renamed. */
    cr_assert_eq(mount(file, file, NULL, MS_BIND, NULL), 0);
    struct cache_db_error err;
    cr_assert_eq(open_refused(folder, &err), UV_EBUSY, "%s", err.text);
    cr_assert_not_null(strstr(err.text, "could not be repaired"), "%s", err.text);
    cr_assert_eq(umount(file), 0);
    cr_assert_eq(umount(folder), 0);
    folder_remove(folder);
}

Test(cache_db, run_binds_text_numbers_and_null)
{
    char *folder = folder_make();
    sqlite3 *db = open_db(folder);
    execute(db, "CREATE TABLE t (a TEXT, b INTEGER, c TEXT)");
    for (int64_t i = 0; i < 3; i++)
        cr_assert_eq(cache_sql_run(db, "INSERT INTO t VALUES (?, ?, ?)", "sis", "x", INT64_MAX - i,
                                   (const char *)NULL),
                     0);
    sqlite3_stmt *stmt = NULL;
    cr_assert_eq(cache_sql_query(db, &stmt, "SELECT a, b, c FROM t WHERE b = ? AND a = ?", "is",
                                 INT64_MAX, "x"),
                 0);
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW);
    cr_assert_str_eq(cache_sql_text(stmt, 0), "x");
    cr_assert_eq(sqlite3_column_int64(stmt, 1), INT64_MAX);
    cr_assert_str_eq(cache_sql_text(stmt, 2), "");
    cr_assert_null(cache_sql_text_dup(stmt, 2));
    char *copy = cache_sql_text_dup(stmt, 0);
    cr_assert_str_eq(copy, "x");
    mem_free(copy);
    cr_assert_eq(sqlite3_step(stmt), SQLITE_DONE);
    cache_sql_releasep(&stmt);
    cache_db_close(db);
    folder_remove(folder);
}

/* Statements kept by the connection, or only those with SQL. */
static unsigned count_kept(sqlite3 *db, const char *sql)
{
    unsigned n = 0;
    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(db, s));)
        n += !sql || strcmp(sqlite3_sql(s), sql) == 0;
    return n;
}

Test(cache_db, run_prepares_a_text_once)
{
    char *folder = folder_make();
    sqlite3 *db = open_db(folder);
    for (int64_t i = 1; i <= 5; i++)
        cr_assert_eq(cache_sql_run(db, "INSERT INTO events VALUES (?, 0, 'x', '{}')", "i", i), 0);
    cr_assert_eq(count_kept(db, "INSERT INTO events VALUES (?, 0, 'x', '{}')"), 1);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_db, keeps_as_many_statements_as_the_profile_says)
{
    char *folder = folder_make();
    sqlite3 *db = open_db(folder);
    const struct cache_profile *dev = cache_profile_find("dev");
    cr_assert_eq(cache_db_tune(db, dev), 0);
    for (int i = 0; i < 100; i++) {
        char *sql cleanup(mem_freep) = mem_printf("DELETE FROM events WHERE seq = %d", i);
        cr_assert_eq(cache_sql_run(db, sql, ""), 0);
    }
    cr_assert_eq(count_kept(db, NULL), dev->statements);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_db, profiles_change_how_it_is_run)
{
    char *folder = folder_make();
    sqlite3 *db = open_db(folder);
    cr_assert_null(cache_profile_find("production"));
    for (size_t i = 0; i < cache_n_profiles; i++) {
        const struct cache_profile *p = &cache_profiles[i];
        cr_assert_eq(cache_profile_find(p->name), p);
        cr_assert_eq(cache_db_tune(db, p), 0);
        cr_assert_eq(query_number(db, "PRAGMA synchronous"),
                     strcmp(p->synchronous, "FULL") == 0 ? 2 : 1, "%s", p->name);
        cr_assert_eq(query_number(db, "PRAGMA wal_autocheckpoint"), p->checkpoint_pages);
        cr_assert_eq(query_number(db, "PRAGMA cache_size"), -(int)p->cache_kib);
        cr_assert_eq(query_number(db, "PRAGMA busy_timeout"), p->busy_timeout_ms);
        cr_assert_leq(p->readers, (unsigned)CACHE_PROFILE_MAX_READERS);
    }
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_db, a_reader_reads_and_cannot_write)
{
    char *folder = folder_make();
    sqlite3 *db = open_db(folder), *reader = NULL;
    cr_assert_eq(cache_sql_run(db, "INSERT INTO events VALUES (7, 0, 'x', '{}')", ""), 0);
    cr_assert_eq(
        cache_db_open_reader(sqlite3_db_filename(db, "main"), cache_profile_default, &reader), 0);
    cr_assert_eq(query_number(reader, "SELECT seq FROM events"), 7);
    cr_assert_eq(cache_sql_run(reader, "DELETE FROM events", ""), UV_EACCES);
    cache_db_close(reader);
    cr_assert_neq(cache_db_open_reader("/nowhere/x.db", cache_profile_default, &reader), 0);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_db, run_and_query_return_what_failed)
{
    char *folder = folder_make();
    sqlite3 *db = open_db(folder);
    sqlite3_stmt *stmt = NULL;
    cr_assert_eq(cache_sql_run(db, "no such words", ""), UV_EIO);
    cr_assert_eq(cache_sql_query(db, &stmt, "SELECT nothing FROM nowhere", ""), UV_EIO);
    cr_assert_null(stmt);
    cr_assert_eq(cache_sql_run(db, "INSERT INTO events VALUES (1, 0, 'x', '{}')", ""), 0);
    cr_assert_eq(cache_sql_run(db, "INSERT INTO events VALUES (1, 0, 'x', '{}')", ""), UV_EEXIST);
    execute(db, "PRAGMA max_page_count = 1");
    cr_assert_eq(
        cache_sql_run(db, "INSERT INTO events VALUES (2, 0, 'x', hex(zeroblob(1000000)))", ""),
        UV_ENOSPC);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_db, each_result_of_sqlite_has_its_code)
{
    static const struct {
        int sqlite_result, expected;
    } rows[] = {
        {SQLITE_OK, 0},
        {SQLITE_ROW, 0},
        {SQLITE_DONE, 0},
        {SQLITE_BUSY, UV_EBUSY},
        {SQLITE_BUSY_SNAPSHOT, UV_EBUSY},
        {SQLITE_LOCKED, UV_EBUSY},
        {SQLITE_FULL, UV_ENOSPC},
        {SQLITE_READONLY, UV_EACCES},
        {SQLITE_READONLY_DBMOVED, UV_EACCES},
        {SQLITE_PERM, UV_EACCES},
        {SQLITE_NOTADB, UV_EFTYPE},
        {SQLITE_CORRUPT, UV_EFTYPE},
        {SQLITE_CORRUPT_INDEX, UV_EFTYPE},
        {SQLITE_NOMEM, UV_ENOMEM},
        {SQLITE_TOOBIG, UV_E2BIG},
        {SQLITE_CONSTRAINT_UNIQUE, UV_EEXIST},
        {SQLITE_MISUSE, UV_EINVAL},
        {SQLITE_CANTOPEN_ISDIR, UV_EISDIR},
        {SQLITE_IOERR_FSYNC, UV_EIO},
        {SQLITE_ERROR, UV_EIO},
    };
    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_eq(cache_sql_result(rows[i].sqlite_result), rows[i].expected, "row %d", (int)i);
}

/* --- one writer --- */

Test(cache_db, a_second_connection_that_writes_is_refused)
{
    char *folder = folder_make(), *other = folder_make();
    sqlite3 *db = open_db(folder), *second = NULL;
    struct cache_db_error error;
    cr_assert_eq(cache_db_open(folder, &second, NULL, &error), UV_EBUSY);
    cr_assert_not_null(strstr(error.text, folder), "%s", error.text);
    cr_assert_eq(cache_db_open(other, &second, NULL, &error), UV_EBUSY, "whatever it is of");
    cr_assert_null(second);
    cache_db_close(db);
    cache_db_close(open_db(other));
    folder_remove(folder);
    folder_remove(other);
}

Test(cache_db, an_opening_that_fails_leaves_room_for_the_next)
{
    char *folder = folder_make();
    char *path = fs_join(folder, "file");
    sqlite3 *db = NULL;
    struct cache_db_error error;
    folder_write(folder, "file", "x");
    cr_assert_lt(cache_db_open(path, &db, NULL, &error), 0);
    cache_db_close(open_db(folder));
    mem_free(path);
    folder_remove(folder);
}

Test(cache_db, a_reader_never_copies_the_log_back)
{
    char *folder = folder_make();
    char *path = fs_join(folder, "ldplayerd.db");
    pid_t pid = fork();
    if (pid == 0) { /* leaves a log behind */
        execute(open_db(folder), "INSERT INTO preferences VALUES ('a', 'b')");
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    int64_t before = size_of(folder, "ldplayerd.db-wal");
    cr_assert_gt(before, 0);
    sqlite3 *db = NULL;
    cr_assert_eq(cache_db_open_reader(path, cache_profile_default, &db), 0);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM preferences"), 1);
    cr_assert_neq(sqlite3_exec(db, "INSERT INTO preferences VALUES ('c', 'd')", NULL, NULL, NULL),
                  SQLITE_OK);
    cache_db_close(db);
    cr_assert_eq(size_of(folder, "ldplayerd.db-wal"), before);
    db = open_db(folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM preferences"), 1);
    cache_db_close(db);
    cr_assert_eq(size_of(folder, "ldplayerd.db-wal"), -1, "the writer does");
    mem_free(path);
    folder_remove(folder);
}
