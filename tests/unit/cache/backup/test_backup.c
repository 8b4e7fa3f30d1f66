/* SPDX-License-Identifier: MIT */
#include "cache/backup/backup.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/system/clock.h"
#include "base/text/str.h"
#include "cache/tables/tokens.h"
#include "tests/unit/cache/backup/put_backup.h"

enum { DAY_MS = 24 * 3600 * 1000 };

static char *folder;

static void begin(void)
{
    folder = folder_make();
}

static void end(void)
{
    folder_remove(folder);
}

TestSuite(cache_backup, .init = begin, .fini = end);

static void fill(sqlite3 *db)
{
    execute(db, "INSERT INTO preferences VALUES ('a', 'b'), ('c', 'd')");
}

Test(cache_backup, a_name_is_one_that_we_give)
{
    static const char *const good[] = {"ldplayerd-20261126T032800Z.db",
                                       "ldplayerd-20261126T032800Z-2.db"};
    static const char *const bad[] = {
        "",
        "ldplayerd.db",
        "ldplayerd-.db",
        "ldplayerd-20261126T032800Z",
        "ldplayerd-20261326T032800Z.db",
        "ldplayerd-20261126T032800Z-2x.db",
        "ldplayerd-20261126T032800Z-2-3.db",
        "ldplayerd-20261126T032800Z/../x.db",
        "../ldplayerd-20261126T032800Z.db",
        "ldplayerd-20261126T032800Z-222222222222222222222222222222222222222222222.db",
        "new.tmp",
    };
    for (size_t i = 0; i < countof(good); i++)
        cr_expect(cache_backup_is_name(good[i]), "%s", good[i]);
    for (size_t i = 0; i < countof(bad); i++) {
        cr_expect_not(cache_backup_is_name(bad[i]), "%s", bad[i]);
        cr_expect_eq(cache_backup_remove(folder, bad[i]), UV_ENOENT);
    }
}

Test(cache_backup, has_what_was_committed_and_says_what_it_has)
{
    struct cache_backup made, *items = NULL;
    struct cache_copy copy;
    struct cache_db_error error;
    size_t n = 0;
    sqlite3 *db = open_db(folder);
    fill(db);
    execute(db, "BEGIN IMMEDIATE; INSERT INTO preferences VALUES ('e', 'f')");
    int64_t before = clock_wall_ms();
    cr_assert_eq(cache_backup_make(folder, NULL, &made, &copy, &error), 0, "%s", error.text);
    execute(db, "COMMIT");
    cr_assert_geq(made.created_at, before - 1000);
    cr_assert_eq(made.schema_version, cache_schema_newest());
    cr_assert_eq(copy.n_tables, 8);
    for (size_t i = 0; i < copy.n_tables; i++)
        cr_assert_eq(copy.tables[i].n_rows, strcmp(copy.tables[i].name, "preferences") ? 0 : 2);
    cr_assert_eq(cache_backup_list(folder, &items, &n), 0);
    cr_assert_eq(n, 1);
    cr_assert_str_eq(items[0].name, made.name);
    cr_assert_eq(items[0].bytes, made.bytes);
    cr_assert_eq(items[0].schema_version, made.schema_version);
    cr_assert_eq(items[0].created_at / 1000, made.created_at / 1000);
    mem_free(items);
    cr_assert_eq(cache_backup_remove(folder, made.name), 0);
    cr_assert_eq(cache_backup_remove(folder, made.name), UV_ENOENT);
    cache_db_close(db);
}

Test(cache_backup, two_of_one_second_have_two_names)
{
    struct cache_backup made[3];
    struct cache_copy copy;
    struct cache_db_error error;
    cache_db_close(open_db(folder));
    for (int i = 0; i < 3; i++)
        cr_assert_eq(cache_backup_make(folder, NULL, &made[i], &copy, &error), 0);
    char *backups = fs_join(folder, "backups");
    cr_assert_eq(folder_count(backups), 3);
    mem_free(backups);
}

Test(cache_backup, one_that_fails_or_is_cancelled_leaves_nothing)
{
    struct cache_backup made;
    struct cache_copy copy;
    struct cache_db_error error;
    atomic_bool cancel = true;
    char *backups = fs_join(folder, "backups");
    cr_assert_eq(cache_backup_make(folder, NULL, &made, &copy, &error), UV_ENOENT);
    cr_assert_str_not_empty(error.text);
    sqlite3 *db = open_db(folder);
    fill(db);
    cr_assert_eq(cache_backup_make(folder, &cancel, &made, &copy, &error), UV_ECANCELED);
    cr_assert_eq(folder_count(backups), 0);
    cache_db_close(db);
    mem_free(backups);
}

Test(cache_backup, a_full_disk_leaves_nothing_and_is_named)
{
    struct cache_backup made;
    struct cache_copy copy;
    struct cache_db_error error;
    char *backups = fs_join(folder, "backups");
    sqlite3 *db = open_db(folder);
    fill(db);
    cr_assert_eq(fs_make_dirs(backups), 0);
    mount_small(backups, "size=64k");
    cr_assert_eq(cache_backup_make(folder, NULL, &made, &copy, &error), UV_ENOSPC, "%s",
                 error.text);
    cr_assert_eq(strncmp(error.text, backups, strlen(backups)), 0, "%s", error.text);
    cr_assert_eq(folder_count(backups), 0);
    cr_assert_eq(umount(backups), 0);
    cache_db_close(db);
    mem_free(backups);
}

Test(cache_backup, none_is_made_where_the_log_was_removed)
{
    struct cache_copy copy;
    struct cache_db_error error;
    char *log = fs_join(folder, "ldplayerd.db-wal"), *to = fs_join(folder, "a.db");
    pid_t pid = fork();
    if (pid == 0) {
        execute(open_db(folder), "INSERT INTO preferences VALUES ('a', 'b')");
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    cr_assert_eq(fs_remove(log), 0);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(cache_backup_copy(folder, to, &copy, &error), UV_EFTYPE);
        cr_assert_not_null(strstr(error.text, "log is gone"), "%s", error.text);
        cr_assert_not_null(strstr(error.text, "the next start"), "%s", error.text);
    }
    mem_free(log);
    mem_free(to);
}

Test(cache_backup, a_damaged_database_is_named)
{
    struct cache_backup made;
    struct cache_copy copy;
    struct cache_db_error error;
    char *database = fs_join(folder, "ldplayerd.db");
    folder_write(folder, "ldplayerd.db", "no database, however long one looks at what is in it");
    cr_assert_eq(cache_backup_make(folder, NULL, &made, &copy, &error), UV_EFTYPE);
    cr_assert_eq(strncmp(error.text, database, strlen(database)), 0, "%s", error.text);
    mem_free(database);
}

static void put(const char *name)
{
    char *path = mem_printf("backups/%s", name);
    put_backup(folder, path);
    mem_free(path);
}

/* Ends where the head of a good one ends, or anywhere before its last page. */
Test(cache_backup, what_is_not_all_of_a_database_is_no_backup)
{
    struct cache_backup made, *items = NULL;
    struct cache_copy copy;
    struct cache_db_error error;
    size_t n = 0;
    sqlite3 *db = open_db(folder);
    cr_assert_eq(cache_backup_make(folder, NULL, &made, &copy, &error), 0);
    cache_db_close(db);
    char *path = cache_backup_path(folder, made.name);
    for (int i = 0; i < 3; i++) {
        mem_free(take_ptr(items));
        cr_assert_eq(cache_backup_list(folder, &items, &n), 0);
        cr_assert_eq(n, i == 0);
        cr_assert_eq(truncate(path, i == 0 ? (off_t)made.bytes - 1 : 100), 0);
    }
    mem_free(items);
    mem_free(path);
}

static void garble(const char *name)
{
    char *path = cache_backup_path(folder, name);
    FILE *stream = fopen(path, "r+b");
    fseek(stream, 100, SEEK_SET);
    for (int i = 0; i < 4000; i++)
        fputc(0xA5, stream);
    fclose(stream);
    mem_free(path);
}

/* Their heads and sizes are right. */
Test(cache_backup, the_newest_that_is_whole_is_found_and_those_before_it_are_put_aside)
{
    struct cache_backup made[3], found;
    struct cache_copy copy;
    struct cache_db_error error;
    cr_assert_eq(cache_backup_find_whole(folder, clock_wall_ms(), "", &found), UV_ENOENT);
    sqlite3 *db = open_db(folder);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(cache_backup_make(folder, NULL, &made[i], &copy, &error), 0);
    int64_t now = clock_wall_ms();
    cache_db_close(db);
    garble(made[1].name);
    garble(made[2].name);
    put("ldplayerd-29991101T000000Z.db");
    cr_assert_eq(cache_backup_find_whole(folder, now, made[2].name, &found), 0, "it was");
    cr_assert_str_eq(found.name, made[2].name);
    cr_assert_eq(cache_backup_find_whole(folder, now, "", &found), 0);
    cr_assert_str_eq(found.name, made[0].name);
    char *aside = mem_printf("backups/%s.damaged", made[2].name);
    char *text = folder_read(folder, aside);
    cr_assert_not_null(text, "nothing is thrown away");
    mem_free(text);
    mem_free(aside);
    garble(made[0].name);
    cr_assert_eq(cache_backup_find_whole(folder, now, "", &found), UV_ENOENT);
}

static int64_t at(const char *stamp)
{
    int64_t ms = 0;
    cr_assert_eq(clock_stamp_parse(stamp, &ms), 0);
    return ms;
}

Test(cache_backup, those_of_one_second_are_in_the_order_in_which_they_were_made)
{
    static const char *const names[] = {
        "ldplayerd-20261102T000000Z.db",    "ldplayerd-20261101T000000Z-12.db",
        "ldplayerd-20261101T000000Z-11.db", "ldplayerd-20261101T000000Z-9.db",
        "ldplayerd-20261101T000000Z-2.db",  "ldplayerd-20261101T000000Z.db"};
    struct cache_backup *items = NULL;
    size_t n = 0;
    for (size_t i = 0; i < countof(names); i++)
        put(names[(i * 5) % countof(names)]);
    cr_assert_eq(cache_backup_list(folder, &items, &n), 0);
    cr_assert_eq(n, countof(names));
    for (size_t i = 0; i < n; i++)
        cr_assert_str_eq(items[i].name, names[i]);
    mem_free(items);
}

Test(cache_backup, old_ones_go_but_the_newest_stays)
{
    struct cache_backup *items = NULL;
    size_t n = 0;
    static const char *const names[] = {
        "ldplayerd-20261101T000000Z.db", "ldplayerd-20261102T000000Z.db",
        "ldplayerd-20261108T000000Z.db", "ldplayerd-20261109T000000Z.db"};
    for (size_t i = 0; i < countof(names); i++)
        put(names[i]);
    put("new.tmp");
    put("notes.txt");
    cr_assert_eq(cache_backup_prune(folder, at("20261109T000000Z"), 7 * (int64_t)DAY_MS, 0), 1);
    cr_assert_eq(cache_backup_list(folder, &items, &n), 0);
    cr_assert_eq(n, 3);
    cr_assert_str_eq(items[0].name, names[3]);
    cr_assert_str_eq(items[2].name, names[1]);
    mem_free(items);
    cr_assert_eq(cache_backup_prune(folder, at("20271109T000000Z"), 7 * (int64_t)DAY_MS, 0), 2);
    char *backups = fs_join(folder, "backups");
    cr_assert_eq(folder_count(backups), 2, "the newest, and what is none of ours");
    mem_free(backups);
}

/* Of a former database, which the present one has no copies of. */
Test(cache_backup, none_from_before_goes)
{
    put("ldplayerd-20261101T000000Z.db");
    put("ldplayerd-20261103T000000Z.db");
    put("ldplayerd-20261105T000000Z.db");
    cr_assert_eq(cache_backup_prune(folder, at("20271109T000000Z"), DAY_MS, at("20261102T000000Z")),
                 1);
    struct cache_backup *items = NULL;
    size_t n = 0;
    cr_assert_eq(cache_backup_list(folder, &items, &n), 0);
    cr_assert_eq(n, 2);
    cr_assert_str_eq(items[1].name, "ldplayerd-20261101T000000Z.db");
    mem_free(items);
}

Test(cache_backup, what_is_no_database_is_no_backup)
{
    static const char *const texts[] = {
        "", "x",
        "no database, although it is long enough to have one's whole head in it, and more"};
    for (size_t i = 0; i < countof(texts); i++) {
        struct cache_backup *items = NULL;
        size_t n = 7;
        folder_write(folder, "backups/ldplayerd-20261101T000000Z.db", texts[i]);
        cr_assert_eq(cache_backup_list(folder, &items, &n), 0);
        cr_assert_eq(n, 0, "%zu", i);
        mem_free(items);
    }
}

Test(cache_backup, one_of_the_future_is_not_the_newest)
{
    static const struct {
        const char *names[3], *newest;
    } cases[] = {
        {{NULL}, NULL},
        {{"ldplayerd-20991101T000000Z.db"}, NULL},
        {{"ldplayerd-20991101T000000Z.db", "ldplayerd-20261101T000000Z.db"},
         "ldplayerd-20261101T000000Z.db"},
        /* A clock that was set back by some hours. */
        {{"ldplayerd-20261102T230000Z.db", "ldplayerd-20261101T000000Z.db"},
         "ldplayerd-20261101T000000Z.db"},
        {{"ldplayerd-20261102T000000Z.db"}, "ldplayerd-20261102T000000Z.db"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct cache_backup *items = NULL;
        size_t n = 0;
        for (size_t k = 0; cases[i].names[k]; k++)
            put(cases[i].names[k]);
        cr_assert_eq(cache_backup_list(folder, &items, &n), 0);
        const struct cache_backup *newest = cache_backup_newest(items, n, at("20261102T000000Z"));
        cr_assert_eq(newest != NULL, cases[i].newest != NULL, "%zu", i);
        if (newest)
            cr_assert_str_eq(newest->name, cases[i].newest);
        mem_free(items);
        folder_remove(folder);
        folder = folder_make();
    }
}

Test(cache_backup, a_damaged_database_is_marked_for_the_next_start)
{
    struct cache_backup made;
    struct cache_copy copy;
    struct cache_db_error error;
    char *path = fs_join(folder, "ldplayerd.db");
    cr_assert_eq(cache_backup_make(folder, NULL, &made, &copy, &error), UV_ENOENT);
    cr_assert_not(cache_repair_is_suspect(path), "there is none");
    folder_write(folder, "ldplayerd.db", "no database, however long one looks at what is in it");
    cr_assert_eq(cache_backup_make(folder, NULL, &made, &copy, &error), UV_EFTYPE);
    cr_assert(cache_repair_is_suspect(path));
    cr_assert_not_null(strstr(error.text, "the next start of the service checks and repairs it"),
                       "%s", error.text);
    mem_free(path);
}

Test(cache_backup, a_folder_that_is_not_there_is_empty)
{
    struct cache_backup *items = NULL;
    size_t n = 7;
    cr_assert_eq(cache_backup_list(folder, &items, &n), 0);
    cr_assert_eq(n, 0);
    cr_assert_null(items);
    cr_assert_eq(cache_backup_prune(folder, clock_wall_ms(), 0, 0), 0);
}
