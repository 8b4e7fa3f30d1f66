/* SPDX-License-Identifier: MIT */
#include "cache/tables/operation.h"

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"

static const char *const kind_names[CACHE_OP_KIND_COUNT] = {
    [CACHE_OP_CREATE] = "create",   [CACHE_OP_START] = "start",   [CACHE_OP_STOP] = "stop",
    [CACHE_OP_RESTART] = "restart", [CACHE_OP_MODIFY] = "modify", [CACHE_OP_RENAME] = "rename",
    [CACHE_OP_CLONE] = "clone",     [CACHE_OP_REMOVE] = "remove", [CACHE_OP_REPAIR] = "repair",
    [CACHE_OP_BATCH] = "batch",
};

static const char *const status_names[CACHE_OP_STATUS_COUNT] = {
    [CACHE_OP_QUEUED] = "queued",       [CACHE_OP_WAITING_FOR_SESSION] = "waiting_for_session",
    [CACHE_OP_RUNNING] = "running",     [CACHE_OP_SUCCEEDED] = "succeeded",
    [CACHE_OP_FAILED] = "failed",       [CACHE_OP_TIMED_OUT] = "timed_out",
    [CACHE_OP_CANCELLED] = "cancelled", [CACHE_OP_INTERRUPTED] = "interrupted",
};

static int find_name(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return UV_EINVAL;
}

const char *cache_op_kind_name(enum cache_op_kind kind)
{
    return kind_names[kind];
}

int cache_op_kind_parse(const char *name, enum cache_op_kind *ret)
{
    int i = find_name(kind_names, CACHE_OP_KIND_COUNT, name);
    if (i < 0)
        return i;
    *ret = (enum cache_op_kind)i;
    return 0;
}

const char *cache_op_status_name(enum cache_op_status status)
{
    return status_names[status];
}

int cache_op_status_parse(const char *name, enum cache_op_status *ret)
{
    int i = find_name(status_names, CACHE_OP_STATUS_COUNT, name);
    if (i < 0)
        return i;
    *ret = (enum cache_op_status)i;
    return 0;
}

bool cache_op_has_ended(enum cache_op_status status)
{
    return status != CACHE_OP_QUEUED && status != CACHE_OP_WAITING_FOR_SESSION &&
           status != CACHE_OP_RUNNING;
}

struct cache_operation *cache_operation_new(enum cache_op_kind kind)
{
    struct cache_operation *op = mem_new(struct cache_operation);
    random_uuid_by_time(op->id);
    op->kind = kind;
    op->status = CACHE_OP_QUEUED;
    op->created_at = clock_wall_ms();
    op->params = mem_strdup("{}");
    op->memo = mem_strdup("{}");
    op->evidence = mem_strdup("[]");
    return op;
}

struct cache_operation *cache_operation_free(struct cache_operation *op)
{
    if (!op)
        return NULL;
    mem_free(op->step);
    mem_free(op->requested_by);
    mem_free(op->idempotency_key);
    mem_free(op->params);
    mem_free(op->result);
    mem_free(op->error);
    mem_free(op->memo);
    mem_free(op->evidence);
    mem_free(op);
    return NULL;
}

static void append_key(struct buf *out, const char *key)
{
    (void)buf_printf(out, ",\"%s\":", key);
}

static void append_text(struct buf *out, const char *key, const char *text)
{
    append_key(out, key);
    if (text)
        json_append_str(out, text);
    else
        (void)buf_append_str(out, "null");
}

static void append_time(struct buf *out, const char *key, int64_t wall_ms)
{
    char when[CLOCK_RFC3339_SIZE];
    if (wall_ms)
        clock_format(wall_ms, when);
    append_text(out, key, wall_ms ? when : NULL);
}

static void append_raw(struct buf *out, const char *key, const char *json)
{
    append_key(out, key);
    (void)buf_append_str(out, json ? json : "null");
}

static const char *text_or_null(const char *text)
{
    return *text ? text : NULL;
}

void cache_operation_append_json(const struct cache_operation *op, const char *waiting_for,
                                 const char *children, struct buf *out)
{
    (void)buf_append_str(out, "{\"id\":");
    json_append_str(out, op->id);
    append_text(out, "kind", cache_op_kind_name(op->kind));
    append_text(out, "target", text_or_null(op->target));
    append_text(out, "status", cache_op_status_name(op->status));
    append_time(out, "created_at", op->created_at);
    append_time(out, "started_at", op->started_at);
    append_time(out, "ended_at", op->ended_at);
    append_key(out, "progress");
    (void)buf_printf(out, "{\"percent\":%d", op->percent);
    append_text(out, "step", op->step);
    (void)buf_append_str(out, "}");
    append_raw(out, "waiting_for", waiting_for);
    append_text(out, "requested_by", op->requested_by);
    append_text(out, "idempotency_key", op->idempotency_key);
    append_raw(out, "result", op->result);
    append_raw(out, "error", op->error);
    append_raw(out, "evidence", op->evidence);
    append_raw(out, "has_diagnostics", op->has_diagnostics ? "true" : "false");
    append_raw(out, "children", children);
    append_text(out, "parent", text_or_null(op->parent));
    (void)buf_append_str(out, "}");
}
