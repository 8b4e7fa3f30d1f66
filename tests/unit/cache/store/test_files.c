/* SPDX-License-Identifier: MIT */
#include "cache/store/files.h"

#include <sys/stat.h>

#include "base/system/clock.h"
#include "tests/unit/cache/journal.h"

static char *folder, *path, *kept;

static void begin(void)
{
    folder = folder_make();
    path = fs_join(folder, "ldplayerd.db");
    kept = fs_join(folder, "kept");
}

static void end(void)
{
    mem_free(kept);
    mem_free(path);
    folder_remove(folder);
}

TestSuite(cache_files, .init = begin, .fini = end);

static const char *const names[] = {"ldplayerd.db", "ldplayerd.db-wal", "ldplayerd.db-shm",
                                    "ldplayerd.db-journal"};

static void write_all(void)
{
    for (size_t i = 0; i < countof(names); i++)
        folder_write(folder, names[i], names[i]);
}

static bool is_text(const char *name, const char *text)
{
    char *found = folder_read(folder, name);
    bool is = found && strcmp(found, text) == 0;
    mem_free(found);
    return is;
}

Test(cache_files, what_stands_beside_a_file_is_found_and_goes_with_it)
{
    cr_assert_null(cache_files_find_beside(path));
    for (size_t i = 1; i < countof(names); i++) {
        folder_write(folder, "ldplayerd.db", "");
        cr_assert_null(cache_files_find_beside(path), "the file itself is not beside it");
        folder_write(folder, names[i], "");
        char *beside = cache_files_find_beside(path);
        cr_assert_str_eq(fs_basename(beside), names[i]);
        mem_free(beside);
        cache_files_remove(path);
        cr_assert_eq(folder_count(folder), 0);
    }
}

Test(cache_files, a_name_is_free_when_nothing_stands_beside_it_either)
{
    static const char *const taken[] = {"a.20261101T000000Z.db", "a.20261101T000000Z-2.db-journal",
                                        "a.20261101T000000Z-3.db-wal"};
    int64_t now = 0;
    char *prefix = fs_join(folder, "a.");
    cr_assert_eq(clock_stamp_parse("20261101T000000Z", &now), 0);
    for (size_t i = 0; i < countof(taken); i++)
        folder_write(folder, taken[i], "");
    char *chosen = cache_files_choose(prefix, now, ".db");
    cr_assert_str_eq(fs_basename(chosen), "a.20261101T000000Z-4.db");
    mem_free(chosen);
    mem_free(prefix);
}

Test(cache_files, all_is_put_aside_or_nothing)
{
    char *in_the_way = fs_join(folder, "kept-shm");
    write_all();
    cr_assert_eq(mkdir(in_the_way, 0700), 0);
    cr_assert_lt(cache_files_put_aside(path, kept), 0);
    for (size_t i = 0; i < countof(names); i++)
        cr_assert(is_text(names[i], names[i]), "%s", names[i]);
    cr_assert_eq(rmdir(in_the_way), 0);
    cr_assert_eq(cache_files_put_aside(path, kept), 0);
    cr_assert_eq(cache_files_put_aside(path, kept), 0, "again");
    cr_assert_eq(folder_count(folder), countof(names));
    cr_assert(is_text("kept", "ldplayerd.db"));
    cr_assert(is_text("kept-wal", "ldplayerd.db-wal"));
    cr_assert(is_text("kept-shm", "ldplayerd.db-shm"));
    cr_assert(is_text("kept-journal", "ldplayerd.db-journal"));
    mem_free(in_the_way);
}

static void fill(const char *mode)
{
    char *sql = mem_printf("PRAGMA journal_mode = %s; CREATE TABLE t (x)", mode);
    sqlite3 *db = NULL;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    execute(db, sql);
    sqlite3_close(db);
    mem_free(sql);
}

static void fill_with_log(void)
{
    fill("wal");
}

static void fill_with_journal(void)
{
    fill("delete");
}

static void garble(void)
{
    folder_write(folder, "ldplayerd.db", "no database");
}

static void nothing(void)
{
}

Test(cache_files, a_journal_stays_only_beside_a_database_that_has_one)
{
    static const struct {
        void (*make)(void);
        bool is_its_own;
    } cases[] = {
        {nothing, false}, {garble, false}, {fill_with_log, false}, {fill_with_journal, true}};
    for (size_t i = 0; i < countof(cases); i++) {
        cases[i].make();
        size_t n = folder_count(folder);
        cr_assert_eq(cache_files_put_journal_aside(path), 0, "where none is");
        put_journal(folder);
        cr_assert_eq(cache_files_put_journal_aside(path), 0);
        char *beside = cache_files_find_beside(path);
        cr_assert_eq(beside != NULL, cases[i].is_its_own, "%zu", i);
        cr_assert_eq(folder_count(folder), n + 1, "it is not thrown away");
        mem_free(beside);
        end();
        begin();
    }
}
