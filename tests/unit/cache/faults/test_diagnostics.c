/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "cache/faults/diagnostics.h"
#include "cache/tables/operations.h"
#include "tests/unit/cache/fixture.h"

static void put_operation(struct fixture *f, const char *id, const char *parent)
{
    struct cache_operation *op = cache_operation_new(CACHE_OP_START);
    str_copy(op->id, sizeof(op->id), id);
    str_copy(op->parent, sizeof(op->parent), parent);
    op->status = CACHE_OP_FAILED;
    op->ended_at = 1000;
    cache_operations_put(f->store, &op, 1, NULL, NULL);
    cache_operation_free(op);
}

static void on_put(void *arg, int status)
{
    *(int *)arg = status;
}

static int put(struct fixture *f, const char *id, const char *json)
{
    int status = 1;
    cache_diagnostics_put(f->store, id, json, on_put, &status);
    loop_run(&f->loop);
    return status;
}

struct answer {
    int status;
    char json[64];
};

static void on_got(void *arg, int status, const char *json)
{
    struct answer *a = arg;
    a->status = status;
    str_copy(a->json, sizeof(a->json), json ? json : "none");
}

static struct answer get(struct fixture *f, const char *id)
{
    struct answer a = {.status = 1};
    loop_run(&f->loop);
    cache_diagnostics_get(f->store, id, on_got, &a);
    loop_run(&f->loop);
    cr_assert_eq(a.status, 0);
    return a;
}

static void on_page(void *arg, int status, struct cache_operations_page *page)
{
    cr_assert_eq(status, 0);
    *(bool *)arg = page->items[0]->has_diagnostics;
}

static bool has(struct fixture *f, const char *id)
{
    bool is_there = false;
    cache_operations_get(f->store, id, on_page, &is_there);
    loop_run(&f->loop);
    return is_there;
}

Test(cache_diagnostics, are_kept_with_their_operation)
{
    struct fixture f;
    fixture_start(&f);
    put_operation(&f, "a", "");
    put_operation(&f, "b", "");
    cr_expect_eq(put(&f, "a", "{\"x\":1}"), 0);
    cr_expect_str_eq(get(&f, "a").json, "{\"x\":1}");
    cr_expect_str_eq(get(&f, "b").json, "none");
    cr_expect(has(&f, "a"));
    cr_expect_not(has(&f, "b"));
    cr_expect_eq(put(&f, "gone", "{}"), 0);
    cr_expect_str_eq(get(&f, "gone").json, "none", "of an operation that is not there");
    fixture_stop(&f);
}

Test(cache_diagnostics, go_with_their_operation)
{
    struct fixture f;
    fixture_start(&f);
    put_operation(&f, "a", "");
    put_operation(&f, "b", "a");
    cr_expect_eq(put(&f, "a", "{}"), 0);
    cr_expect_eq(put(&f, "b", "{}"), 0);
    cache_operations_prune(f.store, 2000, NULL, NULL);
    loop_run(&f.loop);
    put_operation(&f, "a", "");
    put_operation(&f, "b", "a");
    cr_expect_str_eq(get(&f, "a").json, "none");
    cr_expect_str_eq(get(&f, "b").json, "none", "children too");
    fixture_stop(&f);
}

Test(cache_diagnostics, are_bounded_in_size_and_number)
{
    struct fixture f;
    fixture_start(&f);
    enum { N = CACHE_DIAGNOSTICS_KEEP + 3 };
    char *long_text cleanup(mem_freep) = mem_alloc(CACHE_DIAGNOSTICS_MAX_BYTES + 2);
    memset(long_text, 'x', CACHE_DIAGNOSTICS_MAX_BYTES + 1);
    long_text[CACHE_DIAGNOSTICS_MAX_BYTES + 1] = '\0';
    put_operation(&f, "0000", "");
    cr_expect_eq(put(&f, "0000", long_text), UV_E2BIG);
    for (int i = 0; i < N; i++) {
        char id[UUID_SIZE];
        snprintf(id, sizeof(id), "%04d", i);
        put_operation(&f, id, "");
        cache_diagnostics_put(f.store, id, "{}", NULL, NULL);
    }
    cr_expect_str_eq(get(&f, "0002").json, "none");
    cr_expect_str_eq(get(&f, "0003").json, "{}");
    fixture_stop(&f);
}
