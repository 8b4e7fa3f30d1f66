/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "cache/tables/operations.h"
#include "tests/unit/cache/fixture.h"

static struct cache_operation *make(const char *id, enum cache_op_kind kind,
                                    enum cache_op_status status)
{
    struct cache_operation *op = cache_operation_new(kind);
    str_copy(op->id, sizeof(op->id), id);
    op->status = status;
    if (cache_op_has_ended(status))
        op->ended_at = clock_wall_ms();
    return op;
}

/* Stores and frees OP. */
static void put(struct fixture *f, struct cache_operation *op)
{
    cache_operations_put(f->store, &op, 1, NULL, NULL);
    cache_operation_free(op);
}

static void put_child(struct fixture *f, const char *id, const char *parent, int64_t ended_at)
{
    struct cache_operation *op = make(id, CACHE_OP_START, CACHE_OP_SUCCEEDED);
    str_copy(op->parent, sizeof(op->parent), parent);
    op->ended_at = ended_at;
    put(f, op);
}

static void put_ended(struct fixture *f, const char *id, int64_t ended_at)
{
    put_child(f, id, "", ended_at);
}

/* What a query gave: ids joined, and the rest of the page. */
struct answer {
    int n_calls, status;
    char ids[512];
    uint64_t total;
    bool has_more, was_pruned;
    struct cache_operation *first; /* taken from the page */
};

static void on_page(void *arg, int status, struct cache_operations_page *page)
{
    struct answer *a = arg;
    a->n_calls++;
    a->status = status;
    cr_assert_eq(page != NULL, status == 0);
    for (size_t i = 0; page && i < page->n_items; i++) {
        strcat(a->ids, i ? " " : "");
        strcat(a->ids, page->items[i]->id);
    }
    if (!page)
        return;
    a->total = page->total;
    a->has_more = page->has_more;
    a->was_pruned = page->was_pruned;
    if (page->n_items > 0) {
        a->first = page->items[0];
        page->items[0] = NULL;
    }
}

static struct answer find(struct fixture *f, struct cache_operations_filter filter)
{
    struct answer a = {0};
    loop_run(&f->loop); /* what was put before is on disk */
    cache_operations_find(f->store, &filter, on_page, &a);
    cr_assert_eq(a.n_calls, 0);
    loop_run(&f->loop);
    cr_assert_eq(a.n_calls, 1);
    cr_assert_eq(a.status, 0);
    a.first = cache_operation_free(a.first);
    return a;
}

static struct cache_operations_filter everything(void)
{
    return (struct cache_operations_filter){.status = -1, .kind = -1, .limit = 100};
}

static char *to_json(const struct cache_operation *op)
{
    struct buf out;
    buf_init(&out, 0);
    cache_operation_append_json(op, NULL, NULL, &out);
    return buf_take(&out, NULL);
}

Test(cache_operations, every_field_comes_back)
{
    struct fixture f;
    struct answer a = {0};
    fixture_start(&f);
    struct cache_operation *op = make("one", CACHE_OP_BATCH, CACHE_OP_FAILED);
    str_copy(op->target, sizeof(op->target), "target");
    str_copy(op->parent, sizeof(op->parent), "parent");
    op->created_at = 11;
    op->started_at = 22;
    op->ended_at = 33;
    op->percent = 44;
    op->step = mem_strdup("step");
    op->step_index = 5;
    op->step_issued = true;
    op->requested_by = mem_strdup("me");
    op->idempotency_key = mem_strdup("key");
    op->result = mem_strdup("{\"r\":1}");
    op->error = mem_strdup("{\"e\":1}");
    op->n_children = 6;
    op->n_children_ended = 7;
    op->n_children_failed = 8;
    mem_free(op->params);
    op->params = mem_strdup("{\"p\":1}");
    mem_free(op->memo);
    op->memo = mem_strdup("{\"m\":1}");
    cache_operations_put(f.store, &op, 1, NULL, NULL);
    loop_run(&f.loop);
    cache_operations_get(f.store, "one", on_page, &a);
    loop_run(&f.loop);
    cr_assert_not_null(a.first);

    char *before cleanup(mem_freep) = to_json(op), *after cleanup(mem_freep) = to_json(a.first);
    cr_assert_str_eq(after, before);
    cr_assert_eq(a.first->step_index, 5);
    cr_assert(a.first->step_issued);
    cr_assert_str_eq(a.first->params, "{\"p\":1}");
    cr_assert_str_eq(a.first->memo, "{\"m\":1}");
    cr_assert_eq(a.first->n_children, 6);
    cr_assert_eq(a.first->n_children_ended, 7);
    cr_assert_eq(a.first->n_children_failed, 8);
    cache_operation_free(a.first);
    cache_operation_free(op);
    fixture_stop(&f);
}

Test(cache_operations, put_writes_a_copy_and_replaces)
{
    struct fixture f;
    struct answer a = {0};
    fixture_start(&f);
    struct cache_operation *op = make("one", CACHE_OP_START, CACHE_OP_QUEUED);
    op->step = mem_strdup("first");
    cache_operations_put(f.store, &op, 1, NULL, NULL);
    op->status = CACHE_OP_RUNNING;
    strcpy(op->step, "other");
    cache_operations_put(f.store, &op, 1, NULL, NULL);
    strcpy(op->step, "later");
    cache_operation_free(op);
    loop_run(&f.loop);
    cache_operations_get(f.store, "one", on_page, &a);
    loop_run(&f.loop);
    cr_assert_eq(a.first->status, CACHE_OP_RUNNING);
    cr_assert_str_eq(a.first->step, "other");
    cr_assert_eq(a.total, 1);
    cache_operation_free(a.first);
    fixture_stop(&f);
}

static void note_status(void *arg, int status)
{
    *(int *)arg = status;
}

Test(cache_operations, several_are_written_all_or_none)
{
    struct fixture f;
    int status = 1;
    fixture_start(&f);
    struct cache_operation *ops[] = {make("a", CACHE_OP_START, CACHE_OP_QUEUED),
                                     make("b", CACHE_OP_START, CACHE_OP_QUEUED)};
    char *params = ops[1]->params;
    ops[1]->params = NULL; /* the table refuses it */
    cache_operations_put(f.store, ops, 2, note_status, &status);
    loop_run(&f.loop);
    cr_assert_lt(status, 0);
    cr_assert_str_eq(find(&f, everything()).ids, "");

    ops[1]->params = params;
    cache_operations_put(f.store, ops, 2, note_status, &status);
    loop_run(&f.loop);
    cr_assert_eq(status, 0);
    cr_assert_str_eq(find(&f, everything()).ids, "b a");
    cache_operation_free(ops[0]);
    cache_operation_free(ops[1]);
    fixture_stop(&f);
}

Test(cache_operations, a_key_is_written_with_what_it_is_of_or_not_at_all)
{
    struct fixture f;
    int status = 1;
    static const struct cache_key key = {"me", "k", "fp"};
    fixture_start(&f);
    struct cache_operation *ops[] = {make("a", CACHE_OP_BATCH, CACHE_OP_QUEUED),
                                     make("b", CACHE_OP_START, CACHE_OP_QUEUED)};
    char *params = ops[1]->params;
    ops[1]->params = NULL; /* the table refuses it */
    cache_operations_accept(f.store, ops, 2, &key, note_status, &status);
    loop_run(&f.loop);
    cr_assert_lt(status, 0);
    sqlite3 *db = open_beside(f.folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM idempotency"), 0);

    ops[1]->params = params;
    cache_operations_accept(f.store, ops, 2, &key, note_status, &status);
    loop_run(&f.loop);
    cr_assert_eq(status, 0);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM idempotency"
                                  " WHERE owner = 'me' AND key = 'k' AND operation = 'a'"),
                 1);
    cache_db_close(db);
    cache_operation_free(ops[0]);
    cache_operation_free(ops[1]);
    fixture_stop(&f);
}

static int exec_lose(sqlite3 *db, void *arg)
{
    (void)arg;
    return cache_sql_run(db, "DELETE FROM operations WHERE id = 'lost'", "");
}

static void get_by_key(struct fixture *f, const struct cache_key *key, const char *id,
                       struct answer *ret)
{
    *ret = (struct answer){0};
    cache_operations_get_by_key(f->store, key, id, on_page, ret);
    loop_run(&f->loop);
    cr_assert_eq(ret->n_calls, 1);
    cr_assert_eq(ret->status, 0);
    ret->first = cache_operation_free(ret->first);
}

Test(cache_operations, a_key_knows_what_was_pruned_from_what_was_lost)
{
    static const char *const ids[] = {"lost", "pruned", "there"};
    struct fixture f;
    struct answer a;
    fixture_start(&f);
    for (size_t i = 0; i < 3; i++) {
        struct cache_operation *op = make(ids[i], CACHE_OP_START, CACHE_OP_SUCCEEDED);
        op->idempotency_key = mem_strdup(ids[i]);
        op->ended_at = i == 1 ? 50 : 100;
        cache_operations_accept(f.store, &op, 1, &(struct cache_key){"me", ids[i], "fp"}, NULL,
                                NULL);
        op->percent = 7; /* written again, as its steps do; the key stays with it */
        put(&f, op);
    }
    cache_store_write(f.store, exec_lose, NULL, NULL);
    cache_operations_prune(f.store, 60, NULL, NULL);
    loop_run(&f.loop); /* reads do not wait for writes */
    for (size_t i = 0; i < 3; i++) {
        get_by_key(&f, &(struct cache_key){"me", ids[i], "fp"}, ids[i], &a);
        cr_assert_str_eq(a.ids, i == 2 ? "there" : "");
        cr_assert_eq(a.was_pruned, i == 1, "%s", ids[i]);
    }
    get_by_key(&f, &(struct cache_key){"you", "pruned", "fp"}, "pruned", &a);
    cr_assert_not(a.was_pruned, "another's key");
    fixture_stop(&f);
}

Test(cache_operations, a_key_whose_row_is_lost_is_made_again_from_its_operation)
{
    static const char *const ids[] = {"old", "young"};
    struct fixture f;
    fixture_start(&f);
    for (size_t i = 0; i < 2; i++) {
        struct cache_operation *op = make(ids[i], CACHE_OP_START, CACHE_OP_QUEUED);
        op->idempotency_key = mem_strdup(ids[i]);
        op->created_at = clock_wall_ms() - (i ? 23 : 25) * INT64_C(3600000);
        cache_operations_accept(f.store, &op, 1, &(struct cache_key){"me", ids[i], "fp"}, NULL,
                                NULL);
        cache_operation_free(op);
    }
    put_ended(&f, "without", 5);
    loop_run(&f.loop);
    sqlite3 *db = open_beside(f.folder);
    execute(db, "DELETE FROM idempotency; INSERT INTO idempotency VALUES"
                " ('me', 'young', 'before', 'another', 1, 1), ('you', 'young', 'f', 'o', 1, 0)");
    cr_assert_eq(cache_idempotency_rebuild(db), 0);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM idempotency"), 2);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM idempotency WHERE owner = 'me' AND"
                                  " key = 'young' AND fingerprint = 'fp' AND operation = 'young'"
                                  " AND NOT pruned"),
                 1);
    cache_sql_close(db);
    fixture_stop(&f);
}

Test(cache_operations, get_of_an_unknown_id_is_an_empty_page)
{
    struct fixture f;
    struct answer a = {0};
    fixture_start(&f);
    cache_operations_get(f.store, "nobody", on_page, &a);
    loop_run(&f.loop);
    cr_assert_eq(a.n_calls, 1);
    cr_assert_eq(a.status, 0);
    cr_assert_str_eq(a.ids, "");
    cr_assert_eq(a.total, 0);
    fixture_stop(&f);
}

Test(cache_operations, a_query_that_fails_gives_no_page)
{
    struct fixture f;
    struct answer a = {0}, b = {0};
    struct cache_operations_filter filter = everything();
    fixture_start(&f);
    sqlite3 *other = open_beside(f.folder);
    execute(other, "DROP TABLE operations");
    cache_db_close(other);
    cache_operations_find(f.store, &filter, on_page, &a);
    cache_operations_get(f.store, "x", on_page, &b);
    loop_run(&f.loop);
    cr_assert_lt(a.status, 0);
    cr_assert_lt(b.status, 0);
    fixture_stop(&f);
}

Test(cache_operations, pages_follow_the_cursor_from_the_newest)
{
    struct fixture f;
    fixture_start(&f);
    for (int i = 1; i <= 5; i++) {
        char id[4];
        snprintf(id, sizeof(id), "%d", i);
        put(&f, make(id, CACHE_OP_START, CACHE_OP_QUEUED));
    }
    struct cache_operations_filter filter = everything();
    filter.limit = 2;
    struct answer a = find(&f, filter);
    cr_assert_str_eq(a.ids, "5 4");
    cr_assert_eq(a.total, 5);
    cr_assert(a.has_more);
    str_copy(filter.before_id, sizeof(filter.before_id), "4");
    a = find(&f, filter);
    cr_assert_str_eq(a.ids, "3 2");
    cr_assert(a.has_more);
    str_copy(filter.before_id, sizeof(filter.before_id), "2");
    a = find(&f, filter);
    cr_assert_str_eq(a.ids, "1");
    cr_assert_not(a.has_more);
    cr_assert_eq(a.total, 5, "without cursor");
    str_copy(filter.before_id, sizeof(filter.before_id), "1");
    cr_assert_str_eq(find(&f, filter).ids, "");
    filter = everything();
    filter.limit = 5;
    cr_assert_not(find(&f, filter).has_more);
    fixture_stop(&f);
}

static void put_for_filters(struct fixture *f)
{
    static const struct {
        const char *id, *target, *parent;
        enum cache_op_kind kind;
        enum cache_op_status status;
    } rows[] = {
        {"1", "x", "", CACHE_OP_START, CACHE_OP_QUEUED},
        {"2", "y", "", CACHE_OP_START, CACHE_OP_FAILED},
        {"3", "", "", CACHE_OP_BATCH, CACHE_OP_RUNNING},
        {"4", "x", "3", CACHE_OP_STOP, CACHE_OP_RUNNING},
        {"5", "y", "3", CACHE_OP_STOP, CACHE_OP_FAILED},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct cache_operation *op = make(rows[i].id, rows[i].kind, rows[i].status);
        str_copy(op->target, sizeof(op->target), rows[i].target);
        str_copy(op->parent, sizeof(op->parent), rows[i].parent);
        put(f, op);
    }
}

Test(cache_operations, each_filter_and_all_together)
{
    static const struct {
        int status, kind;
        const char *target, *parent, *before, *expected;
        uint64_t total;
    } rows[] = {
        {-1, -1, "", "", "", "5 4 3 2 1", 5},
        {CACHE_OP_FAILED, -1, "", "", "", "5 2", 2},
        {CACHE_OP_CANCELLED, -1, "", "", "", "", 0},
        {-1, CACHE_OP_START, "", "", "", "2 1", 2},
        {-1, -1, "x", "", "", "4 1", 2},
        {-1, -1, "", "3", "", "5 4", 2},
        {-1, CACHE_OP_STOP, "y", "3", "", "5", 1},
        {CACHE_OP_FAILED, CACHE_OP_STOP, "y", "3", "", "5", 1},
        {CACHE_OP_FAILED, -1, "y", "", "5", "2", 2},
        {CACHE_OP_RUNNING, CACHE_OP_STOP, "y", "3", "", "", 0},
    };
    struct fixture f;
    fixture_start(&f);
    put_for_filters(&f);
    for (size_t i = 0; i < countof(rows); i++) {
        struct cache_operations_filter filter = {
            .status = rows[i].status, .kind = rows[i].kind, .limit = 10};
        str_copy(filter.target, sizeof(filter.target), rows[i].target);
        str_copy(filter.parent, sizeof(filter.parent), rows[i].parent);
        str_copy(filter.before_id, sizeof(filter.before_id), rows[i].before);
        struct answer a = find(&f, filter);
        cr_expect_str_eq(a.ids, rows[i].expected, "row %d: %s", (int)i, a.ids);
        cr_expect_eq(a.total, rows[i].total, "row %d", (int)i);
    }
    fixture_stop(&f);
}

Test(cache_operations, what_has_not_ended_is_loaded_oldest_first)
{
    struct fixture f;
    fixture_start(&f);
    put(&f, make("3", CACHE_OP_START, CACHE_OP_RUNNING));
    put(&f, make("1", CACHE_OP_START, CACHE_OP_QUEUED));
    put(&f, make("2", CACHE_OP_START, CACHE_OP_SUCCEEDED));
    put(&f, make("4", CACHE_OP_STOP, CACHE_OP_WAITING_FOR_SESSION));
    put(&f, make("5", CACHE_OP_STOP, CACHE_OP_INTERRUPTED));
    fixture_close_store(&f);

    sqlite3 *db = open_db(f.folder);
    struct cache_operation **ops = NULL;
    size_t n = 0;
    cr_assert_eq(cache_operations_load_open(db, &ops, &n), 0);
    cr_assert_eq(n, 3);
    cr_assert_str_eq(ops[0]->id, "1");
    cr_assert_str_eq(ops[1]->id, "3");
    cr_assert_str_eq(ops[2]->id, "4");
    cr_assert_eq(ops[2]->status, CACHE_OP_WAITING_FOR_SESSION);
    for (size_t i = 0; i < n; i++)
        cache_operation_free(ops[i]);
    mem_free(ops);
    cache_db_close(db);
    fixture_stop(&f);
}

Test(cache_operations, kinds_of_another_version_are_left_out)
{
    struct fixture f;
    fixture_start(&f);
    put(&f, make("1", CACHE_OP_START, CACHE_OP_QUEUED));
    put(&f, make("2", CACHE_OP_START, CACHE_OP_QUEUED));
    loop_run(&f.loop);
    sqlite3 *other = open_beside(f.folder);
    execute(other, "UPDATE operations SET kind = 'teleport' WHERE id = '1'");
    cache_db_close(other);
    cr_assert_str_eq(find(&f, everything()).ids, "2");
    fixture_stop(&f);
}

Test(cache_operations, loading_returns_what_failed)
{
    sqlite3 *db;
    struct cache_operation **ops = NULL;
    size_t n = 0;
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cr_assert_lt(cache_operations_load_open(db, &ops, &n), 0);
    cr_assert_null(ops);
    cache_db_close(db);
}

struct pruned {
    int n_calls, status;
    uint64_t n_removed;
};

static void on_pruned(void *arg, int status, uint64_t n_removed)
{
    struct pruned *p = arg;
    p->n_calls++;
    p->status = status;
    p->n_removed = n_removed;
}

Test(cache_operations, prune_removes_old_families_and_nothing_else)
{
    struct fixture f;
    struct pruned pruned = {0};
    fixture_start(&f);
    put_ended(&f, "1", 100);
    put(&f, make("2", CACHE_OP_START, CACHE_OP_RUNNING));
    put_ended(&f, "3", 100);
    put_child(&f, "4", "3", 90);
    put_ended(&f, "5", 200);
    put_child(&f, "6", "5", 90);
    put(&f, make("7", CACHE_OP_BATCH, CACHE_OP_RUNNING));
    put_child(&f, "8", "7", 90);
    cache_operations_prune(f.store, 200, on_pruned, &pruned);
    loop_run(&f.loop);
    cr_assert_eq(pruned.n_calls, 1);
    cr_assert_eq(pruned.status, 0);
    cr_assert_eq(pruned.n_removed, 3);
    cr_assert_str_eq(find(&f, everything()).ids, "8 7 6 5 2");
    fixture_stop(&f);
}

Test(cache_operations, prune_that_fails_removes_nothing)
{
    struct fixture f;
    struct pruned pruned = {0};
    fixture_start(&f);
    put_ended(&f, "1", 100);
    loop_run(&f.loop);
    sqlite3 *other = lock_out(&f.loop, f.store, f.folder);
    cache_operations_prune(f.store, 200, on_pruned, &pruned);
    loop_run(&f.loop);
    cr_assert_eq(pruned.status, UV_EBUSY);
    cr_assert_eq(pruned.n_removed, 0);
    cache_db_close(other);
    cr_assert_str_eq(find(&f, everything()).ids, "1");
    fixture_stop(&f);
}

/* 1,200 that ended long ago, and a batch with 700 children that did so first. */
static int exec_many(sqlite3 *db, void *arg)
{
    (void)arg;
    return cache_sql_run(
        db,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1901)"
        " INSERT INTO operations SELECT format('%06d', i), 'start', '',"
        " iif(i BETWEEN 2 AND 701, '000001', ''), 'failed', 1, 1, iif(i = 1, 50, 100), 0, NULL, 0,"
        " 0, NULL, NULL, '{}', NULL, NULL, '[]', 0, 0, 0, '{}', NULL, NULL FROM n",
        "");
}

static int exec_nothing(sqlite3 *db, void *arg)
{
    (void)db;
    (void)arg;
    return 0;
}

static void note_removed_so_far(void *arg, int status)
{
    const struct pruned *p = arg;
    cr_assert_eq(status, 0);
    cr_assert_eq(p->n_calls, 0, "a write that comes later does not wait for all of it");
}

Test(cache_operations, prune_goes_in_pieces_between_which_others_have_their_turn)
{
    struct fixture f;
    struct pruned pruned = {0};
    fixture_start(&f);
    cache_store_write(f.store, exec_many, NULL, NULL);
    put_ended(&f, "z", 300);
    loop_run(&f.loop);
    cache_operations_prune(f.store, 200, on_pruned, &pruned);
    cache_store_write(f.store, exec_nothing, note_removed_so_far, &pruned);
    loop_run(&f.loop);
    cr_assert_eq(pruned.n_calls, 1);
    cr_assert_eq(pruned.status, 0);
    cr_assert_eq(pruned.n_removed, 1901);
    cr_assert_str_eq(find(&f, everything()).ids, "z");
    fixture_stop(&f);
}

Test(cache_operations, a_piece_takes_children_first_and_no_more_than_it_may)
{
    struct fixture f;
    unsigned n = 0;
    sqlite3 *db = fixture_init(&f);
    cr_assert_eq(exec_many(db, NULL), 0);
    cr_assert_eq(cache_operations_delete_old(db, 200, 500, &n), 0);
    cr_assert_eq(n, 500);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM operations WHERE parent <> ''"), 200);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM operations WHERE id = '000001'"), 1);
    cr_assert_eq(cache_operations_delete_old(db, 200, 500, &n), 0);
    cr_assert_eq(n, 500);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM operations WHERE id = '000001'"), 0);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM operations"), 901);

    cr_assert_eq(cache_operations_delete_up_to(db, "001000", 500, &n), 0);
    cr_assert_eq(n, 0, "these went before");
    cr_assert_eq(cache_operations_delete_up_to(db, "001300", 500, &n), 0);
    cr_assert_eq(n, 300);
    execute(db, "DROP TABLE operations");
    cr_assert_lt(cache_operations_delete_old(db, 200, 500, &n), 0);
    cr_assert_lt(cache_operations_delete_up_to(db, "x", 500, &n), 0);
    cache_db_close(db);
    fixture_stop(&f);
}
