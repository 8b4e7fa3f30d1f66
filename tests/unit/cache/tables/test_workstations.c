/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "cache/tables/idempotency.h"
#include "cache/tables/workstations.h"
#include "tests/unit/cache/fixture.h"

static void note_status(void *arg, int status)
{
    *(int *)arg = status;
}

static struct cache_workstation make(const char *id, const char *name)
{
    struct cache_workstation w;
    cache_workstation_init(&w);
    str_copy(w.id, sizeof(w.id), id);
    str_copy(w.name, sizeof(w.name), name);
    return w;
}

/* Returns what the store said. */
static int put(struct fixture *f, const char *id, const char *name, int64_t created_at)
{
    int status = 1;
    struct cache_workstation w cleanup(cache_workstation_deinit) = make(id, name);
    w.created_at = created_at;
    cache_workstations_put(f->store, &w, NULL, note_status, &status);
    cr_assert_eq(status, 1);
    loop_run(&f->loop);
    return status;
}

static int remove_it(struct fixture *f, const char *id)
{
    int status = 1;
    cache_workstations_remove(f->store, id, NULL, note_status, &status);
    loop_run(&f->loop);
    return status;
}

static struct cache_workstation *load(struct fixture *f, size_t *ret_n)
{
    struct cache_workstation *items = NULL;
    loop_run(&f->loop);
    sqlite3 *db = open_beside(f->folder);
    cr_assert_eq(cache_workstations_load(db, &items, ret_n), 0);
    cache_db_close(db);
    return items;
}

static void free_all(struct cache_workstation *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cache_workstation_deinit(&items[i]);
    mem_free(items);
}

static void expect_names(struct fixture *f, const char *expected)
{
    size_t n = 0;
    struct buf names cleanup(buf_deinit);
    struct cache_workstation *items = load(f, &n);
    buf_init(&names, 0);
    (void)buf_append_str(&names, "");
    for (size_t i = 0; i < n; i++)
        (void)buf_printf(&names, "%s%s", i ? " " : "", items[i].name);
    cr_assert_str_eq(names.data, expected);
    free_all(items, n);
}

Test(cache_workstations, a_row_comes_back_as_it_was_put)
{
    struct fixture f;
    size_t n = 0;
    fixture_start(&f);
    struct cache_workstation w cleanup(cache_workstation_deinit) = make("local", "雷 \"1\"");
    str_copy(w.address, sizeof(w.address), "http://10.0.0.1:8765");
    mem_free(w.labels);
    w.labels = mem_strdup("{\"rack\":\"3\"}");
    w.is_maintained = true;
    w.status = CACHE_WORKSTATION_MAINTENANCE;
    w.created_at = 11;
    w.updated_at = 12;
    w.last_seen_at = 13;
    cache_workstations_put(f.store, &w, NULL, NULL, NULL);
    struct cache_workstation *items = load(&f, &n);
    cr_assert_eq(n, 1);
    cr_assert_str_eq(items->id, "local");
    cr_assert_str_eq(items->name, w.name);
    cr_assert_str_eq(items->address, w.address);
    cr_assert_str_eq(items->labels, w.labels);
    cr_assert(items->is_maintained);
    cr_assert_eq(items->status, CACHE_WORKSTATION_MAINTENANCE);
    cr_assert_eq(items->created_at, 11);
    cr_assert_eq(items->updated_at, 12);
    cr_assert_eq(items->last_seen_at, 13);
    free_all(items, n);
    fixture_stop(&f);
}

Test(cache_workstations, are_loaded_in_the_order_in_which_they_were_made)
{
    struct fixture f;
    fixture_start(&f);
    expect_names(&f, "");
    cr_assert_eq(put(&f, "c", "third", 3), 0);
    cr_assert_eq(put(&f, "b", "first", 1), 0);
    cr_assert_eq(put(&f, "a", "second", 2), 0);
    expect_names(&f, "first second third");
    cr_assert_eq(put(&f, "b", "still first", 1), 0);
    expect_names(&f, "still first second third");
    fixture_stop(&f);
}

Test(cache_workstations, a_name_belongs_to_one_until_it_is_removed)
{
    struct fixture f;
    fixture_start(&f);
    cr_assert_eq(put(&f, "a", "one", 1), 0);
    cr_assert_eq(put(&f, "b", "one", 2), UV_EEXIST);
    cr_assert_eq(put(&f, "b", "two", 2), 0);
    cr_assert_eq(put(&f, "b", "one", 2), UV_EEXIST);
    expect_names(&f, "one two");
    cr_assert_eq(remove_it(&f, "a"), 0);
    cr_assert_eq(put(&f, "b", "one", 2), 0);
    expect_names(&f, "one");
    fixture_stop(&f);
}

Test(cache_workstations, a_removed_one_leaves_no_row)
{
    struct fixture f;
    fixture_start(&f);
    put(&f, "a", "one", 1);
    put(&f, "b", "two", 2);
    cr_assert_eq(remove_it(&f, "a"), 0);
    cr_assert_eq(remove_it(&f, "never made"), 0);
    sqlite3 *db = open_beside(f.folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM workstations"), 1);
    cache_db_close(db);
    expect_names(&f, "two");
    fixture_stop(&f);
}

Test(cache_workstations, the_status_is_written_alone)
{
    struct fixture f;
    size_t n = 0;
    fixture_start(&f);
    put(&f, "a", "one", 1);
    put(&f, "b", "two", 2);
    remove_it(&f, "b");
    cache_workstations_put_status(f.store, "a", CACHE_WORKSTATION_OFFLINE, 99);
    cache_workstations_put_status(f.store, "b", CACHE_WORKSTATION_OFFLINE, 99);
    cache_workstations_put_status(f.store, "never made", CACHE_WORKSTATION_OFFLINE, 99);
    struct cache_workstation *items = load(&f, &n);
    cr_assert_eq(n, 1);
    cr_assert_str_eq(items->name, "one");
    cr_assert_eq(items->status, CACHE_WORKSTATION_OFFLINE);
    cr_assert_eq(items->last_seen_at, 99);
    cr_assert_eq(items->updated_at, 0);
    free_all(items, n);
    fixture_stop(&f);
}

Test(cache_workstations, a_key_is_written_in_the_same_step)
{
    struct fixture f;
    int status = 1;
    static const struct cache_key key = {"me", "k", "fp"}, other = {"me", "k2", "fp"};
    fixture_start(&f);
    struct cache_workstation w cleanup(cache_workstation_deinit) = make("a", "one");
    cache_workstations_put(f.store, &w, &key, note_status, &status);
    loop_run(&f.loop);
    cr_assert_eq(status, 0);

    /* Neither row nor key of what is refused. */
    str_copy(w.id, sizeof(w.id), "b");
    cache_workstations_put(f.store, &w, &other, note_status, &status);
    loop_run(&f.loop);
    cr_assert_eq(status, UV_EEXIST);
    sqlite3 *db = open_beside(f.folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM idempotency"), 1);

    cache_workstations_remove(f.store, "a", &other, note_status, &status);
    loop_run(&f.loop);
    cr_assert_eq(status, 0);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM idempotency WHERE operation = 'a'"), 2);
    cache_db_close(db);
    fixture_stop(&f);
}

Test(cache_workstations, the_key_of_a_removed_one_is_known_after_a_restart)
{
    struct fixture f;
    char id[UUID_SIZE];
    static const struct cache_key key = {"me", "k", "fp"};
    fixture_start(&f);
    put(&f, "a", "one", 1);
    cache_workstations_remove(f.store, "a", &key, NULL, NULL);
    loop_run(&f.loop);
    struct cache_idempotency *keys = cache_idempotency_new();
    sqlite3 *db = open_beside(f.folder);
    cr_assert_eq(cache_idempotency_load(keys, db, false), 0);
    cache_db_close(db);
    cr_assert_eq(cache_idempotency_find(keys, &key, id), CACHE_IDEMPOTENCY_SAME);
    cr_assert_str_eq(id, "a");
    cache_idempotency_free(keys);
    fixture_stop(&f);
}

Test(cache_workstations, what_another_version_wrote_is_unknown)
{
    struct fixture f;
    size_t n = 0;
    fixture_start(&f);
    put(&f, "a", "one", 1);
    sqlite3 *db = open_beside(f.folder);
    execute(db, "UPDATE workstations SET status = 'asleep'");
    cache_db_close(db);
    struct cache_workstation *items = load(&f, &n);
    cr_assert_eq(n, 1);
    cr_assert_eq(items->status, CACHE_WORKSTATION_UNKNOWN);
    free_all(items, n);
    fixture_stop(&f);
}

Test(cache_workstations, what_the_database_refuses_is_told)
{
    struct fixture f;
    fixture_start(&f);
    cr_assert_eq(put(&f, "a", "one", 1), 0);
    sqlite3 *other = lock_out(&f.loop, f.store, f.folder);
    cr_assert_eq(put(&f, "b", "two", 1), UV_EBUSY);
    cr_assert_eq(remove_it(&f, "a"), UV_EBUSY);
    execute(other, "ROLLBACK");
    execute(other, "DROP TABLE idempotency");
    static const struct cache_key key = {"me", "k", "fp"};
    int status = 1;
    cache_workstations_remove(f.store, "a", &key, note_status, &status);
    loop_run(&f.loop);
    cr_assert_lt(status, 0);
    cr_assert_eq(query_number(other, "SELECT count(*) FROM workstations"), 1);
    execute(other, "DROP TABLE workstations");
    cr_assert_lt(remove_it(&f, "a"), 0);
    cache_db_close(other);
    fixture_stop(&f);
}

Test(cache_workstations, load_returns_what_failed)
{
    sqlite3 *db;
    struct cache_workstation *items = NULL;
    size_t n = 7;
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cr_assert_lt(cache_workstations_load(db, &items, &n), 0);
    cr_assert_null(items);
    cr_assert_eq(n, 7);
    cache_db_close(db);
}

Test(cache_workstations, a_reading_that_breaks_off_gives_nothing)
{
    sqlite3 *db;
    struct cache_workstation *items = NULL;
    size_t n = 7;
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    /* abs() of the lowest number is an error of the second row. */
    execute(db, "CREATE VIEW workstations AS"
                " SELECT 'a' AS id, 'a' AS name, '' AS address, '{}' AS labels, 0 AS maintenance,"
                " '' AS status, 1 AS created_at, 1 AS updated_at, abs(v.x) AS last_seen_at"
                " FROM (SELECT 1 AS x UNION ALL SELECT -9223372036854775807 - 1) v");
    cr_assert_lt(cache_workstations_load(db, &items, &n), 0);
    cr_assert_null(items);
    cr_assert_eq(n, 7);
    cache_db_close(db);
}

Test(cache_workstations, each_status_has_a_name)
{
    enum cache_workstation_status status;
    for (int i = 0; i < CACHE_WORKSTATION_STATUS_COUNT; i++) {
        const char *name = cache_workstation_status_name((enum cache_workstation_status)i);
        cr_assert_eq(cache_workstation_status_parse(name, &status), 0);
        cr_assert_eq((int)status, i);
    }
    cr_assert_eq(cache_workstation_status_parse("asleep", &status), UV_EINVAL);
}
