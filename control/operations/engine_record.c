/* SPDX-License-Identifier: MIT */
/* What the database and the listeners of events get to know of an operation on its way. A job of a
 * batch is written together with its batch, in one transaction, so that the batch's counts are
 * those of its children whatever crashes. */
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "control/operations/engine_private.h"

void ctl_engine_record_announce(const struct ctl_job *job, const char *type)
{
    const struct cache_operation *op = job->op;
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "id", op->id);
    yyjson_mut_obj_add_str(doc, root, "kind", cache_op_kind_name(op->kind));
    json_add_str(doc, root, "target", op->target[0] ? op->target : NULL);
    json_add_str(doc, root, "parent", op->parent[0] ? op->parent : NULL);
    yyjson_mut_obj_add_str(doc, root, "status", cache_op_status_name(op->status));
    yyjson_mut_obj_add_int(doc, root, "percent", op->percent);
    json_add_str(doc, root, "step", op->step);
    json_add_raw(doc, root, "error", op->error);
    char *data cleanup(mem_freep) = json_write(doc);
    cache_events_emit(job->engine->parts.events, type, data);
}

/* A batch runs as soon as one of its operations did something. */
static void begin_parent(const struct ctl_job *job)
{
    struct ctl_job *parent = job->parent;
    if (!parent || parent->op->status != CACHE_OP_QUEUED || job->op->status == CACHE_OP_QUEUED ||
        job->op->status == CACHE_OP_CANCELLED)
        return;
    parent->op->status = CACHE_OP_RUNNING;
    parent->op->started_at = clock_wall_ms();
    ctl_engine_record_announce(parent, "operation.running");
}

void ctl_engine_record_write(struct ctl_job *job, const char *type, cache_done_fn done)
{
    begin_parent(job);
    struct cache_operation *ops[2] = {job->op, job->parent ? job->parent->op : NULL};
    cache_operations_put(job->engine->parts.store, ops, job->parent ? 2 : 1, done, job);
    if (type)
        ctl_engine_record_announce(job, type);
}
