/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "cache/tables/instances.h"
#include "tests/unit/cache/fixture.h"

static void put(struct fixture *f, const char *id, int index, const char *name)
{
    struct cache_instance i cleanup(cache_instance_deinit);
    cache_instance_init(&i);
    str_copy(i.id, sizeof(i.id), id);
    i.index = index;
    str_copy(i.name, sizeof(i.name), name);
    str_copy(i.disk_id, sizeof(i.disk_id), "disk of ");
    strcat(i.disk_id, id);
    cache_instances_put(f->store, &i, NULL, NULL);
}

/* Names of what load gives, joined by spaces; owned by the caller. */
static char *load_names(struct fixture *f)
{
    struct cache_instance *items = NULL;
    size_t n = 0;
    struct buf names;
    buf_init(&names, 0);
    loop_run(&f->loop);
    sqlite3 *db = open_beside(f->folder);
    cr_assert_eq(cache_instances_load(db, &items, &n), 0);
    for (size_t i = 0; i < n; i++) {
        (void)buf_printf(&names, "%s%s", i ? " " : "", items[i].name);
        cr_assert(str_has_suffix(items[i].disk_id, items[i].id), "%s", items[i].disk_id);
        cache_instance_deinit(&items[i]);
    }
    mem_free(items);
    cache_db_close(db);
    return buf_take(&names, NULL);
}

static void expect_names(struct fixture *f, const char *expected)
{
    char *names cleanup(mem_freep) = load_names(f);
    cr_assert_str_eq(names, expected);
}

Test(cache_instances, what_was_put_is_loaded_by_index)
{
    struct fixture f;
    fixture_start(&f);
    expect_names(&f, "");
    put(&f, "b", 2, "two");
    put(&f, "c", 10, "ten");
    put(&f, "a", 1, "one");
    expect_names(&f, "one two ten");
    fixture_stop(&f);
}

Test(cache_instances, put_replaces)
{
    struct fixture f;
    fixture_start(&f);
    put(&f, "a", 1, "one");
    put(&f, "b", 2, "two");
    put(&f, "a", 3, "three");
    expect_names(&f, "two three");
    fixture_stop(&f);
}

Test(cache_instances, a_removed_one_leaves_no_row)
{
    struct fixture f;
    fixture_start(&f);
    put(&f, "a", 1, "one");
    put(&f, "b", 2, "two");
    cache_instances_remove(f.store, "a");
    cache_instances_remove(f.store, "never seen");
    expect_names(&f, "two");
    sqlite3 *db = open_beside(f.folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM instances"), 1);
    cache_db_close(db);
    fixture_stop(&f);
}

Test(cache_instances, one_that_is_gone_is_kept_for_a_while)
{
    struct fixture f;
    struct cache_instance *items = NULL;
    size_t n = 0;
    unsigned n_deleted = 0;
    fixture_start(&f);
    put(&f, "a", 1, "one");
    put(&f, "b", 2, "two");
    put(&f, "c", 3, "three");
    cache_instances_mark_gone(f.store, "a");
    cache_instances_mark_gone(f.store, "b");
    put(&f, "b", 4, "two again");
    expect_names(&f, "three two again");
    sqlite3 *db = open_beside(f.folder);
    cr_assert_eq(cache_instances_load_gone(db, &items, &n), 0);
    cr_assert_eq(n, 1);
    cr_assert_str_eq(items[0].name, "one");
    cr_assert_str_eq(items[0].disk_id, "disk of a");
    cache_instance_deinit(&items[0]);
    mem_free(items);
    cr_assert_eq(cache_instances_delete_gone(db, 1, 10, &n_deleted), 0);
    cr_assert_eq(n_deleted, 0, "it went later than that");
    cr_assert_eq(cache_instances_delete_gone(db, INT64_MAX, 10, &n_deleted), 0);
    cr_assert_eq(n_deleted, 1);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM instances"), 2);
    cache_db_close(db);
    fixture_stop(&f);
}

Test(cache_instances, processes_are_kept)
{
    struct fixture f;
    struct cache_instance i cleanup(cache_instance_deinit), *items = NULL;
    size_t n = 0;
    fixture_start(&f);
    cache_instance_init(&i);
    str_copy(i.id, sizeof(i.id), "a");
    i.player = (struct ldc_process_id){100, UINT64_MAX};
    i.headless = (struct ldc_process_id){101, 7};
    cache_instances_put(f.store, &i, NULL, NULL);
    loop_run(&f.loop);
    sqlite3 *db = open_beside(f.folder);
    cr_assert_eq(cache_instances_load(db, &items, &n), 0);
    cr_assert_eq(items[0].player.pid, 100);
    cr_assert_eq(items[0].player.born, UINT64_MAX);
    cr_assert_eq(items[0].headless.pid, 101);
    cr_assert_eq(items[0].headless.born, 7);
    cache_instance_deinit(&items[0]);
    mem_free(items);
    cache_db_close(db);
    fixture_stop(&f);
}

static void note_status(void *arg, int status)
{
    *(int *)arg = status;
}

Test(cache_instances, done_tells_what_became_of_the_row)
{
    struct fixture f;
    fixture_start(&f);
    struct cache_instance i cleanup(cache_instance_deinit);
    cache_instance_init(&i);
    str_copy(i.id, sizeof(i.id), "a");
    int status = 1;
    cache_instances_put(f.store, &i, note_status, &status);
    cr_assert_eq(status, 1);
    loop_run(&f.loop);
    cr_assert_eq(status, 0);

    sqlite3 *other = lock_out(&f.loop, f.store, f.folder);
    cache_instances_put(f.store, &i, note_status, &status);
    loop_run(&f.loop);
    cr_assert_eq(status, UV_EBUSY);
    cache_db_close(other);
    fixture_stop(&f);
}

Test(cache_instances, a_row_that_cannot_be_understood_is_left_out)
{
    struct fixture f;
    fixture_start(&f);
    put(&f, "a", 1, "one");
    put(&f, "b", 2, "two");
    loop_run(&f.loop);
    sqlite3 *other = open_beside(f.folder);
    execute(other, "UPDATE instances SET json = 'nonsense' WHERE id = 'a'");
    cache_db_close(other);
    expect_names(&f, "two");
    fixture_stop(&f);
}

Test(cache_instances, load_returns_what_failed)
{
    sqlite3 *db;
    struct cache_instance *items = NULL;
    size_t n = 7;
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cr_assert_lt(cache_instances_load(db, &items, &n), 0);
    cr_assert_null(items);
    cr_assert_eq(n, 7);
    cache_db_close(db);
}

static struct cache_care load_care(struct fixture *f)
{
    struct cache_instance *items = NULL;
    size_t n = 0;
    loop_run(&f->loop);
    sqlite3 *db = open_beside(f->folder);
    cr_assert_eq(cache_instances_load(db, &items, &n), 0);
    cr_assert_eq(n, 1);
    struct cache_care care = items[0].care;
    cache_instance_deinit(&items[0]);
    mem_free(items);
    cache_db_close(db);
    return care;
}

Test(cache_instances, care_is_kept_whatever_else_is_written)
{
    struct fixture f;
    struct cache_care care = {0};
    fixture_start(&f);
    put(&f, "a", 1, "one");
    cr_expect_eq(load_care(&f).n_boots, 0);
    for (unsigned i = 1; i <= CACHE_CARE_BOOTS + 2; i++)
        cache_care_add_boot(&care, i);
    for (int i = 1; i <= CACHE_CARE_ACTS + 2; i++)
        cache_care_add_act(&care, INT64_C(1795184880000) + i);
    cache_instances_put_care(f.store, "a", &care);
    put(&f, "a", 2, "two");
    struct cache_care kept = load_care(&f);
    cr_expect_eq(memcmp(&kept, &care, sizeof(care)), 0);
    cr_expect_eq(kept.boots_ms[0], 3, "the oldest went");
    cr_expect_eq(cache_care_longest_boot_ms(&kept), CACHE_CARE_BOOTS + 2);
    cr_expect_eq(cache_care_count_acts(&kept, INT64_C(1795184880000) + CACHE_CARE_ACTS), 2);
    fixture_stop(&f);
}
