/* SPDX-License-Identifier: MIT */
#include "cache/backup/backups.h"

#include "base/system/clock.h"
#include "base/text/str.h"
#include "cache/backup/restore.h"
#include "cache/tables/preferences.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/cache/backup/put_backup.h"

enum { HOUR_MS = 3600 * 1000 };
static const int64_t year_ms = 365 * 24 * INT64_C(3600000);

static struct fixture f;
static struct cache_backups *backups;
static unsigned n_made, n_failed;

/* What a request was answered with. */
static struct {
    bool is_there;
    int status;
    size_t n_items;
    char name[CACHE_BACKUP_NAME_SIZE];
    int64_t n_preferences; /* in the one that was made */
} got;

static int exec_change(sqlite3 *db, void *arg)
{
    (void)arg;
    return cache_sql_run(db, "INSERT INTO preferences VALUES (hex(randomblob(8)), '')", "");
}

/* Writes down that it heard of it, as the service does. */
static void on_made(void *arg, const struct cache_backups_answer *answer)
{
    (void)arg;
    cache_store_write(f.store, exec_change, NULL, NULL);
    n_made += answer->status == 0;
    n_failed += answer->status < 0;
    cr_assert_eq(answer->status < 0, answer->error != NULL);
}

static void on_answer(void *arg, const struct cache_backups_answer *answer)
{
    (void)arg;
    got.is_there = true;
    got.status = answer->status;
    got.n_items = answer->n_items;
    if (answer->n_items > 0)
        str_copy(got.name, sizeof(got.name), answer->items[0].name);
    for (size_t i = 0; i < answer->copy->n_tables; i++)
        if (strcmp(answer->copy->tables[i].name, "preferences") == 0)
            got.n_preferences = answer->copy->tables[i].n_rows;
}

static void begin(void)
{
    n_made = n_failed = 0;
    got.is_there = false;
    fixture_start(&f);
    backups = cache_backups_new(&f.loop, f.folder, f.store, on_made, NULL);
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static void close_backups(void)
{
    bool is_closed = false;
    cache_backups_close(backups, on_closed, &is_closed);
    cr_assert_not(is_closed);
    loop_run(&f.loop);
    cr_assert(is_closed);
}

static void end(void)
{
    fixture_stop(&f);
}

TestSuite(cache_backups, .init = begin, .fini = end);

static void change(void)
{
    cache_store_write(f.store, exec_change, NULL, NULL);
    loop_run(&f.loop);
}

static int exec_text(sqlite3 *db, void *arg)
{
    return cache_sql_run(db, arg, "");
}

static void execute_in_store(const char *sql)
{
    cache_store_write(f.store, exec_text, NULL, (void *)sql);
    loop_run(&f.loop);
}

static void look(void)
{
    cache_backups_look(backups);
    loop_run(&f.loop);
}

static size_t count(void)
{
    cache_backups_list(backups, on_answer, NULL);
    loop_run(&f.loop);
    cr_assert_eq(got.status, 0);
    return got.n_items;
}

Test(cache_backups, one_a_day_is_made_when_something_has_changed)
{
    look();
    cr_assert_eq(n_made, 1, "there was none");
    change();
    fake_clock_skip(23 * HOUR_MS);
    look();
    cr_assert_eq(n_made, 1, "the newest is young");
    fake_clock_skip(HOUR_MS);
    look();
    cr_assert_eq(n_made, 2);
    fake_clock_skip(48 * HOUR_MS);
    look();
    cr_assert_eq(n_made, 2, "nothing has changed");
    cr_assert_not(cache_backups_health(backups).is_overdue);
    change();
    cr_assert(cache_backups_health(backups).is_overdue);
    look();
    cr_assert_eq(n_made, 3);
    cr_assert_not(cache_backups_health(backups).is_overdue);
    close_backups();
}

Test(cache_backups, what_was_to_be_written_before_is_in_it)
{
    for (unsigned i = 0; i < 20; i++) {
        for (unsigned n = 0; n < 50; n++)
            cache_store_write(f.store, exec_change, NULL, NULL);
        cache_backups_make(backups, on_answer, NULL);
        loop_run(&f.loop);
        cr_assert_eq(got.status, 0);
        cr_assert_eq(got.n_preferences, 51 * i + 50, "and one for each that was made");
        cache_backups_remove(backups, got.name, on_answer, NULL);
        loop_run(&f.loop);
    }
    close_backups();
}

Test(cache_backups, one_that_waits_for_a_write_is_given_up_when_the_service_ends)
{
    cache_store_write(f.store, exec_change, NULL, NULL);
    cache_backups_make(backups, on_answer, NULL);
    cache_backups_stop(backups);
    loop_run(&f.loop);
    cr_assert_eq(got.status, UV_ECANCELED);
    cr_assert_eq(n_made + n_failed, 0);
    close_backups();
}

Test(cache_backups, each_is_kept_for_a_week)
{
    for (int day = 0; day < 20; day++) {
        change();
        look();
        fake_clock_skip(24 * HOUR_MS + 1000);
    }
    change();
    look();
    cr_assert_eq(n_made, 21);
    cr_assert_eq(count(), 7);
    close_backups();
}

Test(cache_backups, one_of_the_future_is_no_reason_not_to_make_one)
{
    put_backup(f.folder, "backups/ldplayerd-29990101T000000Z.db");
    look();
    cr_assert_eq(n_made, 1);
    change();
    cr_assert_not(cache_backups_health(backups).is_overdue);
    look();
    cr_assert_eq(n_made, 1, "the one of today is young");
    fake_clock_skip(48 * HOUR_MS);
    cr_assert(cache_backups_health(backups).is_overdue);
    close_backups();
}

/* One made hours ago, as far as its name says. */
static void put_copy(const char *name)
{
    struct cache_backup made;
    struct cache_copy copy;
    struct cache_db_error error;
    cr_assert_eq(cache_backup_make(f.folder, NULL, &made, &copy, &error), 0, "%s", error.text);
    char *from = cache_backup_path(f.folder, made.name), *to = cache_backup_path(f.folder, name);
    cr_assert_eq(fs_rename(from, to), 0);
    mem_free(from);
    mem_free(to);
}

/* It has the head and the size of one. */
Test(cache_backups, one_that_is_not_whole_is_no_reason_not_to_make_one_nor_to_remove_others)
{
    char name[CACHE_BACKUP_NAME_SIZE], stamp[CLOCK_STAMP_SIZE];
    put_copy("ldplayerd-20010101T000000Z.db");
    put_copy("ldplayerd-20010102T000000Z.db");
    clock_stamp(clock_wall_ms(), stamp);
    snprintf(name, sizeof(name), "ldplayerd-%s.db", stamp);
    for (int can_be_made = 0; can_be_made < 2; can_be_made++) {
        char *path = cache_backup_path(f.folder, name);
        char *place = fs_join(f.folder, "ldplayerd.db"), *away = mem_printf("%s.away", place);
        char *relative = mem_printf("backups/%s", name);
        put_backup(f.folder, relative);
        if (!can_be_made)
            cr_assert_eq(fs_rename(place, away), 0);
        change();
        look();
        cr_assert_eq(n_made, can_be_made);
        cr_assert_not(fs_exists(path));
        cr_assert_eq(count(), 1, "the last good one stays");
        if (!can_be_made)
            cr_assert_eq(fs_rename(away, place), 0);
        fake_clock_skip(HOUR_MS);
        mem_free(relative);
        mem_free(away);
        mem_free(place);
        mem_free(path);
    }
    close_backups();
}

Test(cache_backups, those_of_a_database_that_is_missing_stay_until_somebody_removes_them)
{
    struct cache_missing missing;
    int64_t at = clock_wall_ms();
    char *text = NULL;
    execute_in_store("INSERT INTO preferences VALUES ('" CACHE_MISSING_NOTE "', '1')");
    put_copy("ldplayerd-20010101T000000Z.db");
    cache_missing_find(f.folder, at, &missing);
    cr_assert_eq(missing.n_copies, 1);
    cache_backups_set_missing(backups, &missing);
    cr_assert_eq(missing.n_copies, 0, "taken over");
    fake_clock_skip(2000);
    for (int day = 0; day < 9; day++) {
        change();
        look();
        fake_clock_skip(24 * HOUR_MS + 1000);
    }
    cr_assert_eq(count(), 1 + 7);
    cr_assert_eq(cache_backups_health(backups).missing->n_copies, 1);
    cr_assert_eq(cache_backups_health(backups).missing->at, at);
    cache_backups_remove(backups, "ldplayerd-20010101T000000Z.db", on_answer, NULL);
    loop_run(&f.loop);
    cr_assert_null(cache_backups_health(backups).missing);
    close_backups();
    fixture_close_store(&f);
    sqlite3 *db = open_db(f.folder);
    cr_assert_eq(cache_preferences_read(db, CACHE_MISSING_NOTE, &text), 0);
    cr_assert_null(text, "the next start does not tell it again");
    cache_db_close(db);
}

/* At the start, and while the service runs. */
Test(cache_backups, a_clock_that_is_set_ahead_costs_no_copy)
{
    for (int is_off = 0; is_off < 2; is_off++) {
        int64_t now = clock_wall_ms(), mono = (int64_t)clock_mono_ms();
        struct cache_clock_check clock = {
            .started_wall = now, .started_mono = mono, .held_until = is_off ? mono + HOUR_MS : 0};
        cache_backups_set_clock(backups, &clock);
        for (int days = 1; days < 4; days++) {
            char stamp[CLOCK_STAMP_SIZE];
            clock_stamp(now - days * 24 * HOUR_MS, stamp);
            char *name cleanup(mem_freep) = mem_printf("ldplayerd-%s.db", stamp);
            put_copy(name);
        }
        if (is_off)
            clock.started_wall = now + year_ms;
        fake_clock_set_wall(year_ms);
        change();
        look();
        cr_assert_eq(n_made, 1);
        cr_assert_eq(count(), 3 + 1);
        fake_clock_set_wall(-year_ms);
        if (!is_off) {
            close_backups();
            fixture_stop(&f);
            begin();
        }
    }
    close_backups();
}

Test(cache_backups, one_that_fails_is_told_and_tried_again_an_hour_later)
{
    folder_write(f.folder, "backups", "a file");
    look();
    cr_assert_eq(n_failed, 1);
    cr_assert_not_null(strstr(cache_backups_health(backups).error, "backups"));
    look();
    cr_assert_eq(n_failed, 1);
    fake_clock_skip(HOUR_MS);
    look();
    cr_assert_eq(n_failed, 2);
    char *path = fs_join(f.folder, "backups");
    cr_assert_eq(fs_remove(path), 0);
    mem_free(path);
    fake_clock_skip(HOUR_MS);
    look();
    cr_assert_eq(n_made, 1);
    cr_assert_null(cache_backups_health(backups).error);
    close_backups();
}

Test(cache_backups, none_is_made_of_what_stands_in_the_place_of_the_database)
{
    char *path cleanup(mem_freep) = fs_join(f.folder, CACHE_DB_NAME);
    char *copy cleanup(mem_freep) = mem_printf("%s.copy", path);
    cr_assert_eq(fs_copy(path, copy), 0);
    cr_assert_eq(fs_rename(copy, path), 0);
    cache_backups_make(backups, on_answer, NULL);
    loop_run(&f.loop);
    cr_assert_eq(got.status, UV_ENXIO);
    cr_assert_eq(count(), 0);
    cr_assert_not_null(strstr(cache_backups_health(backups).error, "in the place of ldplayerd.db"));
    close_backups();
}

Test(cache_backups, the_newest_is_known_after_the_start)
{
    put_backup(f.folder, "backups/ldplayerd-20260101T000000Z.db");
    cr_assert_eq(cache_backups_health(backups).newest_at, 0);
    cache_backups_start(backups);
    loop_run(&f.loop);
    cr_assert_gt(cache_backups_health(backups).newest_at, 0);
    cr_assert(cache_backups_health(backups).is_overdue);
    close_backups();
}

Test(cache_backups, a_second_one_is_refused_while_one_is_made)
{
    cache_backups_make(backups, NULL, NULL);
    cache_backups_make(backups, on_answer, NULL);
    cr_assert_not(got.is_there);
    loop_run(&f.loop);
    cr_assert_eq(got.status, UV_EBUSY);
    cr_assert_eq(n_made, 1);
    cr_assert_eq(n_failed, 0);
    cache_backups_make(backups, on_answer, NULL);
    loop_run(&f.loop);
    cr_assert_eq(got.status, 0);
    cache_backups_remove(backups, got.name, on_answer, NULL);
    loop_run(&f.loop);
    cr_assert_eq(got.status, 0);
    cache_backups_remove(backups, "../ldplayerd.db", on_answer, NULL);
    loop_run(&f.loop);
    cr_assert_eq(got.status, UV_ENOENT);
    cr_assert_eq(count(), 1);
    close_backups();
}

Test(cache_backups, stopping_gives_up_what_is_made_and_refuses_what_comes)
{
    cache_backups_make(backups, NULL, NULL);
    cache_backups_stop(backups);
    cache_backups_list(backups, on_answer, NULL);
    close_backups();
    cr_assert(got.is_there);
    cr_assert_eq(got.status, UV_ECANCELED);
    cr_assert_eq(n_failed, 0);
}

/* `ldplayerd backup FILE` has it made, fetches it and removes it. */
Test(cache_backups, one_that_was_removed_again_is_not_the_newest)
{
    cache_backups_make(backups, on_answer, NULL);
    loop_run(&f.loop);
    cr_assert_gt(cache_backups_health(backups).newest_at, 0);
    char *name = mem_strdup(got.name);
    cache_backups_remove(backups, name, on_answer, NULL);
    loop_run(&f.loop);
    cr_assert_eq(got.status, 0);
    cr_assert_eq(cache_backups_health(backups).newest_at, 0);
    look();
    cr_assert_eq(n_made, 2, "there is none, although nothing has changed");
    cr_assert_gt(cache_backups_health(backups).newest_at, 0);
    mem_free(name);
    close_backups();
}

/* Whatever order they end in, what is known in the end is what is there. */
Test(cache_backups, what_is_known_follows_jobs_that_run_at_once)
{
    put_backup(f.folder, "backups/ldplayerd-20260101T000000Z.db");
    put_backup(f.folder, "backups/ldplayerd-20260102T000000Z.db");
    for (int i = 0; i < 20; i++) {
        cache_backups_list(backups, NULL, NULL);
        cache_backups_remove(backups, i % 2 ? "ldplayerd-20260101T000000Z.db" : got.name, NULL,
                             NULL);
        cache_backups_make(backups, on_answer, NULL);
        cache_backups_list(backups, NULL, NULL);
        loop_run(&f.loop);
        cr_assert_eq(got.status, 0);
        int64_t known = cache_backups_health(backups).newest_at, there = 0;
        struct cache_backup *items = NULL;
        size_t n = 0;
        cr_assert_eq(cache_backup_list(f.folder, &items, &n), 0);
        there = n > 0 ? items[0].created_at : 0;
        mem_free(items);
        cr_assert_eq(known, there);
        fake_clock_skip(1000);
    }
    close_backups();
}

Test(cache_backups, restores_are_armed_one_at_a_time)
{
    struct cache_staged a, b;
    struct cache_db_error error;
    cache_backups_make(backups, on_answer, NULL);
    loop_run(&f.loop);
    char *path = cache_backup_path(f.folder, got.name);
    cr_assert_eq(cache_restore_stage(f.folder, path, &a, &error), 0, "%s", error.text);
    cr_assert_eq(cache_restore_stage(f.folder, path, &b, &error), 0, "%s", error.text);
    cache_backups_arm_restore(backups, "nothing", on_answer, NULL);
    loop_run(&f.loop);
    cr_assert_eq(got.status, UV_ENOENT);
    cache_backups_arm_restore(backups, a.id, NULL, NULL);
    cache_backups_arm_restore(backups, b.id, on_answer, NULL);
    loop_run(&f.loop);
    cr_assert_eq(got.status, UV_EBUSY);
    cache_backups_arm_restore(backups, b.id, on_answer, NULL);
    loop_run(&f.loop);
    cr_assert_eq(got.status, UV_EEXIST);
    cr_assert_eq(cache_restore_unstage(f.folder, a.id), UV_ENOENT);
    cr_assert_eq(cache_restore_unstage(f.folder, b.id), 0);
    mem_free(path);
    close_backups();
}
