/* SPDX-License-Identifier: MIT */
#include "control/operations/job.h"

#include <string.h>

#include "base/text/json.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "control/operations/flow.h"

struct ctl_job *ctl_job_new(struct ctl_engine *e, struct cache_operation *op)
{
    struct ctl_job *job = mem_new(struct ctl_job);
    job->engine = e;
    job->op = op;
    job->flow = ctl_flow_of(op->kind);
    job->subject_index = -1;
    job->has_acted = op->started_at != 0;
    list_init(&job->link);
    list_init(&job->line);
    list_init(&job->accepts);
    list_init(&job->waits);
    ctl_params_read(op->params, &job->params);
    str_copy(job->subject, sizeof(job->subject), op->target);
    ctl_job_load_memo(job);
    return job;
}

static void leave_line(struct ctl_job *job)
{
    struct map_node *node = map_find(&job->engine->lines, job->op->target);
    list_unlink(&job->line);
    if (!node)
        return;
    struct ctl_line *line = container_of(node, struct ctl_line, by_target);
    if (list_is_empty(&line->jobs)) {
        map_remove(&job->engine->lines, node);
        mem_free(line);
    }
}

static void leave_children(struct ctl_job *parent)
{
    list_foreach(item, &parent->engine->jobs) {
        struct ctl_job *child = list_entry(item, struct ctl_job, link);
        if (child->parent == parent)
            child->parent = NULL;
    }
}

void ctl_job_free(struct ctl_job *job)
{
    if (!job->flow)
        leave_children(job);
    if (!list_is_empty(&job->link)) {
        list_unlink(&job->link);
        map_remove(&job->engine->by_id, &job->by_id);
        leave_line(job);
        job->engine->n_jobs--;
    }
    ctl_params_deinit(&job->params);
    mem_free(job->baseline);
    cache_operation_free(job->op);
    mem_free(job);
}

static struct ctl_line *line_of(struct ctl_engine *e, const char *target)
{
    struct map_node *node = map_find(&e->lines, target);
    if (node)
        return container_of(node, struct ctl_line, by_target);
    struct ctl_line *line = mem_new(struct ctl_line);
    str_copy(line->target, sizeof(line->target), target);
    list_init(&line->jobs);
    map_insert(&e->lines, &line->by_target, line->target);
    return line;
}

void ctl_job_link(struct ctl_job *job)
{
    struct ctl_engine *e = job->engine;
    list_append(&e->jobs, &job->link);
    map_insert(&e->by_id, &job->by_id, job->op->id);
    if (job->op->target[0])
        list_append(&line_of(e, job->op->target)->jobs, &job->line);
    e->n_jobs++;
}

void ctl_job_take_target(struct ctl_job *job, const char *id)
{
    str_copy(job->op->target, sizeof(job->op->target), id);
    /* The head of a ring is also its end: behind it comes the first place. */
    list_append(line_of(job->engine, id)->jobs.next, &job->line);
}

bool ctl_job_is_first_in_line(const struct ctl_job *job)
{
    if (list_is_empty(&job->line))
        return true;
    struct map_node *node = map_find(&job->engine->lines, job->op->target);
    return container_of(node, struct ctl_line, by_target)->jobs.next == &job->line;
}

const struct ctl_step *ctl_job_step(const struct ctl_job *job)
{
    return job->flow->steps[job->op->step_index];
}

const struct cache_instance *ctl_job_instance(const struct ctl_job *job)
{
    const struct cache_entry *entry =
        cache_snapshot_by_id(ctl_observer_snapshot(job->engine->parts.observer), job->subject);
    return entry ? &entry->instance : NULL;
}

uint64_t ctl_job_seen_ms(const struct ctl_job *job, uint64_t now)
{
    uint64_t age_ms =
        cache_snapshot_age_ms(ctl_observer_snapshot(job->engine->parts.observer), now);
    uint64_t seen_ms = age_ms <= now ? now - age_ms : 0;
    return seen_ms >= job->look_from_ms ? seen_ms : 0;
}

void ctl_job_save_memo(struct ctl_job *job)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "subject", job->subject);
    yyjson_mut_obj_add_int(doc, root, "subject_index", job->subject_index);
    yyjson_mut_val *baseline = yyjson_mut_obj_add_arr(doc, root, "baseline");
    for (size_t i = 0; i < job->n_baseline; i++)
        yyjson_mut_arr_add_int(doc, baseline, job->baseline[i]);
    mem_free(job->op->memo);
    job->op->memo = json_write(doc);
}

void ctl_job_load_memo(struct ctl_job *job)
{
    const char *memo = job->op->memo;
    yyjson_doc *doc cleanup(json_doc_freep) = yyjson_read(memo, strlen(memo), YYJSON_READ_NOFLAG);
    yyjson_val *root = yyjson_doc_get_root(doc);
    const char *subject = yyjson_get_str(yyjson_obj_get(root, "subject"));
    yyjson_val *baseline = yyjson_obj_get(root, "baseline"), *item;
    size_t i, max;

    if (!subject)
        return;
    str_copy(job->subject, sizeof(job->subject), subject);
    job->subject_index = (int)yyjson_get_int(yyjson_obj_get(root, "subject_index"));
    job->baseline = mem_calloc(yyjson_arr_size(baseline), sizeof(int));
    yyjson_arr_foreach(baseline, i, max, item)
        job->baseline[job->n_baseline++] = (int)yyjson_get_int(item);
}
