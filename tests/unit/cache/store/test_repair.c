/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "tests/unit/cache/journal.h"

static const char db_name[] = "ldplayerd.db";

static void damage(const char *folder, long offset, size_t n)
{
    char *path cleanup(mem_freep) = fs_join(folder, db_name);
    FILE *file = fopen(path, "r+b");
    fseek(file, offset, SEEK_SET);
    while (n-- > 0)
        fputc(0xA5, file);
    fclose(file);
}

/* 50 tokens. */
static void make_sound(const char *folder)
{
    sqlite3 *db = open_db(folder);
    execute(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50)"
                " INSERT INTO tokens SELECT 'i' || i, 'n', 'viewer', 'd' || i, 1, 0, 0, 0 FROM n");
    cache_db_close(db);
}

/* The first page is gone. */
static void make_damaged(const char *folder)
{
    make_sound(folder);
    damage(folder, 0, 4096);
}

static char *find_file(const char *folder, const char *prefix)
{
    uv_fs_t req;
    uv_dirent_t entry;
    char *found = NULL;
    cr_assert_geq(uv_fs_scandir(NULL, &req, folder, 0, NULL), 0);
    while (uv_fs_scandir_next(&req, &entry) == 0) {
        if (!found && str_has_prefix(entry.name, prefix))
            found = fs_join(folder, entry.name);
    }
    uv_fs_req_cleanup(&req);
    return found;
}

static sqlite3 *open_and_tell(const char *folder, struct cache_repair *repair)
{
    sqlite3 *db = NULL;
    struct cache_db_error err;
    *repair = (struct cache_repair){0};
    cr_assert_eq(cache_db_open(folder, &db, repair, &err), 0, "%s", err.text);
    return db;
}

static void check_whole(sqlite3 *db)
{
    cr_assert_eq(query_number(db, "SELECT count(*) FROM tokens"), 50);
    cr_assert_eq(query_number(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
}

static int die(sqlite3 *db)
{
    (void)db;
    _exit(7);
}

static void open_in_child(const char *folder, int (*finish)(sqlite3 *db))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *db = NULL;
        struct cache_db_error err;
        struct cache_repair repair = {.finish = finish};
        (void)cache_db_open(folder, &db, &repair, &err);
        _exit(0);
    }
    waitpid(child, &status, 0);
    cr_assert_eq(WEXITSTATUS(status), 7);
}

Test(cache_repair, a_crash_while_the_new_file_is_made_changes_nothing)
{
    char *folder = folder_make();
    make_damaged(folder);
    open_in_child(folder, die);
    char *unfinished cleanup(mem_freep) = find_file(folder, "ldplayerd.db.repairing");
    cr_assert_not_null(unfinished);

    struct cache_repair repair;
    sqlite3 *db = open_and_tell(folder, &repair);
    check_whole(db);
    cr_assert_not_null(repair.kept);
    cr_assert_gt(repair.saved.n_tables, 0);
    cr_assert(!fs_exists(unfinished));
    cache_repair_deinit(&repair);
    cache_db_close(db);
    folder_remove(folder);
}

static char *told(const char *folder)
{
    struct cache_repair repair;
    cache_db_close(open_and_tell(folder, &repair));
    cr_assert_not_null(repair.kept);
    char *sentence = cache_repair_sentence(&repair);
    cache_repair_deinit(&repair);
    return sentence;
}

/* What it lists is found without it. */
Test(cache_repair, the_first_page_costs_nothing_and_so_it_is_told)
{
    static const char nothing_lost[] = "has been repaired: 50 rows were kept; the damaged file";
    for (int size = 100; size <= 4096; size += 3996) {
        char *folder = folder_make();
        make_sound(folder);
        damage(folder, 0, (size_t)size);
        char *sentence cleanup(mem_freep) = told(folder);
        cr_assert_not_null(strstr(sentence, nothing_lost), "%s", sentence);
        folder_remove(folder);
    }
}

Test(cache_repair, what_else_is_lost_is_not_taken_for_nothing)
{
    char *folder = folder_make();
    make_sound(folder);
    sqlite3 *db = open_db(folder);
    long root = (long)query_number(db, "SELECT rootpage FROM sqlite_schema WHERE name = 'events'");
    cache_db_close(db);
    damage(folder, 0, 4096);
    damage(folder, (root - 1) * 4096, 4096);
    char *sentence cleanup(mem_freep) = told(folder);
    cr_assert_not_null(strstr(sentence, "it is not known how many of diagnostics, events,"), "%s",
                       sentence);
    folder_remove(folder);
}

static uint32_t number_at(const char *folder, long at)
{
    unsigned char bytes[4];
    char *path cleanup(mem_freep) = fs_join(folder, "ldplayerd.db");
    FILE *file = fopen(path, "rb");
    cr_assert_eq(fseek(file, at, SEEK_SET), 0);
    cr_assert_eq(fread(bytes, 1, sizeof(bytes), file), sizeof(bytes));
    fclose(file);
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Its pages are free, and look like pages that a damaged one had led to. */
Test(cache_repair, what_was_removed_does_not_come_back_when_the_list_of_free_pages_is_gone)
{
    for (int is_list_whole = 0; is_list_whole < 2; is_list_whole++) {
        char *folder = folder_make();
        make_sound(folder);
        sqlite3 *db = open_db(folder);
        execute(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500)"
                    " INSERT INTO events SELECT i, i, 'x', hex(zeroblob(200)) FROM n");
        execute(db, "DELETE FROM events WHERE seq < 400");
        long root =
            (long)query_number(db, "SELECT rootpage FROM sqlite_schema WHERE name = 'events'");
        cache_db_close(db);
        long trunk = (long)number_at(folder, 32);
        cr_assert_gt(trunk, 1);
        damage(folder, (root - 1) * 4096, 4096);
        if (!is_list_whole)
            damage(folder, (trunk - 1) * 4096, 4096);
        struct cache_repair repair;
        db = open_and_tell(folder, &repair);
        cr_assert_not_null(repair.kept);
        cr_assert(cache_repair_is_loss(&repair));
        cr_assert_eq(query_number(db, "SELECT count(*) FROM events WHERE seq < 400"), 0);
        cr_assert_eq(query_number(db, "SELECT count(*) FROM events"), is_list_whole ? 101 : 0);
        check_whole(db);
        cache_repair_deinit(&repair);
        cache_db_close(db);
        folder_remove(folder);
    }
}

Test(cache_repair, it_is_told_until_somebody_could_tell_it)
{
    char *folder = folder_make();
    make_damaged(folder);
    char *first cleanup(mem_freep) = told(folder);
    char *second cleanup(mem_freep) = told(folder);
    cr_assert_str_eq(first, second);
    sqlite3 *db = open_db(folder);
    execute(db, "DELETE FROM preferences WHERE name = '" CACHE_REPAIR_NOTE "'");
    cache_db_close(db);
    struct cache_repair repair;
    cache_db_close(open_and_tell(folder, &repair));
    cr_assert_null(repair.kept);
    folder_remove(folder);
}

/* Repairs, and puts the files back as they were before the step of the exchange that moves the
 * damaged file (0), its log (1) or the new file (2). */
static void undo(const char *folder, int step)
{
    struct cache_repair repair;
    make_damaged(folder);
    folder_write(folder, "ldplayerd.db-wal", "no log, but its place");
    cache_db_close(open_and_tell(folder, &repair));
    char *path cleanup(mem_freep) = fs_join(folder, db_name);
    char *log cleanup(mem_freep) = mem_printf("%s-wal", path);
    char *kept_log cleanup(mem_freep) = mem_printf("%s-wal", repair.kept);
    char *done cleanup(mem_freep) =
        mem_printf("%s.repaired-%s", path, strstr(repair.kept, ".damaged-") + 9);
    cr_assert_eq(fs_rename(path, done), 0);
    if (step < 2)
        cr_assert_eq(fs_rename(kept_log, log), 0);
    if (step < 1)
        cr_assert_eq(fs_rename(repair.kept, path), 0);
    cache_repair_deinit(&repair);
}

Test(cache_repair, a_crash_while_the_files_change_places_is_gone_on_from)
{
    for (int step = 0; step < 3; step++) {
        char *folder = folder_make();
        undo(folder, step);
        struct cache_repair repair;
        sqlite3 *db = open_and_tell(folder, &repair);
        check_whole(db);
        cr_assert_not_null(repair.kept);
        cr_assert(fs_exists(repair.kept));
        char *kept_log cleanup(mem_freep) = mem_printf("%s-wal", repair.kept);
        cr_assert(fs_exists(kept_log), "step %d: the log does not lie beside its file", step);
        char *left cleanup(mem_freep) = find_file(folder, "ldplayerd.db.repaired");
        cr_assert_null(left);
        char *sentence cleanup(mem_freep) = cache_repair_sentence(&repair);
        cr_assert_not_null(strstr(sentence, repair.kept));
        cr_assert_eq(repair.saved.n_tables, 8, "%s", sentence);
        cache_repair_deinit(&repair);
        cache_db_close(db);
        folder_remove(folder);
    }
}

static void make_empty(const char *folder)
{
    folder_write(folder, db_name, "");
}

/* Of another database: SQLite would write it into the new one. */
Test(cache_repair, a_journal_that_lies_there_touches_neither_the_damaged_nor_the_new_one)
{
    static void (*const make[])(const char *folder) = {make_sound, make_damaged, make_empty};
    for (size_t i = 0; i < countof(make); i++) {
        struct cache_repair repair;
        char *folder = folder_make();
        make[i](folder);
        put_journal(folder);
        sqlite3 *db = open_and_tell(folder, &repair);
        cr_assert_eq(repair.kept != NULL, i > 0, "%s", repair.finding);
        for (int again = 0; again < 2; again++) {
            cr_assert_eq(query_number(db, "SELECT count(*) FROM tokens"), i < 2 ? 50 : 0);
            cache_db_close(db);
            db = open_db(folder);
        }
        cache_repair_deinit(&repair);
        cache_db_close(db);
        folder_remove(folder);
    }
}

static int renumber(sqlite3 *db)
{
    return cache_sql_run(db, "INSERT INTO events VALUES (1000000, 1, 'x', '{}')", "");
}

/* It may be an older one, so it is told of, and goes on as one that was repaired. */
Test(cache_repair, one_that_is_sound_but_was_in_doubt_is_told_until_somebody_could_tell_it)
{
    char *folder = folder_make();
    make_sound(folder);
    cr_assert_eq(cache_repair_suspect(folder, "somebody was here"), 0);
    for (int i = 0; i < 2; i++) {
        struct cache_repair repair = {.finish = renumber};
        struct cache_db_error err;
        sqlite3 *db = NULL;
        cr_assert_eq(cache_db_open(folder, &db, &repair, &err), 0, "%s", err.text);
        cr_assert_gt(repair.at, 0);
        cr_assert_null(repair.kept);
        cr_assert(cache_repair_is_loss(&repair));
        char *sentence cleanup(mem_freep) = cache_repair_sentence(&repair);
        cr_assert_not_null(strstr(sentence, "in doubt (somebody was here)"), "%s", sentence);
        cr_assert_eq(query_number(db, "SELECT max(seq) FROM events"), 1000000);
        check_whole(db);
        cache_repair_deinit(&repair);
        cache_db_close(db);
    }
    cr_assert_null(find_file(folder, "ldplayerd.db.suspect"));
    folder_remove(folder);
}

/* More than 64 MiB, so that only a mark has it checked. */
Test(cache_repair, a_large_file_is_checked_when_there_is_a_doubt, .timeout = 60)
{
    char *folder = folder_make();
    sqlite3 *db = open_db(folder);
    execute(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 70)"
                " INSERT INTO events SELECT i, 1, 'x', '[\"' || hex(zeroblob(500000)) || '\"]'"
                " FROM n");
    cache_db_close(db);
    damage(folder, 50 << 20, 4096);
    struct cache_repair repair;
    cache_db_close(open_and_tell(folder, &repair));
    cr_assert_null(repair.kept);

    cr_assert_eq(cache_repair_suspect(folder, "a doubt"), 0);
    db = open_and_tell(folder, &repair);
    cr_assert_not_null(repair.kept);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM events"), 69);
    char *mark cleanup(mem_freep) = find_file(folder, "ldplayerd.db.suspect");
    cr_assert_null(mark);
    cache_repair_deinit(&repair);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_repair, a_database_of_an_older_version_is_repaired_and_then_migrated)
{
    char *folder = folder_make();
    char *path cleanup(mem_freep) = fs_join(folder, db_name);
    sqlite3 *db = NULL;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(cache_schema_make(db, 1), 0);
    execute(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50)"
                " INSERT INTO tokens SELECT 'i' || i, 'n', 'viewer', 'd' || i, 1, 0, 0, 0 FROM n");
    cache_db_close(db);
    damage(folder, 0, 4096);
    struct cache_repair repair;
    db = open_and_tell(folder, &repair);
    check_whole(db);
    cr_assert_eq(query_number(db, "PRAGMA user_version"), cache_schema_newest());
    cache_repair_deinit(&repair);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_repair, it_is_told_what_was_lost_and_how_to_get_it_back)
{
    struct cache_repair repair = {
        .finding = "Tree 5 page 7: no good",
        .kept = (char *)"/data/ldplayerd.db.damaged-1",
        .copy = (char *)"/data/backups/a.db",
        .at = 1000,
        .saved = {.n_tables = 3,
                  .tables = {{"events", 7, -1}, {"operations", 5, 2}, {"tokens", 1, 0}}},
    };
    cr_assert(cache_repair_is_loss(&repair));
    char *sentence cleanup(mem_freep) = cache_repair_sentence(&repair);
    cr_assert_str_eq(sentence,
                     "the database was damaged (Tree 5 page 7: no good) and has been repaired: 13 "
                     "rows were kept, 2 of operations are lost, it is not known how many of events "
                     "are lost; the damaged file is kept as /data/ldplayerd.db.damaged-1; the "
                     "newest daily copy comes back by: ldplayerd restore /data/backups/a.db "
                     "--data-dir /data");
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, object);
    cache_repair_add_json(&repair, doc, object);
    char *json cleanup(mem_freep) = json_write(doc);
    cr_assert_str_eq(json,
                     "{\"at\":\"1970-01-01T00:00:01.000Z\",\"finding\":\"Tree 5 page 7: no good\","
                     "\"kept\":\"/data/ldplayerd.db.damaged-1\",\"copy\":\"/data/backups/a.db\","
                     "\"tables\":[{\"name\":\"events\",\"kept\":7,\"lost\":null},"
                     "{\"name\":\"operations\",\"kept\":5,\"lost\":2},"
                     "{\"name\":\"tokens\",\"kept\":1,\"lost\":0}]}");
}
