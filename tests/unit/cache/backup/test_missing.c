/* SPDX-License-Identifier: MIT */
#include "cache/backup/missing.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/memory/cleanup.h"
#include "base/system/clock.h"
#include "cache/backup/backup.h"
#include "tests/unit/cache/backup/dying.h"
#include "tests/unit/cache/backup/put_backup.h"
#include "tests/unit/cache/journal.h"

static char *folder;

static void begin(void)
{
    folder = folder_make();
}

static void end(void)
{
    folder_remove(folder);
}

TestSuite(cache_missing, .init = begin, .fini = end);

/* Owned by the caller. */
static struct cache_missing open_and_close(void)
{
    struct cache_missing missing;
    struct cache_repair repair cleanup(cache_repair_deinit) = {0};
    struct cache_db_error error;
    sqlite3 *db = NULL;
    cr_assert_eq(cache_missing_open(folder, &db, &repair, &missing, &error), 0, "%s", error.text);
    cache_db_close(db);
    return missing;
}

static void begin_database(void)
{
    (void)open_and_close();
}

static int64_t missing_at(size_t n_copies)
{
    struct cache_missing missing cleanup(cache_missing_deinit) = open_and_close();
    cr_assert_eq(missing.n_copies, n_copies);
    return missing.at;
}

Test(cache_missing, a_database_that_is_gone_is_told_until_its_copies_are)
{
    static const struct {
        const char *name;
        bool is_copy;
    } cases[] = {
        {"backups/ldplayerd-20010101T000000Z.db", true},
        {"ldplayerd.db.replaced-20010101T000000Z", true},
        {"ldplayerd.db.damaged-20010101T000000Z-2", true},
        {"ldplayerd.db.damaged-20010101T000000Z-wal", false},
        {"ldplayerd.db.damaged-20010101T000000Z-journal", false},
        {"ldplayerd.db.damaged-soon", false},
        {"ldplayerd.db.staged-20010101T000000Z", false},
        {"backups/other.db", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        cr_assert_eq(missing_at(0), 0, "a first start");
        put_backup(folder, cases[i].name);
        cr_assert_eq(missing_at(0), 0, "it is there");
        char *path = fs_join(folder, "ldplayerd.db"), *copy = fs_join(folder, cases[i].name);
        cr_assert_eq(fs_remove(path), 0);
        int64_t before = clock_wall_ms(), at = missing_at(cases[i].is_copy);
        cr_assert_eq(at >= before, cases[i].is_copy, "%s", cases[i].name);
        cr_assert_eq(missing_at(cases[i].is_copy), at, "the next start");
        cr_assert_eq(fs_remove(copy), 0);
        cr_assert_eq(missing_at(0), at, "until it was told");
        mem_free(path);
        mem_free(copy);
        folder_remove(folder);
        folder = folder_make();
    }
}

Test(cache_missing, the_newest_comes_first_and_backups_before_what_was_put_aside)
{
    static const char *const order[] = {
        "backups/ldplayerd-20010103T000000Z.db", "backups/ldplayerd-20010102T000000Z.db",
        "ldplayerd.db.replaced-20010109T000000Z", "ldplayerd.db.replaced-20010108T000000Z",
        "ldplayerd.db.damaged-20010107T000000Z"};
    struct cache_missing found;
    for (size_t i = 0; i < countof(order); i++)
        put_backup(folder, order[i]);
    cache_missing_find(folder, clock_wall_ms(), &found);
    cr_assert_eq(found.n_copies, countof(order));
    for (size_t i = 0; i < countof(order); i++)
        cr_assert_not_null(strstr(found.copies[i], order[i]), "%s", found.copies[i]);
    char *sentence = cache_missing_sentence(&found);
    cr_assert_not_null(strstr(sentence, "ldplayerd restore "), "%s", sentence);
    cr_assert_not_null(strstr(sentence, order[0]), "%s", sentence);
    mem_free(sentence);
    cache_missing_deinit(&found);
    for (int i = 0; i < 20; i++) {
        char *name = mem_printf("ldplayerd.db.replaced-200102%02dT000000Z", i + 1);
        put_backup(folder, name);
        mem_free(name);
    }
    cache_missing_find(folder, clock_wall_ms(), &found);
    cr_assert_eq(found.n_copies, CACHE_MISSING_MAX_COPIES);
    cr_assert_not_null(strstr(found.copies[2], "20010220T000000Z"), "%s", found.copies[2]);
    cache_missing_deinit(&found);
}

/* It never passes for a first start. */
Test(cache_missing, a_begin_that_is_killed_anywhere_is_told_by_the_next)
{
    bool is_over = false;
    int n = 0;
    put_backup(folder, "backups/ldplayerd-20010101T000000Z.db");
    for (; !is_over; n++) {
        char *path = fs_join(folder, "ldplayerd.db");
        (void)fs_remove(path);
        is_over = run_and_die_at(n, begin_database);
        cr_assert_gt(missing_at(1), 0, "killed at %d", n);
        mem_free(path);
    }
    cr_assert_geq(n, 3);
    cr_assert_eq(folder_count(folder), 2, "nothing is left of what was cut off");
}

/* SQLite would take what is left for the new one's: write a journal into it, and miss the log that
 * the memory of the former one tells of. */
Test(cache_missing, what_is_left_of_the_former_does_not_touch_the_new_one)
{
    for (int n_copies = 0; n_copies < 2; n_copies++) {
        pid_t pid = fork();
        if (pid == 0) {
            execute(open_db(folder), "INSERT INTO preferences VALUES ('a', 'b')");
            _exit(0);
        }
        cr_assert_eq(waitpid(pid, NULL, 0), pid);
        char *path = fs_join(folder, "ldplayerd.db"), *log = mem_printf("%s-wal", path);
        cr_assert_eq(fs_remove(path), 0);
        cr_assert_eq(fs_remove(log), 0);
        put_journal(folder);
        if (n_copies)
            put_backup(folder, "backups/ldplayerd-20010101T000000Z.db");
        for (int i = 0; i < 2; i++)
            cr_assert_eq(missing_at((size_t)n_copies) > 0, n_copies > 0);
        struct cache_repair repair;
        sqlite3 *db = open_db(folder);
        cr_assert_eq(cache_repair_read(db, &repair), 0);
        cr_assert_null(repair.kept, "%s", repair.finding);
        cache_db_close(db);
        mem_free(log);
        mem_free(path);
    }
}

/* SQLite would take it for that of another database, and remove it. */
Test(cache_missing, what_stands_in_a_log_alone_is_saved)
{
    pid_t pid = fork();
    if (pid == 0) {
        execute(open_db(folder), "INSERT INTO preferences VALUES ('a', 'b')");
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    char *path = fs_join(folder, "ldplayerd.db");
    cr_assert_eq(fs_remove(path), 0);
    cr_assert_eq(missing_at(0), 0);
    sqlite3 *db = open_db(folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM preferences WHERE name = 'a'"), 1);
    cache_db_close(db);
    mem_free(path);
}

Test(cache_missing, of_a_repair_the_newest_copy_is_named)
{
    struct cache_missing missing;
    struct cache_repair repair = {0};
    struct cache_db_error error;
    sqlite3 *db = NULL;
    put_backup(folder, "backups/ldplayerd-20010101T000000Z.db");
    put_backup(folder, "backups/ldplayerd-20010102T000000Z.db");
    put_backup(folder, "backups/ldplayerd-29990101T000000Z.db"); /* the clock was wrong */
    folder_write(folder, "backups/ldplayerd-20010103T000000Z.db", "no database");
    folder_write(folder, "ldplayerd.db", "no database");
    cr_assert_eq(cache_missing_open(folder, &db, &repair, &missing, &error), 0, "%s", error.text);
    cr_assert_not_null(repair.kept);
    cr_assert_not_null(strstr(repair.copy, "ldplayerd-20010102T000000Z.db"), "%s", repair.copy);
    cache_db_close(db);
    cache_repair_deinit(&repair);
    cache_missing_deinit(&missing);
}

static void empty(const char *path)
{
    cr_assert_eq(fs_write_atomic(path, "", 0), 0);
}

static void spoil(const char *path)
{
    cr_assert_eq(fs_write_atomic(path, "no database", 11), 0);
}

static void take_away(const char *path)
{
    cr_assert_eq(fs_remove(path), 0);
}

static void write_and_die(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        execute(open_db(folder), "INSERT INTO preferences VALUES ('a', 'b')");
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

/* It is repaired then, which keeps a row or none; the copies are worth no less. */
Test(cache_missing, one_of_which_nothing_was_left_is_told_like_one_that_is_gone)
{
    static void (*const ways[])(const char *path) = {take_away, empty, spoil};
    for (size_t i = 0; i < countof(ways); i++) {
        folder_remove(folder);
        folder = folder_make();
        cache_db_close(open_db(folder));
        write_and_die();
        char *path = fs_join(folder, "ldplayerd.db"), *log = mem_printf("%s-wal", path);
        put_backup(folder, "backups/ldplayerd-20010101T000000Z.db");
        ways[i](path);
        if (ways[i] == spoil)
            cr_assert_eq(fs_remove(log), 0);
        int64_t at = missing_at(1);
        cr_assert_gt(at, 0, "%zu", i);
        cr_assert_eq(missing_at(1), at, "at each start");
        cache_db_close(open_db(folder));
        mem_free(path);
        mem_free(log);
    }
}

/* A copy would be older than what there is. */
Test(cache_missing, one_that_stands_in_its_log_from_end_to_end_is_not_missing)
{
    write_and_die();
    char *path cleanup(mem_freep) = fs_join(folder, "ldplayerd.db");
    put_backup(folder, "backups/ldplayerd-20010101T000000Z.db");
    take_away(path);
    cr_assert_eq(missing_at(0), 0);
    sqlite3 *db = open_db(folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM preferences WHERE name = 'a'"), 1);
    cache_db_close(db);
}

Test(cache_missing, one_of_a_time_to_come_is_a_copy_and_the_last)
{
    put_backup(folder, "backups/ldplayerd-29990101T000000Z.db");
    put_backup(folder, "backups/ldplayerd-20010101T000000Z.db");
    folder_write(folder, "ldplayerd.db.replaced-20000101T000000Z", "");
    struct cache_missing missing cleanup(cache_missing_deinit) = open_and_close();
    cr_assert_gt(missing.at, 0);
    cr_assert_eq(missing.n_copies, 3);
    cr_assert_not_null(strstr(missing.copies[0], "ldplayerd-20010101T000000Z.db"));
    cr_assert_not_null(strstr(missing.copies[2], "ldplayerd-29990101T000000Z.db"));
}

Test(cache_missing, where_there_is_no_other_it_is_the_one_that_is_named)
{
    put_backup(folder, "backups/ldplayerd-29990101T000000Z.db");
    struct cache_missing missing cleanup(cache_missing_deinit) = open_and_close();
    char *sentence cleanup(mem_freep) = cache_missing_sentence(&missing);
    char *command cleanup(mem_freep) =
        mem_printf("by: ldplayerd restore %s/backups/ldplayerd-29990101T000000Z.db --data-dir %s.",
                   folder, folder);
    cr_assert_not_null(strstr(sentence, command), "%s", sentence);
    cr_assert_eq(missing_at(1), missing.at, "at each start");
}

/* A bit of the number of its version is enough. */
Test(cache_missing, of_one_that_is_said_to_be_of_a_newer_program_a_copy_is_named)
{
    struct cache_missing missing;
    struct cache_repair repair = {0};
    struct cache_db_error error;
    sqlite3 *db = open_db(folder);
    execute(db, "PRAGMA user_version = 117440518");
    cache_db_close(take_ptr(db));
    put_backup(folder, "backups/ldplayerd-20010101T000000Z.db");
    cr_assert_eq(cache_missing_open(folder, &db, &repair, &missing, &error), UV_ENOTSUP);
    cr_assert_not_null(strstr(error.text, "20010101T000000Z.db --data-dir "), "%s", error.text);
}

/* Nor is what the repair itself has put aside a copy. */
Test(cache_missing, without_copies_nothing_is_missing)
{
    char *path = fs_join(folder, "ldplayerd.db");
    spoil(path);
    cr_assert_eq(missing_at(0), 0);
    mem_free(path);
}

/* The drive that it leads to is not there just now. */
Test(cache_missing, a_link_that_leads_nowhere_is_refused_and_stays)
{
    struct cache_missing missing;
    struct cache_repair repair = {0};
    struct cache_db_error error;
    sqlite3 *db = NULL;
    char *path cleanup(mem_freep) = fs_join(folder, "ldplayerd.db");
    folder_write(folder, "ldplayerd.db.replaced-20010101T000000Z", "");
    cr_assert_eq(symlink("/nonexistent/ldplayerd.db", path), 0);
    cr_assert_eq(cache_missing_open(folder, &db, &repair, &missing, &error), UV_EISDIR);
    cr_assert_not_null(strstr(error.text, "a link"), "%s", error.text);
    cr_assert(fs_is_link(path));
    cr_assert_eq(folder_count(folder), 2);
}
