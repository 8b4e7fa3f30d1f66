/* SPDX-License-Identifier: MIT */
#include "control/jobs/job.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "control/observe/evidence.h"

/* One instance's operations in order. It exists while somebody stands in it. */
struct line {
    char target[UUID_SIZE];
    struct map_node by_target;
    struct list jobs;
};

void ctl_why_set(struct ctl_why *why, const char *code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why->detail, sizeof(why->detail), fmt, args);
    va_end(args);
    str_copy(why->code, sizeof(why->code), code);
}

/* --- what must survive a restart --- */

void ctl_job_save_memo(struct ctl_job *job)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "subject", job->subject);
    yyjson_mut_obj_add_int(doc, root, "subject_index", job->subject_index);
    yyjson_mut_val *baseline = job->baseline ? yyjson_mut_obj_add_arr(doc, root, "known") : NULL;
    for (size_t i = 0; i < job->n_baseline; i++)
        yyjson_mut_arr_add_uint(doc, baseline, job->baseline[i]);
    mem_free(job->op->memo);
    job->op->memo = json_write(doc);
}

static void load_memo(struct ctl_job *job)
{
    const char *memo = job->op->memo;
    yyjson_doc *doc cleanup(json_doc_freep) = yyjson_read(memo, strlen(memo), YYJSON_READ_NOFLAG);
    yyjson_val *root = yyjson_doc_get_root(doc);
    const char *subject = yyjson_get_str(yyjson_obj_get(root, "subject"));
    yyjson_val *baseline = yyjson_obj_get(root, "known"), *item;
    size_t i, max;

    if (!subject)
        return;
    str_copy(job->subject, sizeof(job->subject), subject);
    job->subject_index = (int)yyjson_get_int(yyjson_obj_get(root, "subject_index"));
    if (!baseline)
        return;
    job->baseline = mem_calloc(yyjson_arr_size(baseline) + 1, sizeof(*job->baseline));
    yyjson_arr_foreach(baseline, i, max, item)
        job->baseline[job->n_baseline++] = (uint32_t)yyjson_get_uint(item);
}

/* --- one job --- */

/* The wall clock tells what passed before a restart, and may have been set meanwhile. */
static uint64_t accepted_ms(const struct cache_operation *op)
{
    uint64_t now = clock_mono_ms();
    int64_t age_ms = clock_wall_ms() - op->created_at;
    return age_ms <= 0 ? now : (uint64_t)age_ms < now ? now - (uint64_t)age_ms : 0;
}

struct ctl_job *ctl_job_new(struct ctl_jobs *jobs, struct cache_operation *op,
                            const struct ctl_flow *flow)
{
    struct ctl_job *job = mem_new(struct ctl_job);
    job->jobs = jobs;
    job->engine = jobs->engine;
    job->observer = jobs->observer;
    job->timeouts = jobs->timeouts;
    job->op = op;
    job->flow = flow;
    job->subject_index = -1;
    job->accepted_ms = accepted_ms(op);
    job->has_acted = job->has_called = op->started_at != 0;
    list_init(&job->link);
    list_init(&job->line);
    list_init(&job->accepts);
    list_init(&job->waits);
    ctl_request_read(op->params, &job->params);
    /* While the VM service hangs all launches are in vain, each for as long as it is waited for. */
    job->lane = job->params.ends_vm_service ? 0 : ctl_lane_of(job->params.priority);
    str_copy(job->subject, sizeof(job->subject), op->target);
    load_memo(job);
    return job;
}

static void leave_line(struct ctl_job *job)
{
    struct map_node *node = map_find(&job->jobs->lines, job->op->target);
    list_unlink(&job->line);
    if (!node)
        return;
    struct line *line = container_of(node, struct line, by_target);
    if (list_is_empty(&line->jobs)) {
        map_remove(&job->jobs->lines, node);
        mem_free(line);
    }
}

void ctl_job_free(struct ctl_job *job)
{
    if (!job->flow) {
        list_foreach(item, &job->jobs->all) {
            struct ctl_job *child = list_entry(item, struct ctl_job, link);
            if (child->parent == job)
                child->parent = NULL;
        }
    }
    if (!list_is_empty(&job->link)) {
        list_unlink(&job->link);
        map_remove(&job->jobs->by_id, &job->by_id);
        leave_line(job);
        job->jobs->n--;
    }
    ctl_params_deinit(&job->params);
    mem_free(job->baseline);
    cache_operation_free(job->op);
    mem_free(job);
}

const struct ctl_step *ctl_job_step(const struct ctl_job *job)
{
    return job->flow->steps[job->op->step_index];
}

const struct cache_instance *ctl_job_instance(const struct ctl_job *job)
{
    const struct cache_entry *entry =
        cache_snapshot_by_id(ctl_observer_snapshot(job->observer), job->subject);
    return entry ? &entry->instance : NULL;
}

void ctl_job_note(struct ctl_job *job, const char *text)
{
    size_t n = strlen(job->note);
    if (strstr(job->note, text))
        return;
    snprintf(job->note + n, sizeof(job->note) - n, "%s%s", n ? "; " : "", text);
    ctl_evidence_add_note(job->op, text);
}

uint64_t ctl_job_looked_ms(const struct ctl_job *job, uint64_t now)
{
    uint64_t age_ms = cache_snapshot_age_ms(ctl_observer_snapshot(job->observer), now);
    uint64_t at_ms = age_ms <= now ? now - age_ms : 0;
    return at_ms >= job->look_from_ms ? at_ms : 0;
}

bool ctl_job_needs_look(const struct ctl_job *job, uint64_t now)
{
    return ctl_job_looked_ms(job, now) == 0;
}

/* --- its places among the others --- */

void ctl_jobs_init(struct ctl_jobs *jobs, struct ctl_engine *engine, struct ctl_observer *observer,
                   const struct ctl_timeouts *timeouts)
{
    *jobs = (struct ctl_jobs){.engine = engine, .observer = observer, .timeouts = timeouts};
    list_init(&jobs->all);
    map_init(&jobs->by_id);
    map_init(&jobs->lines);
}

void ctl_jobs_deinit(struct ctl_jobs *jobs)
{
    list_foreach(item, &jobs->all)
        ctl_job_free(list_entry(item, struct ctl_job, link));
    map_deinit(&jobs->by_id);
    map_deinit(&jobs->lines);
}

struct ctl_job *ctl_jobs_find(const struct ctl_jobs *jobs, const char *id)
{
    struct map_node *node = map_find(&jobs->by_id, id);
    return node ? container_of(node, struct ctl_job, by_id) : NULL;
}

static struct line *line_of(struct ctl_jobs *jobs, const char *target)
{
    struct map_node *node = map_find(&jobs->lines, target);
    if (node)
        return container_of(node, struct line, by_target);
    struct line *line = mem_new(struct line);
    str_copy(line->target, sizeof(line->target), target);
    list_init(&line->jobs);
    map_insert(&jobs->lines, &line->by_target, line->target);
    return line;
}

/* Who stands in front of one in a hurry is in as much of a hurry. Nobody in a line has a lower lane
 * than those behind him, so this ends at the first who need not move up. */
static void hurry_line(struct ctl_job *job)
{
    struct list *head = &line_of(job->jobs, job->op->target)->jobs;
    for (struct list *at = job->line.prev; at != head; at = at->prev) {
        struct ctl_job *before = list_entry(at, struct ctl_job, line);
        if (before->lane <= job->lane)
            break;
        before->lane = job->lane;
    }
}

void ctl_job_link(struct ctl_job *job)
{
    list_append(&job->jobs->all, &job->link);
    map_insert(&job->jobs->by_id, &job->by_id, job->op->id);
    if (job->op->target[0]) {
        list_append(&line_of(job->jobs, job->op->target)->jobs, &job->line);
        hurry_line(job);
    }
    job->jobs->n++;
}

void ctl_job_set_target(struct ctl_job *job, const char *id)
{
    str_copy(job->op->target, sizeof(job->op->target), id);
    /* The head of a ring is also its end: behind it comes the first place. */
    list_append(line_of(job->jobs, id)->jobs.next, &job->line);
}

const struct ctl_job *ctl_job_first_in_line(const struct ctl_job *job)
{
    if (list_is_empty(&job->line))
        return NULL;
    struct map_node *node = map_find(&job->jobs->lines, job->op->target);
    return list_entry(container_of(node, struct line, by_target)->jobs.next, struct ctl_job, line);
}

bool ctl_job_is_first_in_line(const struct ctl_job *job)
{
    const struct ctl_job *first = ctl_job_first_in_line(job);
    return !first || first == job;
}

bool ctl_job_acquire_gate(struct ctl_job *job, enum ctl_gate gate)
{
    struct ctl_job **holder = &job->jobs->gate_holder[gate];
    if (gate == CTL_GATE_NONE || *holder == job)
        return true;
    if (*holder)
        return false;
    *holder = job;
    job->held = gate;
    return true;
}

void ctl_job_take_place(struct ctl_job *job, enum ldc_class class)
{
    if (job->has_place)
        return;
    job->has_place = true;
    job->place = class;
    job->jobs->n_places[class]++;
}

void ctl_job_leave_place(struct ctl_job *job)
{
    if (!job->has_place)
        return;
    job->has_place = false;
    job->jobs->n_places[job->place]--;
    job->jobs->needs_round = true;
}

void ctl_job_release_gate(struct ctl_job *job)
{
    ctl_job_leave_place(job);
    if (job->held == CTL_GATE_NONE)
        return;
    if (job->jobs->gate_holder[job->held] == job)
        job->jobs->gate_holder[job->held] = NULL;
    job->held = CTL_GATE_NONE;
    job->jobs->needs_round = true;
}
