/* SPDX-License-Identifier: MIT */

/* What becomes of the database in whose place a backup comes: it is kept as it is, and what must
 * not be forgotten of it goes on. */
#include <sys/stat.h>

#include "cache/tables/events.h"
#include "cache/tables/idempotency.h"
#include "tests/unit/cache/backup/restore_fixture.h"
#include "tests/unit/cache/journal.h"

TestSuite(cache_restore_former, .init = restore_begin, .fini = restore_end);

static void expect_lost(const char *word)
{
    struct cache_restored last = {0};
    cr_assert_eq(cache_restore_read_last(folder, &last), 0);
    cr_assert(last.lost && strstr(last.lost, word) && strstr(last.lost, "Idempotency-Keys"), "%s",
              last.lost ? last.lost : "nothing is told");
    cache_restored_deinit(&last);
}

/* A former database that cannot be opened keeps its log beside it. */
Test(cache_restore_former, a_damaged_one_is_kept_with_its_log_wherever_the_finish_is_killed)
{
    bool is_over = false;
    int n;
    for (n = 0; !is_over; n++) {
        begin_anew();
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

static void keep(void)
{
}

static void take_away(void)
{
    char *path = fs_join(folder, "ldplayerd.db");
    cr_assert_eq(fs_remove(path), 0);
    mem_free(path);
}

static void empty(void)
{
    folder_write(folder, "ldplayerd.db", "");
}

static void spoil(void)
{
    folder_write(folder, "ldplayerd.db", "no database");
}

/* Of another database: SQLite would write it into the one and the other. */
Test(cache_restore_former, a_journal_that_lies_there_touches_neither_it_nor_what_is_restored)
{
    static void (*const ways[])(void) = {keep, take_away, empty, spoil};
    for (size_t i = 0; i < countof(ways); i++) {
        bool is_over = false;
        for (int n = 0; !is_over; n++) {
            begin_anew();
            set("new");
            ways[i]();
            put_journal(folder);
            stage_and_arm();
            is_over = ways[i] != keep || run_and_die_at(n, run_finish);
            char *kept = finish();
            cr_assert(database_is("old"), "%zu, killed at %d", i, n);
            if (kept && ways[i] == keep)
                cr_assert(is(kept, "new"));
            mem_free(kept);
        }
    }
}

/* A database that was copied together with its log, as what is kept of a former one can be. */
Test(cache_restore_former, a_file_has_what_stands_in_the_log_beside_it)
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
Test(cache_restore_former,
     numbers_of_events_are_above_those_of_the_former_database_wherever_it_is_killed)
{
    bool is_over = false;
    int n;
    for (n = 0; !is_over; n++) {
        begin_anew();
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

/* A finish was cut off when the former database had its new name, and somebody made one meanwhile.
 */
Test(cache_restore_former, a_database_that_came_meanwhile_is_kept_as_well)
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

/* What they did is not undone by the restore, but for what was done to workstations. */
Test(cache_restore_former, keys_that_were_used_since_the_backup_are_still_used)
{
#define KEY(key, operation, age, pruned)                                                           \
    "INSERT OR REPLACE INTO idempotency VALUES ('me', '" key "', 'fp', '" operation                \
    "', ((SELECT value FROM preferences WHERE name = 'now') - " age ") * 1000, " pruned ");"
    sqlite3 *db = open_db(folder);
    /* A key that was used at another time is another use. */
    execute(db, "INSERT INTO preferences VALUES ('now', unixepoch())");
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

/* Who asks again has another token then, but the same request. */
Test(cache_restore_former, keys_of_tokens_that_go_belong_to_whoever_asks)
{
#define TOKEN(id) "INSERT INTO tokens VALUES ('" id "', '" id "', 'admin', 'd" id "', 1, 0, 0, 0);"
#define OWNED(owner, key)                                                                          \
    "INSERT INTO idempotency VALUES ('" owner "', '" key "', 'fp', 'b', unixepoch() * 1000, 0);"
#define FORMER "01234567-89ab-4def-8123-456789abcdef"
#define LATER "01234567-89ab-4def-8123-456789abcde0"
    static const struct {
        const char *owner, *key, *fingerprint;
        enum cache_idempotency_outcome outcome;
    } cases[] = {
        {FORMER, "former", "fp", CACHE_IDEMPOTENCY_SAME},
        {FORMER, "former", "other", CACHE_IDEMPOTENCY_OTHER},
        {"me", "former", "fp", CACHE_IDEMPOTENCY_NEW},
        {"me", "later", "fp", CACHE_IDEMPOTENCY_SAME},
        {"me", "later", "other", CACHE_IDEMPOTENCY_NEW},
        {FORMER, "later", "fp", CACHE_IDEMPOTENCY_SAME},
        {"uid:0", "local", "fp", CACHE_IDEMPOTENCY_SAME},
        {"me", "local", "fp", CACHE_IDEMPOTENCY_NEW},
    };
    sqlite3 *db = open_db(folder);
    execute(db, TOKEN(FORMER));
    cache_db_close(db);
    back_up();
    db = open_db(folder);
    execute(db, TOKEN(LATER) OWNED(FORMER, "former") OWNED(LATER, "later") OWNED("uid:0", "local"));
    cache_db_close(db);
    for (int i = 0; i < 2; i++) {
        stage_and_arm();
        mem_free(finish());
    }
    struct cache_idempotency *keys = cache_idempotency_new();
    db = open_db(folder);
    cr_assert_eq(cache_idempotency_load(keys, db, false), 0);
    cache_db_close(db);
    for (size_t i = 0; i < countof(cases); i++) {
        char operation[UUID_SIZE];
        cr_assert_eq(cache_idempotency_find(
                         keys,
                         &(struct cache_key){cases[i].owner, cases[i].key, cases[i].fingerprint},
                         operation),
                     cases[i].outcome, "%zu", i);
    }
    cache_idempotency_free(keys);
}

/* The second one finds the keys of the first in a database without their operations. */
Test(cache_restore_former, keys_outlive_every_further_restore)
{
    set("old");
    back_up();
    sqlite3 *db = open_db(folder);
    execute(db, "INSERT INTO preferences VALUES ('now', unixepoch())");
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

Test(cache_restore_former, keys_of_a_damaged_database_go_on_and_what_is_lost_is_told)
{
    static const struct {
        const char *root; /* of which table; NULL: the first page */
        bool is_told;
    } cases[] = {{NULL, false}, {"instances", false}, {"operations", true}};
    for (size_t i = 0; i < countof(cases); i++) {
        begin_anew();
        sqlite3 *db = open_db(folder);
        char *sql = mem_printf("SELECT rootpage FROM sqlite_master WHERE name = '%s'",
                               cases[i].root ? cases[i].root : "");
        execute(db, "INSERT INTO preferences VALUES ('now', unixepoch())");
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

/* --- trouble --- */

/* Armed, but it cannot be written: as on a full disk. */
static void block_journal(void)
{
    char *journal = fs_join(folder, "ldplayerd.db.restore-journal");
    cr_assert_eq(mkdir(journal, 0700), 0);
    mem_free(journal);
}

static void unblock_journal(void)
{
    char *journal = fs_join(folder, "ldplayerd.db.restore-journal");
    cr_assert_eq(rmdir(journal), 0);
    mem_free(journal);
}

static sqlite3 *other;

static void lock_former(void)
{
    other = open_beside(folder);
    execute(other, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE");
}

static void unlock_former(void)
{
    cache_db_close(other);
}

static void nothing(void)
{
}

static void fail_database(void)
{
    failing_rename = 0;
}

static void fail_log(void)
{
    failing_rename = 1;
}

Test(cache_restore_former, whatever_stands_in_the_way_it_is_as_it_was)
{
    static const struct {
        void (*block)(void), (*unblock)(void);
        int status;
        bool is_armed; /* the next start goes on */
    } cases[] = {
        {block_journal, unblock_journal, UV_EPERM, false},
        {lock_former, unlock_former, UV_EPERM, false},
        {fail_database, nothing, UV_EACCES, true},
        {fail_log, nothing, UV_EACCES, true},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct cache_db_error error;
        char *kept = NULL;
        set("old");
        unlink(file);
        back_up();
        set("new");
        stage_and_arm();
        cases[i].block();
        cr_assert_eq(cache_restore_finish(folder, &kept, &error), cases[i].status, "%zu: %s", i,
                     error.text);
        cases[i].unblock();
        cr_assert_null(kept);
        cr_assert_str_not_empty(error.text);
        cr_assert_eq(is_armed(), cases[i].is_armed, "%zu", i);
        cr_assert(database_is("new"), "%zu", i);
        if (is_armed())
            expect_restored("old", "new");
    }
}

static struct buf read_bytes(const char *path)
{
    struct buf bytes;
    buf_init(&bytes, 0);
    cr_assert_eq(fs_read(path, &bytes), 0, "%s", path);
    return bytes;
}

/* SQLite would copy back what stands before the bad place, and empty it. */
Test(cache_restore_former, a_damaged_log_is_kept_as_it_is)
{
    char *path = fs_join(folder, "ldplayerd.db-wal");
    set("old");
    back_up();
    set_and_crash("new");
    set_and_crash("newer");
    FILE *f = fopen(path, "r+b");
    cr_assert_eq(fseek(f, 32 + 24 + 100, SEEK_SET), 0);
    cr_assert_eq(fputc(0x5a, f), 0x5a);
    cr_assert_eq(fclose(f), 0);
    struct buf before = read_bytes(path);
    stage_and_arm();
    char *kept = finish(), *log = mem_printf("%s-wal", kept);
    struct buf after = read_bytes(log);
    cr_assert_eq(after.len, before.len);
    cr_assert_eq(memcmp(after.data, before.data, before.len), 0);
    cr_assert(database_is("old"));
    buf_deinit(&before);
    buf_deinit(&after);
    mem_free(log);
    mem_free(kept);
    mem_free(path);
}

/* The database was deleted after a crash. Beside another one SQLite would read it as its own. */
Test(cache_restore_former, a_log_alone_is_kept_and_joins_no_other_database)
{
    char *path = fs_join(folder, "ldplayerd.db");
    set("old");
    back_up();
    set_and_crash("new");
    cr_assert_eq(fs_remove(path), 0);
    stage_and_arm();
    char *kept = finish(), *log = mem_printf("%s-wal", kept);
    cr_assert(database_is("old"));
    cr_assert(fs_exists(kept) && fs_exists(log), "%s", log);
    expect_lost("gone or empty");
    mem_free(log);
    mem_free(kept);
    mem_free(path);
}

Test(cache_restore_former, a_log_that_was_removed_is_told)
{
    char *log = fs_join(folder, "ldplayerd.db-wal");
    set("old");
    back_up();
    set_and_crash("new");
    cr_assert_eq(fs_remove(log), 0);
    stage_and_arm();
    mem_free(finish());
    cr_assert(database_is("old"));
    expect_lost("write-ahead log is gone");
    mem_free(log);
}

/* Its keys as well, also when the finish is killed behind what it has told. */
Test(cache_restore_former, where_there_was_none_it_is_told_and_a_later_finish_tells_nothing_else)
{
    char *path = fs_join(folder, "ldplayerd.db");
    bool is_over = false;
    for (int n = 0; !is_over; n++) {
        folder_remove(folder);
        folder = folder_make();
        unlink(file);
        set("old");
        back_up();
        mem_free(path);
        path = fs_join(folder, "ldplayerd.db");
        cr_assert_eq(fs_remove(path), 0);
        stage_and_arm();
        is_over = run_and_die_at(n, run_finish);
        mem_free(finish());
        cr_assert(database_is("old"), "killed at %d", n);
        expect_lost("there was no former database");
    }
    mem_free(path);
}

/* What a finish moved before it was killed was whole. */
Test(cache_restore_former, one_that_was_moved_by_a_killed_finish_is_not_called_missing)
{
    bool is_over = false;
    for (int n = 0; !is_over; n++) {
        struct cache_restored last = {0};
        folder_remove(folder);
        folder = folder_make();
        unlink(file);
        set("old");
        back_up();
        set("new");
        stage_and_arm();
        is_over = run_and_die_at(n, run_finish);
        mem_free(finish());
        cr_assert_eq(cache_restore_read_last(folder, &last), 0);
        cr_assert_null(last.lost, "killed at %d: %s", n, last.lost);
        cache_restored_deinit(&last);
    }
}

Test(cache_restore_former, what_is_no_plain_file_is_refused_and_not_waited_for)
{
    static const char *const names[] = {"ldplayerd.db", "ldplayerd.db-wal"};
    for (size_t i = 0; i < 2 * countof(names); i++) {
        struct cache_db_error error;
        char *kept = NULL, *path = fs_join(folder, names[i / 2]);
        set("old");
        unlink(file);
        back_up();
        stage_and_arm();
        (void)fs_remove(path);
        cr_assert_eq(i % 2 ? mkdir(path, 0700) : mkfifo(path, 0600), 0);
        cr_assert_eq(cache_restore_finish(folder, &kept, &error), UV_EPERM);
        cr_assert_not_null(strstr(error.text, path), "%s", error.text);
        cr_assert_null(kept);
        cr_assert_not(is_armed());
        cr_assert_eq(i % 2 ? rmdir(path) : unlink(path), 0, "it is where it was");
        mem_free(path);
    }
}
