/* SPDX-License-Identifier: MIT */
#include "cache/tables/operations.h"

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"

#define COLUMNS                                                                                    \
    "id, kind, target, parent, status, created_at, started_at, ended_at, percent, step,"           \
    " step_index, step_issued, requested_by, idempotency_key, params, result, error, evidence,"    \
    " n_children, n_children_ended, n_children_failed, memo"
#define SELECT                                                                                     \
    "SELECT " COLUMNS ", EXISTS (SELECT 1 FROM diagnostics AS d WHERE d.operation = operations.id)"

static struct cache_operation *copy_operation(const struct cache_operation *op)
{
    struct cache_operation *copy = mem_new(struct cache_operation);
    *copy = *op;
    copy->step = mem_strdup(op->step);
    copy->requested_by = mem_strdup(op->requested_by);
    copy->idempotency_key = mem_strdup(op->idempotency_key);
    copy->params = mem_strdup(op->params);
    copy->result = mem_strdup(op->result);
    copy->error = mem_strdup(op->error);
    copy->evidence = mem_strdup(op->evidence);
    copy->memo = mem_strdup(op->memo);
    return copy;
}

static void free_operations(struct cache_operation **ops, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cache_operation_free(ops[i]);
    mem_free(ops);
}

struct put {
    struct cache_operation **ops;
    size_t n;
    struct cache_key_row *key; /* NULL = none */
    cache_done_fn done;
    void *arg;
};

static int write_operation(sqlite3 *db, const struct cache_operation *op)
{
    return cache_sql_run(
        db,
        "INSERT INTO operations (" COLUMNS ")"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, target = excluded.target,"
        " parent = excluded.parent, status = excluded.status, created_at = excluded.created_at,"
        " started_at = excluded.started_at, ended_at = excluded.ended_at,"
        " percent = excluded.percent, step = excluded.step, step_index = excluded.step_index,"
        " step_issued = excluded.step_issued, requested_by = excluded.requested_by,"
        " idempotency_key = excluded.idempotency_key, params = excluded.params,"
        " result = excluded.result, error = excluded.error, evidence = excluded.evidence,"
        " n_children = excluded.n_children, n_children_ended = excluded.n_children_ended,"
        " n_children_failed = excluded.n_children_failed, memo = excluded.memo",
        "sssssiiiisiissssssiiis", op->id, cache_op_kind_name(op->kind), op->target, op->parent,
        cache_op_status_name(op->status), op->created_at, op->started_at, op->ended_at,
        (int64_t)op->percent, op->step, (int64_t)op->step_index, (int64_t)op->step_issued,
        op->requested_by, op->idempotency_key, op->params, op->result, op->error, op->evidence,
        (int64_t)op->n_children, (int64_t)op->n_children_ended, (int64_t)op->n_children_failed,
        op->memo);
}

static int exec_put(sqlite3 *db, void *arg)
{
    struct put *p = arg;
    int r = cache_key_row_write(db, p->key);
    for (size_t i = 0; i < p->n && r == 0; i++)
        r = write_operation(db, p->ops[i]);
    return r == 0 ? cache_key_row_write_beside(db, p->key) : r;
}

static void on_put(void *arg, int status)
{
    struct put *p = arg;
    if (p->done)
        p->done(p->arg, status);
    free_operations(p->ops, p->n);
    cache_key_row_free(p->key);
    mem_free(p);
}

void cache_operations_put(struct cache_store *store, struct cache_operation *const *ops, size_t n,
                          cache_done_fn done, void *arg)
{
    cache_operations_accept(store, ops, n, NULL, done, arg);
}

void cache_operations_accept(struct cache_store *store, struct cache_operation *const *ops,
                             size_t n, const struct cache_key *key, cache_done_fn done, void *arg)
{
    struct put *p = mem_new(struct put);
    p->ops = mem_calloc(n, sizeof(struct cache_operation *));
    for (size_t i = 0; i < n; i++)
        p->ops[i] = copy_operation(ops[i]);
    p->n = n;
    p->key = cache_key_row_new(key, ops[0]->id);
    p->done = done;
    p->arg = arg;
    cache_store_write(store, exec_put, on_put, p);
}

/* NULL when the row has a kind or status of another version. */
static struct cache_operation *read_row(sqlite3_stmt *row)
{
    enum cache_op_kind kind;
    enum cache_op_status status;
    if (cache_op_kind_parse(cache_sql_text(row, 1), &kind) < 0 ||
        cache_op_status_parse(cache_sql_text(row, 4), &status) < 0)
        return NULL;
    struct cache_operation *op = mem_new(struct cache_operation);
    str_copy(op->id, sizeof(op->id), cache_sql_text(row, 0));
    op->kind = kind;
    str_copy(op->target, sizeof(op->target), cache_sql_text(row, 2));
    str_copy(op->parent, sizeof(op->parent), cache_sql_text(row, 3));
    op->status = status;
    op->created_at = sqlite3_column_int64(row, 5);
    op->started_at = sqlite3_column_int64(row, 6);
    op->ended_at = sqlite3_column_int64(row, 7);
    op->percent = sqlite3_column_int(row, 8);
    op->step = cache_sql_text_dup(row, 9);
    op->step_index = sqlite3_column_int(row, 10);
    op->step_issued = sqlite3_column_int(row, 11) != 0;
    op->requested_by = cache_sql_text_dup(row, 12);
    op->idempotency_key = cache_sql_text_dup(row, 13);
    op->params = cache_sql_json_dup(row, 14, "{}");
    op->result = cache_sql_json_dup(row, 15, NULL);
    op->error = cache_sql_json_dup(row, 16, NULL);
    op->evidence = cache_sql_json_dup(row, 17, "[]");
    op->n_children = (unsigned)sqlite3_column_int(row, 18);
    op->n_children_ended = (unsigned)sqlite3_column_int(row, 19);
    op->n_children_failed = (unsigned)sqlite3_column_int(row, 20);
    op->memo = cache_sql_json_dup(row, 21, "{}");
    op->has_diagnostics = sqlite3_column_int(row, 22) != 0;
    return op;
}

/* Steps STMT to its end. */
static int read_rows(sqlite3 *db, sqlite3_stmt *stmt, struct cache_operation ***ret_ops,
                     size_t *ret_n)
{
    struct cache_operation **ops = NULL;
    size_t n = 0, cap = 0;
    int stepped;
    while ((stepped = sqlite3_step(stmt)) == SQLITE_ROW) {
        ops = mem_grow(ops, n, &cap, sizeof(struct cache_operation *));
        ops[n] = read_row(stmt);
        n += ops[n] != NULL;
    }
    if (stepped != SQLITE_DONE) {
        free_operations(ops, n);
        return cache_sql_error_code(db);
    }
    *ret_ops = ops;
    *ret_n = n;
    return 0;
}

int cache_operations_load_open(sqlite3 *db, struct cache_operation ***ret_ops, size_t *ret_n)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(db, &stmt,
                            SELECT " FROM operations"
                                   " WHERE status IN ('queued', 'waiting_for_session', 'running')"
                                   " ORDER BY id",
                            "");
    return r < 0 ? r : read_rows(db, stmt, ret_ops, ret_n);
}

struct find {
    struct cache_operations_filter filter;
    char id[UUID_SIZE];    /* for get */
    char *key_owner, *key; /* for get by key */
    struct cache_operations_page page;
    cache_operations_fn done;
    void *arg;
};

/* WHERE with numbered parameters, so that each is bound always and used when it matters. */
static void append_where(const struct cache_operations_filter *f, bool with_cursor, struct buf *sql)
{
    (void)buf_append_str(sql, " FROM operations WHERE 1");
    if (f->status >= 0)
        (void)buf_append_str(sql, " AND status = ?1");
    if (f->kind >= 0)
        (void)buf_append_str(sql, " AND kind = ?2");
    if (f->target[0])
        (void)buf_append_str(sql, " AND target = ?3 AND target <> ''");
    if (f->parent[0])
        (void)buf_append_str(sql, " AND parent = ?4 AND parent <> ''");
    if (with_cursor && f->before_id[0])
        (void)buf_append_str(sql, " AND id < ?5");
    /* Makes SQLite know all six parameters whatever is above. */
    (void)buf_append_str(sql, " AND ?6 >= 0");
}

static int query(sqlite3 *db, sqlite3_stmt **ret_stmt, const char *sql,
                 const struct cache_operations_filter *f)
{
    const char *status =
        f->status >= 0 ? cache_op_status_name((enum cache_op_status)f->status) : NULL;
    const char *kind = f->kind >= 0 ? cache_op_kind_name((enum cache_op_kind)f->kind) : NULL;
    return cache_sql_query(db, ret_stmt, sql, "sssssi", status, kind, f->target, f->parent,
                           f->before_id, (int64_t)f->limit);
}

static int find_total(sqlite3 *db, struct find *f)
{
    struct buf sql cleanup(buf_deinit);
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    buf_init(&sql, 0);
    (void)buf_append_str(&sql, "SELECT count(*)");
    append_where(&f->filter, false, &sql);
    int r = query(db, &stmt, sql.data, &f->filter);
    if (r < 0)
        return r;
    if (sqlite3_step(stmt) != SQLITE_ROW)
        return cache_sql_error_code(db);
    f->page.total = (uint64_t)sqlite3_column_int64(stmt, 0);
    return 0;
}

static int exec_find(sqlite3 *db, void *arg)
{
    struct find *f = arg;
    struct cache_operations_page *page = &f->page;
    struct buf sql cleanup(buf_deinit);
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;

    buf_init(&sql, 0);
    int r = find_total(db, f);
    if (r < 0)
        return r;
    (void)buf_append_str(&sql, SELECT);
    append_where(&f->filter, true, &sql);
    /* One more than wanted tells whether there is more. */
    (void)buf_append_str(&sql, " ORDER BY id DESC LIMIT ?6 + 1");
    r = query(db, &stmt, sql.data, &f->filter);
    if (r == 0)
        r = read_rows(db, stmt, &page->items, &page->n_items);
    if (r == 0 && page->n_items > f->filter.limit) {
        page->has_more = true;
        page->n_items = f->filter.limit;
        cache_operation_free(page->items[page->n_items]);
    }
    return r;
}

static int exec_get(sqlite3 *db, void *arg)
{
    struct find *f = arg;
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(db, &stmt, SELECT " FROM operations WHERE id = ?", "s", f->id);
    if (r == 0)
        r = read_rows(db, stmt, &f->page.items, &f->page.n_items);
    f->page.total = f->page.n_items;
    return r;
}

/* Whether the key's row says that its operation was removed. */
static int find_pruned(sqlite3 *db, struct find *f)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(db, &stmt,
                            "SELECT pruned FROM idempotency"
                            " WHERE owner = ? AND key = ? AND operation = ?",
                            "sss", f->key_owner, f->key, f->id);
    if (r < 0)
        return r;
    int stepped = sqlite3_step(stmt);
    f->page.was_pruned = stepped == SQLITE_ROW && sqlite3_column_int(stmt, 0) != 0;
    return stepped == SQLITE_ROW || stepped == SQLITE_DONE ? 0 : cache_sql_error_code(db);
}

static int exec_get_by_key(sqlite3 *db, void *arg)
{
    struct find *f = arg;
    int r = exec_get(db, f);
    return r == 0 && f->page.n_items == 0 ? find_pruned(db, f) : r;
}

static void on_found(void *arg, int status)
{
    struct find *f = arg;
    f->done(f->arg, status, status < 0 ? NULL : &f->page);
    free_operations(f->page.items, f->page.n_items);
    mem_free(f->key_owner);
    mem_free(f->key);
    mem_free(f);
}

void cache_operations_find(struct cache_store *store, const struct cache_operations_filter *filter,
                           cache_operations_fn done, void *arg)
{
    struct find *f = mem_new(struct find);
    f->filter = *filter;
    f->done = done;
    f->arg = arg;
    cache_store_read(store, exec_find, on_found, f);
}

void cache_operations_get(struct cache_store *store, const char *id, cache_operations_fn done,
                          void *arg)
{
    struct find *f = mem_new(struct find);
    str_copy(f->id, sizeof(f->id), id);
    f->done = done;
    f->arg = arg;
    cache_store_read(store, exec_get, on_found, f);
}

void cache_operations_get_by_key(struct cache_store *store, const struct cache_key *key,
                                 const char *id, cache_operations_fn done, void *arg)
{
    struct find *f = mem_new(struct find);
    str_copy(f->id, sizeof(f->id), id);
    f->key_owner = mem_strdup(key->owner);
    f->key = mem_strdup(key->key);
    f->done = done;
    f->arg = arg;
    cache_store_read(store, exec_get_by_key, on_found, f);
}

/* --- in a backup that is restored --- */

#define OPEN "status IN ('queued', 'waiting_for_session', 'running')"

static char *write_error(const char *detail)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "code", "INTERRUPTED");
    json_add_str(doc, root, "detail", detail);
    yyjson_mut_obj_add_bool(doc, root, "retryable", true);
    return json_write(doc);
}

/* A batch counts its children as it would have when the last of them ended. */
int cache_operations_interrupt_all(sqlite3 *db, const char *detail, unsigned *ret_n)
{
    char *error cleanup(mem_freep) = write_error(detail);
    int64_t now = clock_wall_ms(), before = sqlite3_total_changes64(db);
    int r = cache_sql_run(db,
                          "UPDATE operations SET status = 'interrupted', ended_at = ?1,"
                          " started_at = iif(started_at = 0, ?1, started_at), error = ?2"
                          " WHERE " OPEN " AND n_children = 0",
                          "is", now, error);
    if (r == 0)
        r = cache_sql_run(
            db,
            "UPDATE operations AS batch SET n_children_ended = n_children,"
            " n_children_failed = n_children -"
            "  (SELECT count(*) FROM operations AS child WHERE child.parent = batch.id"
            "   AND child.parent <> '' AND child.status = 'succeeded')"
            " WHERE " OPEN,
            "");
    int64_t n_batches = sqlite3_changes64(db);
    if (r == 0)
        r = cache_sql_run(
            db,
            "UPDATE operations SET status = 'interrupted', ended_at = ?1, percent = 100,"
            " started_at = iif(started_at = 0, ?1, started_at), error = ?2,"
            " result = json_object('total', n_children,"
            "  'succeeded', n_children - n_children_failed, 'not_succeeded', n_children_failed)"
            " WHERE " OPEN,
            "is", now, error);
    if (r == 0)
        *ret_n = (unsigned)(sqlite3_total_changes64(db) - before - n_batches);
    return r;
}
