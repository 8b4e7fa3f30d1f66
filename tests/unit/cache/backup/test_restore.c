/* SPDX-License-Identifier: MIT */
#include "cache/backup/restore.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/tables/events.h"
#include "tests/unit/cache/fixture.h"

/* The calls that change what is on disk: a process dies in front of the one that its number says.
 */
static int calls_left = -1;

static void live_on(void)
{
    if (calls_left >= 0 && calls_left-- == 0)
        _exit(9);
}

int __real_fs_rename(const char *from, const char *to);
int __wrap_fs_rename(const char *from, const char *to);
int __real_fs_remove(const char *path);
int __wrap_fs_remove(const char *path);
int __real_fs_flush(const char *path);
int __wrap_fs_flush(const char *path);

int __wrap_fs_rename(const char *from, const char *to)
{
    live_on();
    return __real_fs_rename(from, to);
}

int __wrap_fs_remove(const char *path)
{
    live_on();
    return __real_fs_remove(path);
}

int __wrap_fs_flush(const char *path)
{
    live_on();
    return __real_fs_flush(path);
}

static char *folder, *file; /* of the service, and a backup elsewhere */

static void begin(void)
{
    folder = folder_make();
    file = mem_printf("%s.backup", folder);
}

static void end(void)
{
    unlink(file);
    mem_free(file);
    folder_remove(folder);
}

TestSuite(cache_restore, .init = begin, .fini = end);

static void set(const char *value)
{
    char *sql = mem_printf("INSERT OR REPLACE INTO preferences VALUES ('is', '%s')", value);
    sqlite3 *db = open_db(folder);
    execute(db, sql);
    cache_db_close(db);
    mem_free(sql);
}

/* A process that is killed with VALUE in its write-ahead log. */
static void set_and_crash(const char *value)
{
    pid_t pid = fork();
    if (pid == 0) {
        char *sql = mem_printf("INSERT OR REPLACE INTO preferences VALUES ('is', '%s')", value);
        execute(open_db(folder), sql);
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

static bool is(const char *path, const char *value)
{
    sqlite3 *db = NULL;
    char *sql =
        mem_printf("SELECT count(*) FROM preferences WHERE name = 'is' AND value = '%s'", value);
    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK, "%s", path);
    bool result = query_number(db, sql) == 1;
    cr_assert_eq(query_number(db, "SELECT count(*) FROM pragma_integrity_check"
                                  " WHERE integrity_check = 'ok'"),
                 1);
    cache_db_close(db);
    mem_free(sql);
    return result;
}

static bool database_is(const char *value)
{
    char *path = fs_join(folder, "ldplayerd.db");
    bool result = is(path, value);
    mem_free(path);
    return result;
}

static void back_up(void)
{
    struct cache_copy copy;
    struct cache_db_error error;
    char *path = fs_join(folder, "ldplayerd.db");
    cr_assert_eq(cache_copy_make(path, file, NULL, &copy, &error), 0, "%s", error.text);
    mem_free(path);
}

static struct cache_staged staged; /* the last one */

static void stage(void)
{
    struct cache_db_error error;
    cr_assert_eq(cache_restore_stage(folder, file, &staged, &error), 0, "%s", error.text);
}

static int try_to_arm(const char *id)
{
    struct cache_db_error error = {{0}};
    int r = cache_restore_arm(folder, id, &error);
    cr_assert_eq(r < 0, error.text[0] != '\0');
    return r;
}

static void stage_and_arm(void)
{
    stage();
    cr_assert_eq(try_to_arm(staged.id), 0);
}

static bool has(const char *name)
{
    char *path = fs_join(folder, name);
    bool is_there = fs_exists(path);
    mem_free(path);
    return is_there;
}

static bool is_armed(void)
{
    return has("ldplayerd.db.restore");
}

static char *finish(void)
{
    struct cache_db_error error;
    char *kept = NULL;
    cr_assert_eq(cache_restore_finish(folder, &kept, &error), 0, "%s", error.text);
    return kept;
}

static void expect_restored(const char *now, const char *before)
{
    char *kept = finish();
    cr_assert_not_null(kept);
    cr_assert(database_is(now));
    if (before)
        cr_assert(is(kept, before), "%s", kept);
    else
        cr_assert_str_empty(kept);
    cr_assert_not(is_armed());
    mem_free(kept);
}

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

/* Returns whether the child lived to its end. */
static bool run_and_die_at(int n, void (*run)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        calls_left = n;
        run();
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9));
    return WEXITSTATUS(status) == 0;
}

static void run_finish(void)
{
    mem_free(finish());
}

/* With the former database's last change in its log alone, which only a crash leaves. */
Test(cache_restore, a_finish_that_is_killed_anywhere_is_finished_by_the_next)
{
    bool is_over = false;
    int n;
    for (n = 0; !is_over; n++) {
        folder_remove(folder);
        folder = folder_make();
        set("old");
        unlink(file);
        back_up();
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

/* A former database that cannot be opened keeps its log beside it. */
Test(cache_restore, a_damaged_one_is_kept_with_its_log_wherever_the_finish_is_killed)
{
    bool is_over = false;
    int n;
    for (n = 0; !is_over; n++) {
        folder_remove(folder);
        folder = folder_make();
        set("old");
        unlink(file);
        back_up();
        folder_write(folder, "ldplayerd.db", "no database");
        folder_write(folder, "ldplayerd.db-wal", "its log");
        stage_and_arm();
        is_over = run_and_die_at(n, run_finish);
        char *kept = finish();
        cr_assert(database_is("old"), "killed at %d", n);
        if (kept) {
            char *log = mem_printf("%s-wal", fs_basename(kept));
            char *text = folder_read(folder, fs_basename(kept)), *words = folder_read(folder, log);
            cr_assert_str_eq(text, "no database");
            cr_assert_str_eq(words, "its log", "killed at %d", n);
            mem_free(text);
            mem_free(words);
            mem_free(log);
        }
        mem_free(kept);
    }
    cr_assert_geq(n, 4);
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

Test(cache_restore, what_is_no_plain_file_is_refused)
{
    cr_assert_eq(mkfifo(file, 0600), 0);
    expect_refused("no plain file"); /* and nobody waits for somebody to write to it */
    unlink(file);
    cr_assert_eq(mkdir(file, 0700), 0);
    expect_refused("it is a folder");
    cr_assert_eq(rmdir(file), 0);
}

/* A database that was copied together with its log, as what is kept of a former one can be. */
Test(cache_restore, a_file_has_what_stands_in_the_log_beside_it)
{
    char *log = mem_printf("%s-wal", file), *shared = mem_printf("%s-shm", file);
    char *database = fs_join(folder, "ldplayerd.db"),
         *its_log = fs_join(folder, "ldplayerd.db-wal");
    set("old");
    set_and_crash("new");
    cr_assert_eq(fs_copy(database, file), 0);
    cr_assert_eq(fs_copy(its_log, log), 0);
    char *before = folder_read(folder, "ldplayerd.db-wal");
    set("newer");
    stage_and_arm();
    expect_restored("new", "newer");
    cr_assert(fs_exists(file) && fs_exists(log), "it is only read");
    unlink(log);
    unlink(shared);
    mem_free(before);
    mem_free(its_log);
    mem_free(database);
    mem_free(shared);
    mem_free(log);
}

static int64_t highest_of(const char *path)
{
    int64_t highest = 0;
    sqlite3 *db = NULL;
    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    cr_assert_eq(cache_events_highest(db, &highest), 0);
    cache_db_close(db);
    return highest;
}

/* The clock that gave the former database its numbers was ahead of ours by years. */
Test(cache_restore, numbers_of_events_are_above_those_of_the_former_database_wherever_it_is_killed)
{
    bool is_over = false;
    int n;
    for (n = 0; !is_over; n++) {
        folder_remove(folder);
        folder = folder_make();
        set("old");
        unlink(file);
        back_up();
        sqlite3 *db = open_db(folder);
        execute(db, "INSERT INTO events VALUES (4000000000000000, 1, 't', '{}')");
        cache_db_close(db);
        stage_and_arm();
        is_over = run_and_die_at(n, run_finish);
        mem_free(finish());
        char *path = fs_join(folder, "ldplayerd.db");
        cr_assert_gt(highest_of(path), INT64_C(4000000000000000), "killed at %d", n);
        cr_assert_lt(highest_of(path), INT64_C(4100000000000000));
        mem_free(path);
    }
    cr_assert_geq(n, 3);
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

/* A finish was cut off when the former database had its new name, and somebody made one meanwhile.
 */
Test(cache_restore, a_database_that_came_meanwhile_is_kept_as_well)
{
    set("old");
    back_up();
    set("new");
    stage_and_arm();
    for (int n = 0; has("ldplayerd.db"); n++)
        cr_assert_not(run_and_die_at(n, run_finish));
    cr_assert(is_armed());
    set("newer");
    expect_restored("old", "newer");
    cr_assert_eq(folder_count(folder), 3);
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

/* What they did is not undone by the restore, but for what was done to workstations. */
Test(cache_restore, keys_that_were_used_since_the_backup_are_still_used)
{
#define KEY(key, operation, age, pruned)                                                           \
    "INSERT OR REPLACE INTO idempotency VALUES ('me', '" key "', 'fp', '" operation                \
    "', (unixepoch() - " age ") * 1000, " pruned ");"
    sqlite3 *db = open_db(folder);
    execute(db, KEY("both", "a", "80000", "0") KEY("again", "a", "86000", "0"));
    cache_db_close(db);
    back_up();
    db = open_db(folder);
    execute(db, "INSERT INTO operations SELECT id, 'start', '', '', 'failed', 1, 1, 1, 0, NULL, 0,"
                " 0, NULL, NULL, '{}', NULL, NULL, '[]', 0, 0, 0, '{}', NULL, NULL FROM"
                " (SELECT 'a' AS id UNION SELECT 'b')");
    execute(db,
            KEY("both", "a", "80000", "1") KEY("again", "b", "10", "0") KEY("since", "b", "20", "0")
                KEY("pruned", "p", "20", "1") KEY("old", "b", "90000", "0")
                    KEY("workstation", "w", "20", "0") KEY("lost", "l", "20", "0"));
    execute(db, "INSERT INTO workstations VALUES ('w', 'w', '', '{}', 0, '', 1, 1, 0)");
    cache_db_close(db);
    stage_and_arm();
    mem_free(finish());
    db = open_db(folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM idempotency"), 5);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM idempotency WHERE (key, operation, pruned)"
                                  " IN (VALUES ('both', 'a', 0), ('again', 'b', 0),"
                                  " ('since', 'b', 0), ('pruned', 'p', 1), ('lost', 'l', 0))"),
                 5);
    cache_db_close(db);
}

static bool has_key(const char *key)
{
    char *sql = mem_printf("SELECT count(*) FROM idempotency WHERE key = '%s'", key);
    sqlite3 *db = open_db(folder);
    bool result = query_number(db, sql) == 1;
    cache_db_close(db);
    mem_free(sql);
    return result;
}

/* The second one finds the keys of the first in a database without their operations. */
Test(cache_restore, keys_outlive_every_further_restore)
{
    set("old");
    back_up();
    sqlite3 *db = open_db(folder);
    execute(db, KEY("k", "b", "20", "0"));
    cache_db_close(db);
    for (int i = 0; i < 3; i++) {
        stage_and_arm();
        mem_free(finish());
        cr_assert(has_key("k"), "restore %d", i);
    }
}

static void damage_page(unsigned number)
{
    static const char zeros[4096];
    char *path = fs_join(folder, "ldplayerd.db");
    FILE *f = fopen(path, "r+b");
    cr_assert_eq(fseek(f, (long)(number - 1) * 4096, SEEK_SET), 0);
    cr_assert_eq(fwrite(zeros, sizeof(zeros), 1, f), 1);
    cr_assert_eq(fclose(f), 0);
    mem_free(path);
}

Test(cache_restore, keys_of_a_damaged_database_go_on_and_what_is_lost_is_told)
{
    static const struct {
        const char *root; /* of which table; NULL: the first page */
        bool is_told;
    } cases[] = {{NULL, false}, {"instances", false}, {"operations", true}};
    for (size_t i = 0; i < countof(cases); i++) {
        folder_remove(folder);
        folder = folder_make();
        unlink(file);
        set("old");
        back_up();
        sqlite3 *db = open_db(folder);
        char *sql = mem_printf("SELECT rootpage FROM sqlite_master WHERE name = '%s'",
                               cases[i].root ? cases[i].root : "");
        execute(db, KEY("k", "b", "20", "0"));
        execute(db,
                "INSERT INTO operations SELECT 'b', 'start', '', '', 'failed', 1, 1, 1, 0, NULL,"
                " 0, 0, NULL, NULL, '{}', NULL, NULL, '[]', 0, 0, 0, '{}', NULL, NULL");
        unsigned root = cases[i].root ? (unsigned)query_number(db, sql) : 1;
        cache_db_close(db);
        damage_page(root);
        stage_and_arm();
        mem_free(finish());
        struct cache_restored last;
        cr_assert_eq(cache_restore_read_last(folder, &last), 0);
        cr_assert_str_eq(last.staged, staged.id);
        cr_assert_eq(last.lost != NULL, cases[i].is_told, "%zu: %s", i, last.lost ? last.lost : "");
        cr_assert(has_key("k"), "%zu", i);
        cr_assert(database_is("old"));
        cr_assert_not(has("ldplayerd.db.repairing"), "nothing is left of the reading");
        cache_restored_deinit(&last);
        mem_free(sql);
    }
}

/* Armed, but it cannot be written: as on a full disk. */
Test(cache_restore, one_that_cannot_be_completed_is_disarmed_and_the_database_as_it_was)
{
    struct cache_db_error error;
    char *kept = NULL, *journal = fs_join(folder, "ldplayerd.db.restore-journal");
    set("old");
    back_up();
    set("new");
    stage_and_arm();
    cr_assert_eq(mkdir(journal, 0700), 0);
    cr_assert_eq(cache_restore_finish(folder, &kept, &error), UV_EPERM, "%s", error.text);
    cr_assert_null(kept);
    cr_assert_not(is_armed());
    cr_assert_eq(rmdir(journal), 0);
    cr_assert(database_is("new"));
    mem_free(journal);
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
