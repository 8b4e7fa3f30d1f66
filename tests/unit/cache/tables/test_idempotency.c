/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>
#include <uv.h>

#include "base/system/clock.h"
#include "cache/tables/idempotency.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/cache/fixture.h"

static const int64_t hour = 3600 * 1000;

/* NEW and OTHER as words, SAME as the operation's id. */
static const char *find(struct cache_idempotency *keys, const char *owner, const char *key,
                        const char *fingerprint)
{
    static char operation[UUID_SIZE];
    memset(operation, 0, sizeof(operation));
    switch (cache_idempotency_find(keys, &(struct cache_key){owner, key, fingerprint}, operation)) {
    case CACHE_IDEMPOTENCY_NEW:
        return "NEW";
    case CACHE_IDEMPOTENCY_OTHER:
        return "OTHER";
    case CACHE_IDEMPOTENCY_SAME:
        break;
    }
    return operation;
}

static int remember(struct cache_idempotency *keys, const char *owner, const char *key)
{
    return cache_idempotency_remember(keys, &(struct cache_key){owner, key, "fp"}, "op");
}

static void store_key(sqlite3 *db, const char *key, int64_t created_at)
{
    cr_assert_eq(cache_sql_run(db, "INSERT INTO idempotency VALUES ('me', ?, 'fp', 'op', ?, 0)",
                               "si", key, created_at),
                 0);
}

static struct cache_idempotency *load(sqlite3 *db)
{
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_eq(cache_idempotency_load(keys, db, false), 0);
    return keys;
}

static void note_status(void *arg, int status)
{
    *(int *)arg = status;
}

/* Trims once; returns how many rows are there then. */
static int64_t trim(struct fixture *f, struct cache_idempotency *keys, size_t max_rows)
{
    int status = 1;
    cache_idempotency_trim(keys, f->store, max_rows, note_status, &status);
    loop_run(&f->loop);
    cr_assert_eq(status, 0);
    sqlite3 *db = open_beside(f->folder);
    int64_t n = query_number(db, "SELECT count(*) FROM idempotency");
    cache_db_close(db);
    return n;
}

Test(cache_idempotency, the_same_request_meets_its_operation_at_once)
{
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "NEW");
    cr_assert_eq(remember(keys, "me", "k"), 0);
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "op");
    cr_assert_str_eq(find(keys, "me", "k", "fp2"), "OTHER");
    cr_assert_str_eq(find(keys, "you", "k", "fp"), "NEW");
    cr_assert_str_eq(find(keys, "me", "K", "fp"), "NEW");
    cr_assert_eq(remember(keys, "me", "k"), UV_EEXIST);
    cache_idempotency_free(keys);
    cache_idempotency_free(NULL);
}

Test(cache_idempotency, owner_and_key_do_not_run_together)
{
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_eq(remember(keys, "a", "b:c"), 0);
    cr_assert_str_eq(find(keys, "a:b", "c", "fp"), "NEW");
    cr_assert_str_eq(find(keys, "a", "b:c", "fp"), "op");
    cache_idempotency_free(keys);
}

Test(cache_idempotency, a_row_that_was_written_is_loaded)
{
    struct fixture f;
    sqlite3 *db = fixture_init(&f);
    struct cache_key_row *row =
        cache_key_row_new(&(struct cache_key){"me", "k", "fp"}, "gone by now");
    cr_assert_eq(cache_key_row_write(db, row), 0);
    cr_assert_eq(cache_key_row_write(db, NULL), 0);
    cr_assert_null(cache_key_row_new(NULL, "op"));
    cache_key_row_free(row);
    cache_key_row_free(NULL);

    struct cache_idempotency *keys = load(db);
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "gone by now");
    cr_assert_str_eq(find(keys, "me", "k", "other"), "OTHER");
    cache_idempotency_free(keys);
    cache_db_close(db);
    fixture_stop(&f);
}

Test(cache_idempotency, a_forgotten_key_is_new)
{
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_eq(remember(keys, "me", "k"), 0);
    cache_idempotency_forget(keys, &(struct cache_key){.owner = "me", .key = "k"});
    cache_idempotency_forget(keys, &(struct cache_key){.owner = "me", .key = "never put"});
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "NEW");
    cr_assert_eq(remember(keys, "me", "k"), 0);
    cache_idempotency_free(keys);
}

/* --- a day --- */

Test(cache_idempotency, a_key_ends_after_a_day_in_memory_and_on_disk)
{
    struct fixture f;
    sqlite3 *db = fixture_init(&f);
    int64_t now = clock_wall_ms();
    store_key(db, "too old", now - 24 * hour - 1);
    store_key(db, "old", now - 23 * hour);
    store_key(db, "young", now - 21 * hour);
    struct cache_idempotency *keys = load(db);
    cr_assert_str_eq(find(keys, "me", "too old", "fp"), "NEW");
    cr_assert_str_eq(find(keys, "me", "old", "fp"), "op");
    cr_assert_eq(query_number(db, "SELECT count(*) FROM idempotency"), 3, "loading only reads");

    f.store = cache_store_new(&f.loop, db, NULL);
    cr_assert_eq(trim(&f, keys, 100), 2);
    fake_clock_skip((uint64_t)(2 * hour));
    cr_assert_str_eq(find(keys, "me", "old", "fp"), "NEW");
    cr_assert_str_eq(find(keys, "me", "young", "fp"), "op");
    cr_assert_eq(trim(&f, keys, 100), 1);
    cr_assert_not(cache_idempotency_has_expired(keys));
    cache_idempotency_free(keys);
    fixture_stop(&f);
}

Test(cache_idempotency, rows_go_in_pieces)
{
    struct fixture f;
    sqlite3 *db = fixture_init(&f);
    char key[] = "a";
    for (; key[0] < 'f'; key[0]++)
        store_key(db, key, 1);
    struct cache_idempotency *keys = load(db);
    f.store = cache_store_new(&f.loop, db, NULL);
    cr_assert_eq(trim(&f, keys, 2), 3);
    cr_assert(cache_idempotency_has_expired(keys));
    cr_assert_eq(trim(&f, keys, 2), 1);
    cr_assert_eq(trim(&f, keys, 2), 0);
    cr_assert_not(cache_idempotency_has_expired(keys));
    cache_idempotency_free(keys);
    fixture_stop(&f);
}

Test(cache_idempotency, a_row_is_found_whatever_its_owner_and_key_are)
{
    struct fixture f;
    sqlite3 *db = fixture_init(&f);
    execute(db, "INSERT INTO idempotency VALUES ('uid:0', 'a:b', 'f', 'op', 1, 0),"
                " ('', ':', 'f', 'op', 1, 0), ('7', '', 'f', 'op', 1, 0)");
    struct cache_idempotency *keys = load(db);
    f.store = cache_store_new(&f.loop, db, NULL);
    cr_assert_eq(trim(&f, keys, 100), 0);
    cache_idempotency_free(keys);
    fixture_stop(&f);
}

Test(cache_idempotency, a_key_that_was_used_again_is_not_trimmed_with_its_old_row)
{
    struct fixture f;
    sqlite3 *db = fixture_init(&f);
    store_key(db, "k", 1);
    struct cache_idempotency *keys = load(db);
    const struct cache_key key = {"me", "k", "fp"};
    cr_assert_eq(cache_idempotency_remember(keys, &key, "op-2"), 0);
    struct cache_key_row *row = cache_key_row_new(&key, "op-2");
    cr_assert_eq(cache_key_row_write(db, row), 0);
    cache_key_row_free(row);
    f.store = cache_store_new(&f.loop, db, NULL);
    cr_assert_eq(trim(&f, keys, 100), 1);
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "op-2");
    cache_idempotency_free(keys);
    fixture_stop(&f);
}

Test(cache_idempotency, trimming_that_fails_or_outlives_its_owner_is_harmless)
{
    struct fixture f;
    int status = 1;
    sqlite3 *db = fixture_init(&f);
    store_key(db, "k", 1);
    struct cache_idempotency *keys = load(db);
    f.store = cache_store_new(&f.loop, db, NULL);
    sqlite3 *other = lock_out(&f.loop, f.store, f.folder);
    cache_idempotency_trim(keys, f.store, 100, note_status, &status);
    cache_idempotency_free(keys);
    loop_run(&f.loop);
    cr_assert_eq(status, UV_EBUSY);
    cache_db_close(other);
    fixture_stop(&f);
}

/* --- clocks --- */

Test(cache_idempotency, a_wall_clock_set_ahead_ends_no_key)
{
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_eq(remember(keys, "me", "k"), 0);
    fake_clock_set_wall(400 * 24 * hour);
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "op");
    fake_clock_skip((uint64_t)(24 * hour));
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "NEW");
    cache_idempotency_free(keys);
}

Test(cache_idempotency, a_wall_clock_set_back_keeps_no_key)
{
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_eq(remember(keys, "me", "k"), 0);
    fake_clock_set_wall(-400 * 24 * hour);
    fake_clock_skip((uint64_t)(24 * hour));
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "NEW");
    cr_assert_eq(remember(keys, "me", "k"), 0);
    cache_idempotency_free(keys);
}

Test(cache_idempotency, one_from_the_future_ends_a_day_from_now_and_blocks_nothing)
{
    struct fixture f;
    sqlite3 *db = fixture_init(&f);
    store_key(db, "future", clock_wall_ms() + 400 * 24 * hour);
    store_key(db, "now", clock_wall_ms());
    store_key(db, "old", clock_wall_ms() - 30 * hour);
    struct cache_idempotency *keys = load(db);
    cr_assert_str_eq(find(keys, "me", "future", "fp"), "op");
    f.store = cache_store_new(&f.loop, db, NULL);
    cr_assert_eq(trim(&f, keys, 100), 2);
    fake_clock_skip((uint64_t)(24 * hour + 1000));
    cr_assert_str_eq(find(keys, "me", "future", "fp"), "NEW");
    cr_assert_eq(trim(&f, keys, 100), 0);
    cache_idempotency_free(keys);
    fixture_stop(&f);
}

/* --- limits --- */

Test(cache_idempotency, beyond_a_hundred_thousand_live_keys_new_ones_are_refused)
{
    struct fixture f;
    sqlite3 *db = fixture_init(&f);
    cr_assert_eq(cache_sql_run(db,
                               "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                               " LIMIT 100000) INSERT INTO idempotency SELECT 'me', 'k' || i, 'fp',"
                               " 'op', ?, 0 FROM n",
                               "i", clock_wall_ms()),
                 0);
    struct cache_idempotency *keys = load(db);
    cache_db_close(db);
    cr_assert_eq(remember(keys, "me", "one more"), UV_ENOSPC);
    cr_assert_str_eq(find(keys, "me", "one more", "fp"), "NEW");
    cache_idempotency_forget(keys, &(struct cache_key){.owner = "me", .key = "k7"});
    cr_assert_eq(remember(keys, "me", "one more"), 0);
    cr_assert_eq(remember(keys, "me", "another"), UV_ENOSPC);
    fake_clock_skip((uint64_t)(24 * hour));
    cr_assert_eq(remember(keys, "me", "another"), 0, "the old ones count no more");
    cache_idempotency_free(keys);
    fixture_stop(&f);
}

Test(cache_idempotency, loading_returns_what_failed)
{
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_lt(cache_idempotency_load(keys, db, false), 0);
    cache_idempotency_free(keys);
    cache_db_close(db);
}
