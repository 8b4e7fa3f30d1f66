/* SPDX-License-Identifier: MIT */
#include "cache/tables/clock_check.h"

#include <criterion/criterion.h>

#include "base/system/clock.h"
#include "cache/tables/housekeeping.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/cache/fixture.h"

static const int64_t hour = 3600 * 1000, day = 24 * 3600 * 1000;

/* One process after another on the same database. */
struct life {
    struct fixture f;
    struct cache_clock_check clock;
    struct cache_idempotency *keys;
    struct cache_housekeeping *h;
};

static void life_begin(struct life *l, const char *folder)
{
    *l = (struct life){.f.folder = (char *)folder};
    sqlite3 *db = open_db(folder);
    cr_assert_eq(loop_init(&l->f.loop), 0);
    cr_assert_eq(cache_clock_check_init(&l->clock, db), 0);
    l->keys = cache_idempotency_new();
    cr_assert_eq(cache_idempotency_load(l->keys, db, cache_clock_check_is_off(&l->clock)), 0);
    l->f.store = cache_store_new(&l->f.loop, db, NULL);
    l->h = cache_housekeeping_new(l->f.store, l->keys, &l->clock);
    cache_housekeeping_run(l->h);
    loop_run(&l->f.loop);
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

static void life_end(struct life *l)
{
    bool is_closed = false;
    cache_housekeeping_run(l->h);
    loop_run(&l->f.loop);
    cache_housekeeping_close(l->h, note_closed, &is_closed);
    loop_run(&l->f.loop);
    cr_assert(is_closed);
    cache_idempotency_free(l->keys);
    fixture_close_store(&l->f);
    cr_assert_eq(loop_deinit(&l->f.loop), 0);
}

static bool has_key(const struct life *l)
{
    char operation[UUID_SIZE];
    return cache_idempotency_find(l->keys, &(struct cache_key){"me", "k", "fp"}, operation) ==
           CACHE_IDEMPOTENCY_SAME;
}

/* What goes after a month, and after a day. */
static char *make_folder(void)
{
    char *folder = folder_make();
    sqlite3 *db = open_db(folder);
    int64_t now = clock_wall_ms();
    cr_assert_eq(cache_sql_run(db, "INSERT INTO events VALUES (1, ?, 'x', '{}')", "i", now), 0);
    cr_assert_eq(cache_sql_run(db, "INSERT INTO tokens VALUES ('a', 'a', 'admin', 'd', 1, ?, 0, 0)",
                               "i", now + 90 * day),
                 0);
    cr_assert_eq(
        cache_sql_run(db, "INSERT INTO idempotency VALUES ('me', 'k', 'fp', 'op', ?, 0)", "i", now),
        0);
    cache_db_close(db);
    return folder;
}

static int64_t n_tokens(const char *folder)
{
    sqlite3 *db = open_beside(folder);
    int64_t n = query_number(db, "SELECT count(*) FROM tokens");
    cache_db_close(db);
    return n;
}

Test(cache_clock_check, a_start_with_a_clock_that_is_wrong_by_a_year_costs_nothing)
{
    for (int is_behind = 0; is_behind < 2; is_behind++) {
        char *folder = make_folder();
        struct life l;
        fake_clock_set_wall((is_behind ? -365 : 365) * day);
        for (int i = 0; i < 2; i++) { /* also the second, which finds what the first has written */
            life_begin(&l, folder);
            cr_assert(cache_clock_check_is_off(&l.clock));
            cr_assert_eq(n_tokens(folder), 1);
            cr_assert(has_key(&l));
            life_end(&l);
        }
        fake_clock_set_wall((is_behind ? 365 : -365) * day);
        life_begin(&l, folder);
        cr_assert_eq(n_tokens(folder), 1);
        cr_assert(has_key(&l));
        life_end(&l);
        folder_remove(folder);
    }
}

/* With a dead battery, until somebody or the network sets it. */
Test(cache_clock_check,
     a_key_that_was_used_while_the_clock_was_behind_is_known_after_the_next_start)
{
    char *folder = make_folder();
    struct life l;
    fake_clock_set_wall(-365 * day);
    life_begin(&l, folder);
    sqlite3 *db = open_beside(folder);
    cr_assert_eq(cache_sql_run(db, "UPDATE idempotency SET created_at = ?", "i", clock_wall_ms()),
                 0);
    cache_db_close(db);
    fake_clock_set_wall(365 * day);
    life_end(&l);
    life_begin(&l, folder);
    cr_assert(has_key(&l));
    life_end(&l);
    folder_remove(folder);
}

Test(cache_clock_check, who_leaves_it_so_for_six_hours_means_it)
{
    char *folder = make_folder();
    struct life l;
    int64_t now;
    fake_clock_set_wall(365 * day);
    life_begin(&l, folder);
    cr_assert_not(cache_clock_check_now(&l.clock, &now));
    fake_clock_skip((uint64_t)(CACHE_CLOCK_HELD_HOURS * hour));
    cr_assert(cache_clock_check_now(&l.clock, &now));
    cache_housekeeping_run(l.h);
    loop_run(&l.f.loop);
    fake_clock_skip((uint64_t)(24 * hour));
    life_end(&l);
    cr_assert_eq(n_tokens(folder), 0);
    life_begin(&l, folder);
    cr_assert_not(cache_clock_check_is_off(&l.clock), "it was noted");
    life_end(&l);
    folder_remove(folder);
}

Test(cache_clock_check, a_clock_that_jumps_while_the_service_runs_is_not_believed_by_the_next_start)
{
    char *folder = make_folder();
    struct life l;
    life_begin(&l, folder);
    fake_clock_set_wall(365 * day);
    life_end(&l);
    life_begin(&l, folder);
    cr_assert(cache_clock_check_is_off(&l.clock));
    cr_assert_eq(n_tokens(folder), 1);
    life_end(&l);
    folder_remove(folder);
}

Test(cache_clock_check, a_night_and_a_new_database_are_nothing_to_doubt)
{
    char *folder = folder_make();
    struct life l;
    for (int i = 0; i < 3; i++) {
        life_begin(&l, folder);
        cr_assert_not(cache_clock_check_is_off(&l.clock));
        life_end(&l);
        fake_clock_set_wall(14 * hour);
    }
    folder_remove(folder);
}
