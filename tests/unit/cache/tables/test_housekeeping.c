/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/system/clock.h"
#include "cache/tables/housekeeping.h"
#include "cache/tables/operations.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/cache/fixture.h"

static const int64_t day = 24 * 3600 * 1000;

struct house {
    struct fixture f;
    struct cache_idempotency *keys;
    struct cache_housekeeping *h;
    struct cache_clock_check clock;
};

/* SQL with ?1 = now. */
static void execute_now(sqlite3 *db, const char *sql)
{
    cr_assert_eq(cache_sql_run(db, sql, "i", clock_wall_ms()), 0, "%s: %s", sql,
                 sqlite3_errmsg(db));
}

/* After the folder's database was filled by way of DB. */
static void house_fill(struct house *o, sqlite3 *db)
{
    o->keys = cache_idempotency_new();
    cr_assert_eq(cache_clock_check_init(&o->clock, db), 0);
    cr_assert_eq(cache_idempotency_load(o->keys, db, false), 0);
    o->f.store = cache_store_new(&o->f.loop, db, NULL);
}

static void house_open(struct house *o, sqlite3 *db)
{
    house_fill(o, db);
    o->h = cache_housekeeping_new(o->f.store, o->keys, &o->clock);
}

/* Lets a round come to its end. */
static void house_run(struct house *o)
{
    cache_housekeeping_run(o->h);
    loop_run(&o->f.loop);
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

static void house_close(struct house *o)
{
    bool is_closed = false;
    cache_housekeeping_close(o->h, note_closed, &is_closed);
    loop_run(&o->f.loop);
    cr_assert(is_closed);
    cache_idempotency_free(o->keys);
    fixture_stop(&o->f);
}

static int64_t ask(struct house *o, const char *sql)
{
    sqlite3 *db = open_beside(o->f.folder);
    int64_t n = query_number(db, sql);
    cache_db_close(db);
    return n;
}

#define OPERATION(id, parent, status, ended_at)                                                    \
    "('" id "', 'start', '', '" parent "', '" status "', 1, 1, " ended_at ", 0, NULL, 0, 0, NULL," \
    " NULL, '{}', NULL, NULL, '[]', 0, 0, 0, '{}', NULL, NULL)"

Test(cache_housekeeping, operations_go_thirty_days_after_their_end)
{
    struct house o;
    sqlite3 *db = fixture_init(&o.f);
    execute_now(
        db, "INSERT INTO operations VALUES"
        /* clang-format off */
                    OPERATION("1", "", "failed", "?1 - 31 * 86400000") ","
                    OPERATION("2", "1", "failed", "?1 - 31 * 86400000") ","
                    OPERATION("3", "", "failed", "?1 - 29 * 86400000") ","
                    OPERATION("4", "", "running", "0") ","
                    OPERATION("5", "4", "failed", "?1 - 31 * 86400000"));
    /* clang-format on */
    house_open(&o, db);
    house_run(&o);
    cr_assert_eq(ask(&o, "SELECT count(*) FROM operations"), 3);
    cr_assert_eq(ask(&o, "SELECT count(*) FROM operations WHERE id IN ('3', '4', '5')"), 3);
    house_close(&o);
}

Test(cache_housekeeping, the_newest_hundred_thousand_operations_stay)
{
    struct house o;
    sqlite3 *db = fixture_init(&o.f);
    /* Ids in order, all ended now; row 1 still runs, row 2 is a batch with row 101200 as child. */
    execute_now(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                    " LIMIT 101200) INSERT INTO operations SELECT format('%06d', i), 'start',"
                    " '', iif(i = 101200, '000002', ''), iif(i = 1, 'running', 'failed'), 1, 1,"
                    " iif(i = 1, 0, ?1), 0, NULL, 0, 0, NULL, NULL, '{}', NULL, NULL, '[]', 0,"
                    " 0, 0, '{}', NULL, NULL FROM n");
    house_open(&o, db);
    house_run(&o);
    cr_assert_eq(ask(&o, "SELECT count(*) FROM operations"), 100000,
                 "the child went with its batch, row 1 stayed");
    cr_assert_eq(ask(&o, "SELECT max(id) FROM operations"), 101199);
    cr_assert_eq(ask(&o, "SELECT min(id) FROM operations WHERE id > '000001'"), 1201);
    house_close(&o);
}

Test(cache_housekeeping, keys_go_after_a_day_and_tokens_a_month_after_their_end_and_their_last_key)
{
    struct house o;
    sqlite3 *db = fixture_init(&o.f);
    execute_now(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1200)"
                    " INSERT INTO idempotency SELECT 'old-revoked', 'k' || i, 'f', 'o',"
                    " ?1 - 90000000, 0 FROM n");
    execute_now(db, "INSERT INTO idempotency VALUES ('used', 'k', 'f', 'o', ?1, 0)");
    execute_now(db, "INSERT INTO tokens VALUES"
                    " ('live', 'a', 'admin', 'd1', 1, 0, 0, 0),"
                    " ('lasting', 'b', 'admin', 'd2', 1, ?1 + 86400000, 0, 0),"
                    " ('revoked', 'c', 'admin', 'd3', 1, 0, ?1 - 29 * 86400000, 0),"
                    " ('expired', 'd', 'admin', 'd4', 1, ?1 - 29 * 86400000, 0, 0),"
                    " ('old-revoked', 'e', 'admin', 'd5', 1, 0, ?1 - 31 * 86400000, 0),"
                    " ('old-expired', 'f', 'admin', 'd6', 1, ?1 - 31 * 86400000, 0, 0),"
                    " ('used', 'g', 'admin', 'd7', 1, ?1 - 31 * 86400000, 0, 0)");
    house_open(&o, db);
    house_run(&o);
    cr_assert_eq(ask(&o, "SELECT count(*) FROM idempotency"), 1);
    cr_assert_eq(ask(&o, "SELECT count(*) FROM tokens"), 5);
    cr_assert_eq(ask(&o, "SELECT count(*) FROM tokens WHERE id LIKE 'old-%'"), 0);

    fake_clock_skip((uint64_t)(2 * day));
    house_run(&o);
    cr_assert_eq(ask(&o, "SELECT count(*) FROM idempotency"), 0);
    cr_assert_eq(ask(&o, "SELECT count(*) FROM tokens WHERE id IN ('live', 'lasting')"), 2);
    cr_assert_eq(ask(&o, "SELECT count(*) FROM tokens"), 2);
    house_close(&o);
}

Test(cache_housekeeping, a_clock_that_is_set_ahead_removes_nothing)
{
    struct house o;
    sqlite3 *db = fixture_init(&o.f);
    execute_now(db, "INSERT INTO operations VALUES" OPERATION("1", "", "failed", "?1"));
    execute_now(db, "INSERT INTO tokens VALUES ('soon', 'a', 'admin', 'd', 1, ?1 + 1000, 0, 0)");
    house_open(&o, db);
    fake_clock_set_wall(100 * day);
    house_run(&o);
    cr_assert_eq(ask(&o, "SELECT count(*) FROM operations"), 1);
    cr_assert_eq(ask(&o, "SELECT count(*) FROM tokens"), 1);
    house_close(&o);
}

Test(cache_housekeeping, a_round_that_fails_is_taken_up_by_the_next)
{
    struct house o;
    sqlite3 *db = fixture_init(&o.f);
    execute_now(db,
                "INSERT INTO operations VALUES" OPERATION("1", "", "failed", "?1 - 31 * 86400000"));
    house_fill(&o, db);
    sqlite3 *other = lock_out(&o.f.loop, o.f.store, o.f.folder);
    o.h = cache_housekeeping_new(o.f.store, o.keys, &o.clock);
    house_run(&o);
    cache_db_close(other);
    cr_assert_eq(ask(&o, "SELECT count(*) FROM operations"), 1);
    house_run(&o);
    cr_assert_eq(ask(&o, "SELECT count(*) FROM operations"), 0);
    house_close(&o);
}

Test(cache_housekeeping, closing_ends_a_round_after_its_job)
{
    struct house o;
    sqlite3 *db = fixture_init(&o.f);
    execute_now(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000)"
                    " INSERT INTO operations SELECT format('%06d', i), 'start', '', '', 'failed',"
                    " 1, 1, ?1 - 31 * 86400000, 0, NULL, 0, 0, NULL, NULL, '{}', NULL, NULL, '[]',"
                    " 0, 0, 0, '{}', NULL, NULL FROM n");
    house_open(&o, db);
    cache_housekeeping_run(o.h);
    cache_housekeeping_run(o.h);
    bool is_closed = false;
    cache_housekeeping_close(o.h, note_closed, &is_closed);
    cr_assert_not(is_closed);
    loop_run(&o.f.loop);
    cr_assert(is_closed);
    cr_assert_eq(ask(&o, "SELECT count(*) FROM operations"), 4500);
    cache_idempotency_free(o.keys);
    fixture_stop(&o.f);
}
