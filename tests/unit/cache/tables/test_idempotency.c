/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>
#include <uv.h>

#include "base/system/clock.h"
#include "cache/tables/idempotency.h"
#include "tests/unit/cache/fixture.h"

static const int64_t hour = 3600 * 1000;

/* NEW and OTHER as words, SAME as the operation's id. */
static const char *find(struct cache_idempotency *keys, const char *who, const char *key,
                        const char *fingerprint)
{
    static char operation[UUID_SIZE];
    memset(operation, 0, sizeof(operation));
    switch (cache_idempotency_find(keys, who, key, fingerprint, operation)) {
    case CACHE_IDEMPOTENCY_NEW:
        return "NEW";
    case CACHE_IDEMPOTENCY_OTHER:
        return "OTHER";
    case CACHE_IDEMPOTENCY_SAME:
        break;
    }
    return operation;
}

/* A row of the table of operations with ID. */
static void store_operation(sqlite3 *db, const char *id)
{
    char *sql =
        mem_printf("INSERT INTO operations VALUES ('%s', 'start', '', '', 'failed', 1, 1, 1,"
                   " 0, NULL, 0, 0, NULL, NULL, '{}', NULL, NULL, '[]', 0, 0, 0, '{}')",
                   id);
    execute(db, sql);
    mem_free(sql);
}

static void store_key(sqlite3 *db, const char *key, int64_t created_at)
{
    cr_assert_eq(cache_sql_run(db, "INSERT INTO idempotency VALUES ('me', ?, 'fp', 'op', ?)", "si",
                               key, created_at),
                 0);
}

static struct cache_idempotency *load(const char *folder)
{
    struct cache_idempotency *keys = cache_idempotency_new();
    sqlite3 *db = open_beside(folder);
    cr_assert_eq(cache_idempotency_load(keys, db), 0);
    cache_db_close(db);
    return keys;
}

Test(cache_idempotency, the_same_request_meets_its_operation_at_once)
{
    struct fixture f;
    fixture_start(&f);
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "NEW");
    cr_assert_eq(cache_idempotency_put(keys, f.store, "me", "k", "fp", "op-1"), 0);
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "op-1");
    cr_assert_str_eq(find(keys, "me", "k", "fp2"), "OTHER");
    cr_assert_str_eq(find(keys, "you", "k", "fp"), "NEW");
    cr_assert_str_eq(find(keys, "me", "K", "fp"), "NEW");
    cache_idempotency_free(keys);
    cache_idempotency_free(NULL);
    fixture_stop(&f);
}

Test(cache_idempotency, who_and_key_do_not_run_together)
{
    struct fixture f;
    fixture_start(&f);
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_eq(cache_idempotency_put(keys, f.store, "a", "b:c", "fp", "op-1"), 0);
    cr_assert_str_eq(find(keys, "a:b", "c", "fp"), "NEW");
    cr_assert_str_eq(find(keys, "a", "b:c", "fp"), "op-1");
    cache_idempotency_free(keys);
    fixture_stop(&f);
}

Test(cache_idempotency, keys_survive_a_restart)
{
    struct fixture f;
    sqlite3 *db = fixture_init(&f);
    store_operation(db, "op-1");
    f.store = cache_store_new(&f.loop, db, NULL);
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_eq(cache_idempotency_put(keys, f.store, "me", "k", "fp", "op-1"), 0);
    cache_idempotency_free(keys);
    fixture_close_store(&f);

    keys = load(f.folder);
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "op-1");
    cr_assert_str_eq(find(keys, "me", "k", "other"), "OTHER");
    cache_idempotency_free(keys);
    fixture_stop(&f);
}

Test(cache_idempotency, a_key_whose_operation_was_not_stored_is_new_after_a_restart)
{
    struct fixture f;
    fixture_start(&f);
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_eq(cache_idempotency_put(keys, f.store, "me", "k", "fp", "op-1"), 0);
    cache_idempotency_free(keys);
    fixture_close_store(&f);
    keys = load(f.folder);
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "NEW");
    cache_idempotency_free(keys);
    fixture_stop(&f);
}

Test(cache_idempotency, a_key_may_be_written_by_the_job_of_its_row)
{
    struct fixture f;
    fixture_start(&f);
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_eq(cache_idempotency_remember(keys, f.store, "me", "k", "fp", "w"), 0);
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "w");
    loop_run(&f.loop);
    cache_idempotency_free(keys);
    sqlite3 *db = open_beside(f.folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM idempotency"), 0);
    execute(db, "INSERT INTO workstations VALUES ('w', 'n', '', '{}', 0, 'unknown', 1, 1, 0, 5)");
    cr_assert_eq(cache_idempotency_write(db, "me", "k", "fp", "w", clock_wall_ms()), 0);
    cache_db_close(db);
    keys = load(f.folder);
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "w");
    cache_idempotency_free(keys);
    fixture_stop(&f);
}

Test(cache_idempotency, putting_again_replaces)
{
    struct fixture f;
    sqlite3 *db = fixture_init(&f);
    store_operation(db, "op-2");
    f.store = cache_store_new(&f.loop, db, NULL);
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_eq(cache_idempotency_put(keys, f.store, "me", "k", "fp", "op-1"), 0);
    cr_assert_eq(cache_idempotency_put(keys, f.store, "me", "k", "fp2", "op-2"), 0);
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "OTHER");
    cr_assert_str_eq(find(keys, "me", "k", "fp2"), "op-2");
    cache_idempotency_free(keys);
    fixture_close_store(&f);
    keys = load(f.folder);
    cr_assert_str_eq(find(keys, "me", "k", "fp2"), "op-2");
    cache_idempotency_free(keys);
    fixture_stop(&f);
}

Test(cache_idempotency, a_forgotten_key_is_new_here_and_after_a_restart)
{
    struct fixture f;
    sqlite3 *db = fixture_init(&f);
    store_operation(db, "op-1");
    f.store = cache_store_new(&f.loop, db, NULL);
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_eq(cache_idempotency_put(keys, f.store, "me", "k", "fp", "op-1"), 0);
    cache_idempotency_forget(keys, f.store, "me", "k");
    cache_idempotency_forget(keys, f.store, "me", "never put");
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "NEW");
    cache_idempotency_free(keys);
    fixture_close_store(&f);
    keys = load(f.folder);
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "NEW");
    cache_idempotency_free(keys);
    fixture_stop(&f);
}

Test(cache_idempotency, keys_end_after_a_day_in_memory_and_on_disk)
{
    struct fixture f;
    int64_t now = clock_wall_ms();
    sqlite3 *db = fixture_init(&f);
    store_operation(db, "op");
    store_key(db, "old", now - 24 * hour - 1);
    store_key(db, "young", now - 23 * hour);
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_eq(cache_idempotency_load(keys, db), 0);
    cr_assert_str_eq(find(keys, "me", "old", "fp"), "NEW");
    cr_assert_str_eq(find(keys, "me", "young", "fp"), "op");
    cr_assert_eq(query_number(db, "SELECT count(*) FROM idempotency"), 2, "loading only reads");

    f.store = cache_store_new(&f.loop, db, NULL);
    cr_assert_eq(cache_idempotency_put(keys, f.store, "me", "new", "fp", "op"), 0);
    fixture_close_store(&f);
    db = open_db(f.folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM idempotency WHERE key = 'old'"), 0);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM idempotency"), 2);
    cache_db_close(db);
    cache_idempotency_free(keys);
    fixture_stop(&f);
}

Test(cache_idempotency, a_key_that_runs_out_while_in_memory_counts_as_new)
{
    struct fixture f;
    sqlite3 *db = fixture_init(&f);
    store_operation(db, "op");
    store_key(db, "k", clock_wall_ms() - 24 * hour + 50);
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_eq(cache_idempotency_load(keys, db), 0);
    uv_sleep(60);
    cr_assert_str_eq(find(keys, "me", "k", "fp"), "NEW");
    f.store = cache_store_new(&f.loop, db, NULL);
    cr_assert_eq(cache_idempotency_put(keys, f.store, "me", "k", "fp2", "op"), 0);
    cr_assert_str_eq(find(keys, "me", "k", "fp2"), "op");
    cache_idempotency_free(keys);
    fixture_stop(&f);
}

Test(cache_idempotency, beyond_a_hundred_thousand_live_keys_new_ones_are_refused)
{
    struct fixture f;
    sqlite3 *db = fixture_init(&f);
    store_operation(db, "op");
    cr_assert_eq(cache_sql_run(db,
                               "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                               " LIMIT 100000) INSERT INTO idempotency SELECT 'me', 'k' || i, 'fp',"
                               " 'op', ? FROM n",
                               "i", clock_wall_ms()),
                 0);
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_eq(cache_idempotency_load(keys, db), 0);
    f.store = cache_store_new(&f.loop, db, NULL);
    cr_assert_eq(cache_idempotency_put(keys, f.store, "me", "one more", "fp", "op"), UV_ENOSPC);
    cr_assert_str_eq(find(keys, "me", "one more", "fp"), "NEW");
    cr_assert_eq(cache_idempotency_put(keys, f.store, "me", "k7", "fp2", "op"), 0, "no new key");
    cache_idempotency_forget(keys, f.store, "me", "k7");
    cr_assert_eq(cache_idempotency_put(keys, f.store, "me", "one more", "fp", "op"), 0);
    cache_idempotency_free(keys);
    fixture_stop(&f);
}

Test(cache_idempotency, loading_returns_what_failed)
{
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_lt(cache_idempotency_load(keys, db), 0);
    cache_idempotency_free(keys);
    cache_db_close(db);
}
