/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/cache/backup/restore_fixture.h"

TestSuite(cache_restore, .init = restore_begin, .fini = restore_end);

Test(cache_restore, the_staged_one_takes_the_place_and_the_former_is_kept)
{
    set("old");
    back_up();
    set("new");
    cr_assert_null(finish(), "nothing is staged");
    stage_and_arm();
    cr_assert(database_is("new"));
    expect_restored("old", "new");
    cr_assert_null(finish());
}

Test(cache_restore, may_be_done_in_an_empty_folder)
{
    set("old");
    back_up();
    char *path = fs_join(folder, "ldplayerd.db");
    cr_assert_eq(fs_remove(path), 0);
    stage_and_arm();
    expect_restored("old", NULL);
    mem_free(path);
}

Test(cache_restore, may_be_done_twice_in_a_second)
{
    set("1");
    back_up();
    set("2");
    stage_and_arm();
    expect_restored("1", "2");
    set("3");
    stage_and_arm();
    expect_restored("1", "3");
}

/* The command was killed before anybody was asked. */
Test(cache_restore, what_was_not_armed_is_not_restored_and_goes)
{
    set("old");
    back_up();
    set("new");
    stage();
    cr_assert_eq(folder_count(folder), 2);
    cr_assert_null(finish());
    cr_assert(database_is("new"));
    cr_assert_eq(folder_count(folder), 1);
    cr_assert_eq(try_to_arm(staged.id), UV_ENOENT);
}

/* A service was started meanwhile. */
Test(cache_restore, what_is_cleared_away_while_it_is_made_is_told_as_that)
{
    struct cache_db_error error;
    set("old");
    back_up();
    size_t n_files = folder_count(folder);
    for (int i = 0; i < 2; i++) {
        vanishing_at = i;
        cr_assert_eq(cache_restore_stage(folder, file, &staged, &error), UV_ENXIO);
        cr_assert_eq(vanishing_at, -1);
        cr_assert_not_null(strstr(error.text, "cleared away meanwhile"), "%s", error.text);
        cr_assert_not_null(strstr(error.text, "run the command again"), "%s", error.text);
        cr_assert_eq(folder_count(folder), n_files);
    }
}

Test(cache_restore, what_was_unstaged_cannot_be_armed)
{
    set("old");
    back_up();
    stage();
    cr_assert_eq(cache_restore_unstage(folder, staged.id), 0);
    cr_assert_eq(try_to_arm(staged.id), UV_ENOENT);
    stage_and_arm();
    cr_assert_eq(cache_restore_unstage(folder, staged.id), UV_ENOENT, "it was armed");
}

Test(cache_restore, one_is_armed_at_a_time)
{
    set("old");
    back_up();
    set("new");
    stage_and_arm();
    char *first = fs_join(folder, "ldplayerd.db.restore"), *before = NULL, *after = NULL;
    set("newer");
    unlink(file);
    back_up();
    before = folder_read(folder, "ldplayerd.db.restore");
    stage();
    cr_assert_eq(try_to_arm(staged.id), UV_EEXIST);
    after = folder_read(folder, "ldplayerd.db.restore");
    cr_assert_str_eq(before, after);
    mem_free(before);
    mem_free(after);
    mem_free(first);
    expect_restored("old", "newer");
}

Test(cache_restore, an_id_names_no_other_file)
{
    static const char *const ids[] = {"",
                                      "x",
                                      "../x",
                                      "../../ldplayerd.db",
                                      "01234567-89ab-cdef-0123-456789abcdeF",
                                      "01234567-89ab-cdef-0123-456789abcdef0"};
    set("old");
    folder_write(folder, "ldplayerd.db.staged-x", "x");
    folder_write(folder, "ldplayerd.db.staged-", "x");
    for (size_t i = 0; i < countof(ids); i++)
        cr_assert_eq(try_to_arm(ids[i]), UV_ENOENT, "%s", ids[i]);
    cr_assert_not(is_armed());
}

/* Somebody took away what was armed while a finish was under way. */
Test(cache_restore, a_journal_of_another_one_is_not_rolled_back_into_it)
{
    set("old");
    back_up();
    set("new");
    folder_write(folder, "ldplayerd.db.restore-journal", "of another");
    stage_and_arm();
    cr_assert_not(has("ldplayerd.db.restore-journal"));
    expect_restored("old", "new");
}

/* With the former database's last change in its log alone, which only a crash leaves. */
Test(cache_restore, a_finish_that_is_killed_anywhere_is_finished_by_the_next)
{
    bool is_over = false;
    int n;
    for (n = 0; !is_over; n++) {
        begin_anew();
        set_and_crash("new");
        stage_and_arm();
        is_over = run_and_die_at(n, run_finish);
        char *kept = finish();
        cr_assert(database_is("old"), "killed at %d", n);
        cr_assert_eq(kept == NULL, is_over);
        if (kept)
            cr_assert(is(kept, "new"), "killed at %d", n);
        mem_free(kept);
    }
    cr_assert_geq(n, 3);
}

Test(cache_restore, a_stage_that_is_killed_anywhere_changes_nothing_or_is_whole)
{
    bool is_over = false;
    set("old");
    back_up();
    set("new");
    for (int n = 0; !is_over; n++) {
        is_over = run_and_die_at(n, stage_and_arm);
        cr_assert(database_is("new"));
        cr_assert(!is_over || is_armed());
        if (!is_armed()) {
            cr_assert_null(finish());
            /* Nothing half made. */
            cr_assert_eq(folder_count(folder), 1);
            cr_assert(database_is("new"));
        }
    }
    expect_restored("old", "new");
    /* The database, the one that is kept. */
    cr_assert_eq(folder_count(folder), 2);
}

static void write_file(const char *text)
{
    cr_assert_eq(fs_write_atomic(file, text, strlen(text)), 0);
}

static void expect_refused(const char *words)
{
    struct cache_db_error error;
    cr_assert_lt(cache_restore_stage(folder, file, &staged, &error), 0);
    cr_assert_not_null(strstr(error.text, words), "%s", error.text);
    cr_assert_eq(strncmp(error.text, file, strlen(file)), 0, "%s", error.text);
    cr_assert_eq(folder_count(folder), 0);
}

Test(cache_restore, what_is_no_backup_is_refused)
{
    sqlite3 *db;
    expect_refused("no such file");
    write_file("this is not a database, however long one reads it, and it ends here");
    expect_refused("no database");
    unlink(file);
    cr_assert_eq(sqlite3_open(file, &db), SQLITE_OK);
    execute(db, "CREATE TABLE t (x); PRAGMA user_version = 1");
    expect_refused("another program");
    execute(db, "CREATE TABLE instances (x); CREATE TABLE operations (x); CREATE TABLE events (x);"
                "CREATE TABLE idempotency (x); CREATE TABLE tokens (x); PRAGMA user_version = 999");
    expect_refused("newer ldplayerd");
    cache_db_close(db);
}

/* Of a folder of its own, which is then gone. */
static void back_up_with(const char *sql)
{
    sqlite3 *db = open_db(folder);
    execute(db, sql);
    cache_db_close(db);
    unlink(file);
    char *path = fs_join(folder, "ldplayerd.db");
    cr_assert_eq(fs_copy(path, file), 0);
    mem_free(path);
    folder_remove(folder);
    folder = folder_make();
}

Test(cache_restore, what_is_not_of_its_schema_alone_is_refused)
{
    static const struct {
        const char *sql, *words;
    } cases[] = {
        {"CREATE TRIGGER evil AFTER INSERT ON events BEGIN DELETE FROM tokens; END",
         "its trigger evil is not as schema"},
        {"CREATE VIEW v AS SELECT * FROM tokens", "its view v is not"},
        {"CREATE TABLE extra (x)", "its table extra is not"},
        {"CREATE INDEX mine ON tokens (name)", "its index mine is not"},
        {"DROP INDEX operations_kind", "its index operations_kind is not"},
        {"DROP TABLE preferences", "its table preferences is not"},
        {"ALTER TABLE tokens ADD COLUMN x", "its table tokens is not"},
        /* Of a lower version than its tables are. */
        {"PRAGMA user_version = 2", "as schema 2 has it"},
        {"PRAGMA user_version = 999", "newer ldplayerd"},
        {"PRAGMA user_version = -1", "another program"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        back_up_with(cases[i].sql);
        expect_refused(cases[i].words);
    }
}

/* A new one in FILE. */
static void make_file(const char *sql, int n_reserved, const char *then)
{
    struct cache_db_error error;
    sqlite3 *db;
    unlink(file);
    cr_assert_eq(sqlite3_open(file, &db), SQLITE_OK);
    if (n_reserved)
        (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &n_reserved);
    execute(db, sql);
    cr_assert_eq(cache_schema_migrate(db, &error), 0, "%s", error.text);
    execute(db, then);
    cache_db_close(db);
}

/* A repair would read nothing of it. */
Test(cache_restore, what_is_not_of_our_format_is_refused)
{
    make_file("PRAGMA page_size = 8192", 0, "");
    expect_refused("page size 8192, 0 reserved, encoding 1");
    make_file("PRAGMA page_size = 1024", 0, "PRAGMA journal_mode = wal");
    expect_refused("page size 1024");
    make_file("PRAGMA auto_vacuum = 1", 0, "");
    expect_refused("auto_vacuum 1");
    make_file("PRAGMA encoding = 'UTF-16le'", 0, "");
    expect_refused("encoding 2");
    make_file("PRAGMA encoding = 'UTF-16be'", 0, "");
    expect_refused("encoding 3");
    make_file("", 8, "");
    expect_refused("8 reserved");
    make_file("", 0, "");
    FILE *stream = fopen(file, "r+b");
    fseek(stream, 18, SEEK_SET);
    fputc(3, stream);
    fclose(stream);
    expect_refused("version 3");
}

Test(cache_restore, what_is_no_plain_file_is_refused)
{
    cr_assert_eq(mkfifo(file, 0600), 0);
    expect_refused("no plain file"); /* and nobody waits for somebody to write to it */
    unlink(file);
    cr_assert_eq(mkdir(file, 0700), 0);
    expect_refused("it is a folder");
    cr_assert_eq(rmdir(file), 0);
}

/* SQLite has the log beside what it leads to. */
Test(cache_restore, what_stands_beside_the_target_of_a_link_counts)
{
    char *real = mem_printf("%s.real", file), *log = mem_printf("%s.real-wal", file);
    struct cache_db_error error;
    set("old");
    back_up();
    set("new");
    cr_assert_eq(fs_rename(file, real), 0);
    cr_assert_eq(symlink(real, file), 0);
    cr_assert_eq(mkfifo(log, 0600), 0);
    cr_assert_eq(cache_restore_stage(folder, file, &staged, &error), UV_EISDIR);
    cr_assert_not_null(strstr(error.text, log), "%s", error.text);
    cr_assert_eq(unlink(log), 0);
    stage_and_arm();
    expect_restored("old", "new");
    cr_assert_eq(unlink(file), 0);
    cr_assert_eq(unlink(real), 0);
    mem_free(real);
    mem_free(log);
}

Test(cache_restore, the_database_itself_is_no_backup)
{
    struct cache_db_error error;
    set("old");
    char *path = fs_join(folder, "ldplayerd.db");
    cr_assert_eq(cache_restore_stage(folder, path, &staged, &error), UV_EINVAL);
    cr_assert_not_null(strstr(error.text, "the database itself"), "%s", error.text);
    cr_assert_eq(folder_count(folder), 1);
    mem_free(path);
}

Test(cache_restore, a_read_only_folder_is_told_as_such)
{
    struct cache_db_error error;
    set("old");
    back_up();
    folder_remove(folder);
    folder = folder_make();
    mount_small(folder, "size=1m,ro");
    cr_assert_eq(cache_restore_stage(folder, file, &staged, &error), UV_EACCES, "%s", error.text);
    cr_assert_not_null(strstr(error.text, "permission denied"), "%s", error.text);
    cr_assert_eq(umount(folder), 0);
}

static char *read_note(void)
{
    char *note = NULL;
    sqlite3 *db = open_db(folder);
    bool is_told = true;
    cr_assert_eq(cache_restore_read_note(db, &note, &is_told), 0);
    cr_assert_not(note && is_told);
    cache_db_close(db);
    return note;
}

Test(cache_restore, the_note_says_which_one_it_is_and_where_the_former_is)
{
    set("old");
    back_up();
    set("new");
    stage_and_arm();
    char *kept = finish(), *note = read_note();
    cr_assert_not_null(strstr(note, staged.id), "%s", note);
    cr_assert_not_null(strstr(note, kept), "%s", note);
    mem_free(note);
    mem_free(kept);
    char *path = fs_join(folder, "ldplayerd.db");
    cr_assert_eq(fs_remove(path), 0);
    stage_and_arm();
    mem_free(finish());
    note = read_note();
    cr_assert_not_null(strstr(note, "\"kept\":null"), "%s", note);
    mem_free(note);
    mem_free(path);
}

/* Whoever can put a file there by hand has not had it checked. */
Test(cache_restore, what_was_armed_by_hand_is_not_believed)
{
    struct cache_db_error error;
    char *kept = NULL, *armed = fs_join(folder, "ldplayerd.db.restore");
    set("old");
    back_up();
    set("new");
    cr_assert_eq(fs_copy(file, armed), 0);
    cr_assert_eq(cache_restore_finish(folder, &kept, &error), UV_EPERM);
    cr_assert_not_null(strstr(error.text, armed), "%s", error.text);
    folder_write(folder, "ldplayerd.db.restore", "no database, and longer than its head would be");
    cr_assert_eq(cache_restore_finish(folder, &kept, &error), UV_EPERM);
    cr_assert(database_is("new"));
    cr_assert_null(kept);
    mem_free(armed);
}

Test(cache_restore, open_operations_are_interrupted)
{
    char *path = fs_join(folder, "ldplayerd.db");
    sqlite3 *db = open_db(folder);
#define ROW(id, kind, parent, status, ended, children, failed)                                     \
    "INSERT INTO operations VALUES ('" id "', '" kind "', '', '" parent "', '" status              \
    "', 1, 0, " ended ", 0, NULL, 0, 1, NULL, NULL, '{}', NULL, NULL, '[]', " children ", " failed \
    ", " failed ", '{}', NULL, NULL);"
    execute(db, ROW("a", "start", "", "queued", "0", "0", "0")
                    ROW("b", "batch", "", "running", "0", "3", "1")
                        ROW("b1", "start", "b", "succeeded", "5", "0", "0")
                            ROW("b2", "start", "b", "failed", "5", "0", "0")
                                ROW("b3", "start", "b", "waiting_for_session", "0", "0", "0")
                                    ROW("c", "start", "", "succeeded", "5", "0", "0"));
    cache_db_close(db);
    back_up();
    stage_and_arm();
    cr_assert_eq(staged.n_interrupted, 3);
    mem_free(finish());
    db = open_db(folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM operations WHERE status = 'interrupted'"
                                  " AND ended_at > 5 AND started_at > 0"
                                  " AND error LIKE '%restored from a backup%'"),
                 3);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM operations WHERE id = 'b' AND"
                                  " n_children_ended = 3 AND n_children_failed = 2 AND result ="
                                  " '{\"total\":3,\"succeeded\":1,\"not_succeeded\":2}'"),
                 1);
    cr_assert_eq(query_number(db, "SELECT ended_at FROM operations WHERE id = 'c'"), 5);
    char *note = NULL;
    bool is_told = true;
    cr_assert_eq(cache_restore_read_note(db, &note, &is_told), 0);
    cr_assert_not_null(strstr(note, "\"interrupted\":3"), "%s", note);
    mem_free(note);
    cache_db_close(db);
    mem_free(path);
}

Test(cache_restore, a_file_of_somebody_else_is_not_believed)
{
    struct cache_db_error error;
    char *kept = NULL, *armed = fs_join(folder, "ldplayerd.db.restore");
    set("old");
    back_up();
    set("new");
    stage();
    char *name = mem_printf("ldplayerd.db.staged-%s", staged.id), *path = fs_join(folder, name);
    cr_assert_eq(fs_rename(path, file), 0);
    cr_assert_eq(symlink(file, path), 0);
    cr_assert_eq(try_to_arm(staged.id), UV_EPERM);
    cr_assert_eq(fs_rename(path, armed), 0);
    cr_assert_eq(cache_restore_finish(folder, &kept, &error), UV_EPERM);
    cr_assert_not_null(strstr(error.text, armed), "%s", error.text);
    cr_assert(database_is("new"));
    cr_assert_eq(fs_remove(armed), 0);
    if (geteuid() == 0) {
        cr_assert_eq(fs_rename(file, path), 0);
        cr_assert_eq(chown(path, 12345, 12345), 0);
        cr_assert_eq(try_to_arm(staged.id), UV_EPERM);
        cr_assert_eq(fs_rename(path, armed), 0);
        cr_assert_eq(cache_restore_finish(folder, &kept, &error), UV_EPERM);
    }
    mem_free(path);
    mem_free(name);
    mem_free(armed);
}
