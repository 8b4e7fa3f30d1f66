/* SPDX-License-Identifier: MIT */
#include "api/common/operation_answer.h"

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/tables/operations.h"
#include "control/operations/engine.h"

/* The engine ends a wait in time; this much later something else is wrong. */
enum { MAX_CHILDREN = 100000, WAIT_SLACK_MS = 5000 };

static int status_of(const struct api_exchange *x, const struct cache_operation *op)
{
    if (!cache_op_has_ended(op->status))
        return x->status_open;
    return x->status_ended ? x->status_ended : 200;
}

/* What it waits for now, owned by the caller; NULL = nothing. Nobody keeps it: it is another thing
 * in a moment. */
static char *write_waiting(const struct api_context *c, const struct cache_operation *op)
{
    struct ctl_waiting waiting;
    if (!ctl_engine_waiting(c->engine, op->id, &waiting))
        return NULL;
    const struct cache_entry *entry =
        cache_snapshot_by_id(ctl_observer_snapshot(c->observer), waiting.instance);
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    json_add_str(doc, root, "code", waiting.code);
    json_add_str(doc, root, "detail", waiting.detail);
    json_add_str(doc, root, "operation", waiting.operation[0] ? waiting.operation : NULL);
    yyjson_mut_val *instance = NULL;
    if (entry)
        instance = yyjson_mut_obj_add_obj(doc, root, "instance");
    else
        yyjson_mut_obj_add_null(doc, root, "instance");
    if (instance) {
        json_add_str(doc, instance, "id", entry->instance.id);
        yyjson_mut_obj_add_int(doc, instance, "index", entry->instance.index);
        json_add_str(doc, instance, "name", entry->instance.name);
    }
    return json_write(doc);
}

void api_operation_append(struct api_exchange *x, const struct cache_operation *op,
                          const char *children)
{
    char *waiting cleanup(mem_freep) = write_waiting(x->context, op);
    /* What is in the store by now may not have been so when the row was read. */
    struct cache_operation now = *op;
    now.has_diagnostics |= ctl_engine_is_collecting(x->context->engine, op->id);
    cache_operation_append_json(&now, waiting, children, &x->http.reply);
}

static void respond_plain(struct api_exchange *x, const struct cache_operation *op,
                          const char *children)
{
    api_operation_append(x, op, children);
    api_respond_reply(x, status_of(x, op), API_JSON);
}

static void respond_missing(struct api_exchange *x)
{
    api_respond_code(x, API_OPERATION_NOT_FOUND,
                     "There is no operation with this id; operations are kept 30 days.");
}

/* What a batch shows of each of its operations; GET of the child shows all. */
static void append_child(const struct api_context *c, yyjson_mut_doc *doc, yyjson_mut_val *list,
                         const struct cache_operation *op)
{
    char *waiting cleanup(mem_freep) = write_waiting(c, op);
    yyjson_mut_val *child = yyjson_mut_arr_add_obj(doc, list);
    yyjson_mut_obj_add_strcpy(doc, child, "id", op->id);
    json_add_str(doc, child, "kind", cache_op_kind_name(op->kind));
    json_add_str(doc, child, "target", op->target[0] ? op->target : NULL);
    json_add_str(doc, child, "status", cache_op_status_name(op->status));
    json_add_time(doc, child, "created_at", op->created_at);
    json_add_time(doc, child, "started_at", op->started_at);
    json_add_time(doc, child, "ended_at", op->ended_at);
    yyjson_mut_val *progress = yyjson_mut_obj_add_obj(doc, child, "progress");
    yyjson_mut_obj_add_int(doc, progress, "percent", op->percent);
    json_add_str(doc, progress, "step", op->step);
    json_add_raw(doc, child, "waiting_for", waiting);
    json_add_raw(doc, child, "result", op->result);
    json_add_raw(doc, child, "error", op->error);
}

/* The store lists the newest first; a batch shows its operations in the order they were asked. */
static char *write_children(const struct api_context *c, const struct cache_operations_page *page)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    yyjson_mut_doc_set_root(doc, list);
    for (size_t i = page->n_items; i > 0; i--) {
        const struct cache_operation *now = ctl_engine_find(c->engine, page->items[i - 1]->id);
        append_child(c, doc, list, now ? now : page->items[i - 1]);
    }
    return json_write(doc);
}

/* A batch that has ended is in the store alone: its children were read, now it is read itself. */
struct batch {
    struct api_exchange *x;
    char *children;
};

static void on_parent(void *arg, int status, struct cache_operations_page *page)
{
    struct batch *batch = arg;
    struct api_exchange *x = batch->x;
    char *children cleanup(mem_freep) = batch->children;
    mem_free(batch);
    if (status < 0)
        api_respond_store_error(x, status);
    else if (page->n_items == 0)
        respond_missing(x);
    else
        respond_plain(x, page->items[0], children);
}

static void on_children(void *arg, int status, struct cache_operations_page *page)
{
    struct api_exchange *x = arg;
    if (status < 0) {
        api_respond_store_error(x, status);
        return;
    }
    char *children cleanup(mem_freep) = write_children(x->context, page);
    const struct cache_operation *op = ctl_engine_find(x->context->engine, x->operation);
    if (op) {
        respond_plain(x, op, children);
        return;
    }
    struct batch *batch = mem_new(struct batch);
    *batch = (struct batch){x, take_ptr(children)};
    cache_operations_get(x->context->store, x->operation, on_parent, batch);
}

static void respond_batch(struct api_exchange *x)
{
    struct cache_operations_filter filter = {.status = -1, .kind = -1, .limit = MAX_CHILDREN};
    str_copy(filter.parent, sizeof(filter.parent), x->operation);
    cache_operations_find(x->context->store, &filter, on_children, x);
}

void api_operation_respond(struct api_exchange *x, const struct cache_operation *op,
                           int status_open)
{
    str_copy(x->operation, sizeof(x->operation), op->id);
    x->status_open = status_open;
    if (op->kind == CACHE_OP_BATCH)
        respond_batch(x);
    else
        respond_plain(x, op, NULL);
}

static void on_found(void *arg, int status, struct cache_operations_page *page)
{
    struct api_exchange *x = arg;
    if (status < 0)
        api_respond_store_error(x, status);
    else if (page->n_items == 0)
        respond_missing(x);
    else
        api_operation_respond(x, page->items[0], x->status_open);
}

void api_operation_respond_by_id(struct api_exchange *x, const char *id, int status_open)
{
    const struct cache_operation *op = ctl_engine_find(x->context->engine, id);
    x->status_open = status_open;
    if (op)
        api_operation_respond(x, op, status_open);
    else
        cache_operations_get(x->context->store, id, on_found, x);
}

static void on_ended(void *arg, const struct cache_operation *op, bool is_timeout)
{
    struct api_exchange *x = arg;
    (void)is_timeout;
    http_exchange_woken(&x->http);
    api_operation_respond(x, op, x->status_open);
}

static void cancel(void *wait)
{
    ctl_engine_cancel_wait(wait);
}

static void time_up(struct http_exchange *h)
{
    struct api_exchange *x = api_exchange_of(h);
    api_operation_respond_by_id(x, x->operation, x->status_open);
}

static const struct http_wait operation_wait = {
    .is_long = true, .cancel = cancel, .time_up = time_up};

void api_operation_await(struct api_exchange *x, const char *id, uint64_t timeout_ms,
                         int status_open)
{
    struct ctl_wait *wait = NULL;
    x->status_open = status_open;
    if (id != x->operation)
        str_copy(x->operation, sizeof(x->operation), id);
    if (timeout_ms > 0 && x->http.conn && !api_exchange_is_stopping(x))
        wait = ctl_engine_wait(x->context->engine, x->operation, timeout_ms, on_ended, x);
    if (!wait) {
        api_operation_respond_by_id(x, x->operation, status_open);
        return;
    }
    http_exchange_wait(&x->http, &operation_wait, timeout_ms + WAIT_SLACK_MS);
    http_exchange_wait_for(&x->http, wait);
}
