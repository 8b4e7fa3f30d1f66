/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "cache/faults/breakers.h"
#include "tests/unit/cache/fixture.h"

static const char instance[] = "0190a000-0000-7000-8000-00000000000a";

static struct ldc_breaker_memory make(const char *name)
{
    struct ldc_breaker_memory m = {.state = LDC_BREAKER_OPEN};
    str_copy(m.name, sizeof(m.name), name);
    return m;
}

static void note_status(void *arg, int status)
{
    *(int *)arg = status;
}

static void put(struct fixture *f, const struct ldc_breaker_memory *m)
{
    int status = 1;
    cache_breakers_put(f->store, m, note_status, &status);
    loop_run(&f->loop);
    cr_assert_eq(status, 0);
}

static struct ldc_breaker_memory *load(struct fixture *f, size_t *ret_n)
{
    struct ldc_breaker_memory *items = NULL;
    sqlite3 *db = open_beside(f->folder);
    cr_assert_eq(cache_breakers_load(db, &items, ret_n), 0);
    cache_db_close(db);
    return items;
}

Test(cache_breakers, a_row_comes_back_as_it_was_put)
{
    struct fixture f;
    size_t n = 0;
    fixture_start(&f);
    struct ldc_breaker_memory m = {
        .name = "start.0190a000-0000-7000-8000-00000000000a",
        .state = LDC_BREAKER_OPEN,
        .opened_at = 1700000000001,
        .open_until = 1700000000002,
        .closed_at = -3,
        .expires_at = 1700000000004,
        .open_ms = 4000000000,
        .is_by_effect = true,
        .reason = "3 calls in a row failed; the last: \"a\\b\" 雷",
        .note = "why",
        .by = "ann",
        .n_calls = 2,
        .calls = {{.at = 5,
                   .fault = LDC_FAULT_EXIT,
                   .code = "LDCONSOLE_VENDOR_ERROR",
                   .command = "C:\\LDPlayer\\ldconsole.exe list2",
                   .output = "boom",
                   .exit_code = -1073741819,
                   .duration_ms = 12},
                  {.at = 4, .fault = LDC_FAULT_EFFECT, .code = "NO_EFFECT"}},
    };
    strcpy(m.instance, instance);
    strcpy(m.calls[1].instance, instance);
    put(&f, &m);
    struct ldc_breaker_memory *items = load(&f, &n);
    cr_assert_eq(n, 1);
    cr_assert_eq(memcmp(&items[0], &m, sizeof(m)), 0, "all of it");
    mem_free(items);
    fixture_stop(&f);
}

Test(cache_breakers, another_put_takes_the_place_of_the_row)
{
    struct fixture f;
    size_t n = 0;
    fixture_start(&f);
    struct ldc_breaker_memory m = make("list");
    put(&f, &m);
    m.state = LDC_BREAKER_CLOSED;
    put(&f, &m);
    struct ldc_breaker_memory *items = load(&f, &n);
    cr_assert_eq(n, 1);
    cr_assert_eq(items[0].state, LDC_BREAKER_CLOSED);
    mem_free(items);
    fixture_stop(&f);
}

Test(cache_breakers, a_closed_one_of_an_instance_leaves_no_row)
{
    struct fixture f;
    size_t n = 0;
    fixture_start(&f);
    struct ldc_breaker_memory m = make("start.0190a000-0000-7000-8000-00000000000a");
    strcpy(m.instance, instance);
    put(&f, &m);
    m.state = LDC_BREAKER_CLOSED;
    put(&f, &m);
    mem_free(load(&f, &n));
    cr_assert_eq(n, 0);
    fixture_stop(&f);
}

Test(cache_breakers, a_row_that_is_no_good_is_as_a_new_one)
{
    static const char *const bad[] = {"",
                                      "no json",
                                      "[]",
                                      "{\"state\":7,\"calls\":{}}",
                                      "{\"state\":\"ajar\",\"reason\":[]}",
                                      "{\"calls\":[1,{},{},{},{},{},{\"fault\":\"nose\"}]}"};
    struct fixture f;
    size_t n = 0;
    fixture_start(&f);
    sqlite3 *db = open_beside(f.folder);
    for (size_t i = 0; i < countof(bad); i++) {
        char *sql = mem_printf("INSERT INTO preferences VALUES ('breaker.b%zu', '%s')", i, bad[i]);
        execute(db, sql);
        mem_free(sql);
    }
    execute(db, "INSERT INTO preferences VALUES ('breakers', '{}')");
    cache_db_close(db);
    struct ldc_breaker_memory *items = load(&f, &n);
    cr_assert_eq(n, countof(bad), "and nothing else");
    for (size_t i = 0; i < n; i++) {
        cr_assert_eq(items[i].state, LDC_BREAKER_CLOSED, "%s", bad[i]);
        cr_assert_leq(items[i].n_calls, LDC_BREAKER_CALLS, "%s", bad[i]);
    }
    mem_free(items);
    fixture_stop(&f);
}
