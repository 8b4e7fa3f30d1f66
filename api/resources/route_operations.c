/* SPDX-License-Identifier: MIT */
#include "api/resources/handlers.h"

#include <string.h>

#include "api/common/cached.h"
#include "api/common/input.h"
#include "api/common/operation_answer.h"
#include "api/common/ref.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "cache/faults/diagnostics.h"
#include "cache/tables/operations.h"
#include "control/operations/engine.h"

enum { DEFAULT_LIMIT = 100 };

void api_handle_operations_get(struct api_exchange *x)
{
    uint64_t wait_ms;
    bool has_wait;
    if (strlen(x->http.request.params[0]) != UUID_SIZE - 1)
        api_respond_code(x, API_OPERATION_NOT_FOUND, "The id of an operation is a UUID.");
    else if (api_input_wait(x, &wait_ms, &has_wait))
        api_operation_await(x, x->http.request.params[0], wait_ms, 200);
}

static void on_ended_found(void *arg, int status, struct cache_operations_page *page)
{
    struct api_exchange *x = arg;
    if (status < 0)
        api_respond_store_error(x, status);
    else if (page->n_items == 0)
        api_respond_code(x, API_OPERATION_NOT_FOUND, "There is no operation with this id.");
    else if (page->items[0]->status == CACHE_OP_CANCELLED)
        api_operation_respond(x, page->items[0], 202);
    else
        api_respond_code(x, API_OPERATION_ENDED, "The operation has ended: it is %s.",
                         cache_op_status_name(page->items[0]->status));
}

void api_handle_operations_cancel(struct api_exchange *x)
{
    const char *id = x->http.request.params[0];
    uint64_t wait_ms;
    bool has_wait;
    if (!api_input_wait(x, &wait_ms, &has_wait))
        return;
    int status = strlen(id) == UUID_SIZE - 1
                     ? ctl_engine_cancel(x->context->engine, id, x->who.name)
                     : UV_ENOENT;
    if (status == UV_ENOENT)
        cache_operations_get(x->context->store, id, on_ended_found, x);
    else
        api_operation_await(x, id, wait_ms, 202);
}

/* Why an operation of which nothing was kept has no diagnostics. */
static const char *why_none(const struct cache_operation *op)
{
    bool is_good = op->status == CACHE_OP_SUCCEEDED || op->status == CACHE_OP_CANCELLED;
    if (!cache_op_has_ended(op->status))
        return "The operation has not ended; its diagnostics are collected then.";
    if (op->kind == CACHE_OP_BATCH)
        return "A batch has none; each of its operations that did not end well has.";
    if (is_good && op->kind != CACHE_OP_REPAIR)
        return "Diagnostics are collected of operations that failed, timed out or were "
               "interrupted, and of all that the watchdog does.";
    return "They are not kept any more (of the newest 300 operations that have any they are), the "
           "service was ended before it had collected them, or the database refused them.";
}

static void on_diagnostics(void *arg, int status, const char *json)
{
    struct api_exchange *x = arg;
    if (status < 0) {
        api_respond_store_error(x, status);
    } else if (json) {
        (void)buf_append_str(&x->http.reply, json);
        api_respond_reply(x, 200, API_JSON);
    } else {
        api_respond_code(x, API_DIAGNOSTICS_NOT_FOUND, "They cannot be read any more.");
    }
}

static void on_diagnosed(void *arg, int status, struct cache_operations_page *page)
{
    struct api_exchange *x = arg;
    const struct cache_operation *op = status == 0 && page->n_items > 0 ? page->items[0] : NULL;
    if (status < 0) {
        api_respond_store_error(x, status);
    } else if (!op) {
        api_respond_code(x, API_OPERATION_NOT_FOUND, "There is no operation with this id.");
    } else if (op->has_diagnostics) {
        cache_diagnostics_get(x->context->store, op->id, on_diagnostics, x);
    } else {
        api_respond_code(x, API_DIAGNOSTICS_NOT_FOUND, "%s", why_none(op));
    }
}

void api_handle_operations_diagnostics(struct api_exchange *x)
{
    const char *id = x->http.request.params[0];
    struct api_problem problem;
    if (strlen(id) != UUID_SIZE - 1) {
        api_respond_code(x, API_OPERATION_NOT_FOUND, "The id of an operation is a UUID.");
    } else if (ctl_engine_is_collecting(x->context->engine, id)) {
        api_problem_init(&problem, API_DIAGNOSTICS_NOT_READY,
                         "They are being collected; ask again in a second.");
        problem.retry_ms = 1000;
        api_respond_problem(x, &problem);
    } else {
        cache_operations_get(x->context->store, id, on_diagnosed, x);
    }
}

static void append_page(struct api_exchange *x, const struct cache_operations_page *page)
{
    struct buf *out = &x->http.reply;
    (void)buf_append_str(out, "{\"items\":[");
    for (size_t i = 0; i < page->n_items; i++) {
        /* What is under way is newer in the engine than in its last durable step. */
        const struct cache_operation *now = ctl_engine_find(x->context->engine, page->items[i]->id);
        if (i > 0)
            (void)buf_append_str(out, ",");
        api_operation_append(x, now ? now : page->items[i], NULL);
    }
    (void)buf_printf(out, "],\"total\":%llu,\"next_cursor\":", (unsigned long long)page->total);
    if (page->has_more && page->n_items > 0)
        (void)buf_printf(out, "\"%s\"}", page->items[page->n_items - 1]->id);
    else
        (void)buf_append_str(out, "null}");
}

static void on_page(void *arg, int status, struct cache_operations_page *page)
{
    struct api_exchange *x = arg;
    if (status < 0) {
        api_respond_store_error(x, status);
        return;
    }
    append_page(x, page);
    api_respond_reply(x, 200, API_JSON);
}

static void read_status(const char *text, struct cache_operations_filter *ret,
                        struct api_field_errors *errors)
{
    enum cache_op_status status;
    if (!text)
        return;
    if (cache_op_status_parse(text, &status) == 0)
        ret->status = (int)status;
    else
        api_field_errors_add(errors, "status",
                             "must be one of queued, waiting_for_session, running, succeeded, "
                             "failed, timed_out, cancelled, interrupted");
}

static void read_kind(const char *text, struct cache_operations_filter *ret,
                      struct api_field_errors *errors)
{
    enum cache_op_kind kind;
    if (!text)
        return;
    if (cache_op_kind_parse(text, &kind) == 0)
        ret->kind = (int)kind;
    else
        api_field_errors_add(errors, "kind",
                             "must be one of create, start, stop, restart, modify, rename, clone, "
                             "remove, batch");
}

static void read_id(const char *field, const char *text, char ret[UUID_SIZE],
                    struct api_field_errors *errors)
{
    if (!text)
        return;
    if (strlen(text) == UUID_SIZE - 1)
        str_copy(ret, UUID_SIZE, text);
    else
        api_field_errors_add(errors, field, "must be an id");
}

/* The instance may be gone by now, so an id is taken as it is; anything else must be found. */
static void read_target(const struct api_exchange *x, struct cache_operations_filter *ret,
                        struct api_field_errors *errors)
{
    const char *text = api_exchange_query(x, "target");
    const struct cache_entry *entry;
    if (!text)
        return;
    if (strlen(text) == UUID_SIZE - 1 && !str_has_prefix(text, "name:"))
        str_copy(ret->target, sizeof(ret->target), text);
    else if (api_ref_find(api_cached_snapshot(x), text, &entry) == API_REF_FOUND)
        str_copy(ret->target, sizeof(ret->target), entry->instance.id);
    else
        api_field_errors_add(errors, "target",
                             "must be the id, index, name:TITLE or adb:SERIAL of one "
                             "instance");
}

void api_handle_operations_list(struct api_exchange *x)
{
    const struct http_request *r = &x->http.request;
    struct cache_operations_filter filter = {.status = -1, .kind = -1};
    struct api_field_errors errors = {0};
    read_status(http_request_query(r, "status"), &filter, &errors);
    read_kind(http_request_query(r, "kind"), &filter, &errors);
    read_target(x, &filter, &errors);
    read_id("parent", http_request_query(r, "parent"), filter.parent, &errors);
    read_id("cursor", http_request_query(r, "cursor"), filter.before_id, &errors);
    if (errors.n_all > 0)
        api_respond_errors(x, &errors);
    else if (api_input_limit(x, DEFAULT_LIMIT, &filter.limit))
        cache_operations_find(x->context->store, &filter, on_page, x);
}

static void on_pruned(void *arg, int status, uint64_t n_removed)
{
    struct api_exchange *x = arg;
    if (status < 0) {
        api_respond_store_error(x, status);
        return;
    }
    (void)buf_printf(&x->http.reply, "{\"removed\":%llu}", (unsigned long long)n_removed);
    api_respond_reply(x, 200, API_JSON);
}

void api_handle_operations_prune(struct api_exchange *x)
{
    const char *text = api_exchange_query(x, "ended_before");
    int64_t before;
    if (!text || clock_parse(text, &before) < 0)
        api_respond_field(x, "ended_before",
                          text ? "must be a time as in RFC 3339"
                               : "is required: a time as in RFC 3339");
    else
        cache_operations_prune(x->context->store, before, on_pruned, x);
}
