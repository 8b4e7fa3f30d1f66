/* SPDX-License-Identifier: MIT */
/* Acceptance, waiting, cancelling, recovery: everything about operations but their steps, which
 * are in advance.c and flow.c. */
#include "control/engine.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "control/flow.h"
#include "control/job.h"

enum {
    TICK_MS = 100,
    CLOSE_GRACE_MS = 5000, /* for children under way: most of ldconsole's verbs return at once */
    TRIM_INTERVAL_MS = 3600000
};

const struct ctl_engine_options ctl_engine_defaults = {
    .max_queued = 10000,
    .start_timeout_ms = 180000,
    .ready_timeout_ms = 120000,
    .stop_timeout_ms = 60000,
    .manage_timeout_ms = 60000,
    .clone_timeout_ms = 1200000,
};

struct ctl_wait {
    struct list link;
    uint64_t until_ms;
    ctl_wait_fn done;
    void *arg;
};

struct accept {
    struct list link;
    struct ctl_engine *engine;
    ctl_accept_fn done;
    void *arg;
    bool is_repeat;
    struct ctl_refusal refusal;
};

/* --- announcing and writing --- */

static void append_announcement(const struct cache_operation *op, struct buf *out)
{
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
    char *text cleanup(mem_freep) = json_write(doc);
    (void)buf_append_str(out, text);
}

void ctl_engine_announce(const struct ctl_job *job, const char *type)
{
    struct buf data cleanup(buf_deinit);
    buf_init(&data, 0);
    append_announcement(job->op, &data);
    cache_events_emit(job->engine->parts.events, type, data.data);
}

/* A batch runs as soon as one of its operations does. */
static void begin_parent(struct ctl_job *parent)
{
    if (!parent || parent->op->status != CACHE_OP_QUEUED)
        return;
    parent->op->status = CACHE_OP_RUNNING;
    parent->op->started_at = clock_wall_ms();
    ctl_engine_announce(parent, "operation.running");
}

void ctl_engine_write(struct ctl_job *job, const char *type, cache_done_fn done)
{
    begin_parent(job->parent);
    struct cache_operation *ops[2] = {job->op, job->parent ? job->parent->op : NULL};
    cache_operations_put(job->engine->parts.store, ops, job->parent ? 2 : 1, done, job);
    if (type)
        ctl_engine_announce(job, type);
}

/* --- ending --- */

static void answer_waits(struct ctl_job *job, bool is_timeout, uint64_t now)
{
    list_foreach(item, &job->waits) {
        struct ctl_wait *wait = list_entry(item, struct ctl_wait, link);
        if (is_timeout && now < wait->until_ms)
            continue;
        list_unlink(&wait->link);
        wait->done(wait->arg, job->op, is_timeout);
        mem_free(wait);
    }
}

/* A refused write of an end leaves the row as it was: the next start would settle it again. It is
 * tried once a second, and until then the operation stays here for everybody to see. */
static void on_end_written(void *arg, int status)
{
    struct ctl_job *job = arg;
    struct ctl_engine *e = job->engine;

    e->n_writes--;
    if (status < 0 && !e->is_closing) {
        job->retry_at_ms = clock_mono_ms() + 1000;
        return;
    }
    if (!e->is_closing) {
        answer_waits(job, false, 0);
        ctl_job_free(job);
        ctl_engine_advance(e);
    }
    ctl_engine_try_to_close(e);
}

static void write_end(struct ctl_job *job)
{
    job->retry_at_ms = 0;
    job->engine->n_writes++;
    ctl_engine_write(job, NULL, on_end_written);
}

static char *write_error(enum cache_op_status status, const char *code, const char *detail)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "code", code);
    json_add_str(doc, root, "detail", detail);
    yyjson_mut_obj_add_bool(doc, root, "retryable", status != CACHE_OP_CANCELLED);
    return json_write(doc);
}

static char *write_result(const struct ctl_job *job)
{
    struct ctl_observer *observer = job->engine->parts.observer;
    struct cache_snapshot *s = ctl_observer_snapshot(observer);
    const struct cache_entry *entry = cache_snapshot_by_id(s, job->subject);
    struct buf out;

    if (job->op->kind == CACHE_OP_REMOVE)
        return mem_strdup("{\"removed\":true}");
    if (!entry)
        return NULL;
    buf_init(&out, 0);
    (void)buf_append_str(&out, job->op->step ? "{\"instance\":"
                                             : "{\"note\":\"nothing to do: it was already so\","
                                               "\"instance\":");
    cache_snapshot_append_instance(s, entry, clock_mono_ms(), true, &out);
    (void)buf_append_str(&out, "}");
    return buf_take(&out, NULL);
}

static const char *const end_types[CACHE_OP_STATUS_COUNT] = {
    [CACHE_OP_SUCCEEDED] = "operation.succeeded", [CACHE_OP_FAILED] = "operation.failed",
    [CACHE_OP_TIMED_OUT] = "operation.timed_out", [CACHE_OP_CANCELLED] = "operation.cancelled",
    [CACHE_OP_INTERRUPTED] = "operation.interrupted",
};

static void close_operation(struct cache_operation *op, enum cache_op_status status)
{
    op->status = status;
    op->ended_at = clock_wall_ms();
    if (op->started_at == 0)
        op->started_at = op->ended_at;
    if (status == CACHE_OP_SUCCEEDED)
        op->percent = 100;
}

static enum cache_op_status batch_status(const struct cache_operation *op, bool is_cancelled)
{
    if (op->n_children_failed == 0)
        return CACHE_OP_SUCCEEDED;
    return is_cancelled ? CACHE_OP_CANCELLED : CACHE_OP_FAILED;
}

static void end_batch(struct ctl_job *parent)
{
    char detail[120];
    struct cache_operation *op = parent->op;
    enum cache_op_status status = batch_status(op, parent->is_cancelled);

    close_operation(op, status);
    snprintf(detail, sizeof(detail), "%u of %u operations did not succeed", op->n_children_failed,
             op->n_children);
    if (status != CACHE_OP_SUCCEEDED)
        op->error = write_error(status, "BATCH_INCOMPLETE", detail);
    op->result = mem_printf("{\"total\":%u,\"succeeded\":%u,\"not_succeeded\":%u}", op->n_children,
                            op->n_children - op->n_children_failed, op->n_children_failed);
    parent->phase = CTL_PHASE_ENDING;
}

/* The counts of the batch change in the same write as the end of its child. */
static void count_in_parent(struct ctl_job *job)
{
    struct ctl_job *parent = job->parent;
    if (!parent)
        return;
    struct cache_operation *op = parent->op;
    op->n_children_ended++;
    op->n_children_failed += job->op->status != CACHE_OP_SUCCEEDED;
    op->percent = (int)(100 * op->n_children_ended / op->n_children);
    if (op->n_children_ended == op->n_children)
        end_batch(parent);
}

void ctl_engine_end(struct ctl_job *job, enum cache_op_status status, const char *code,
                    const char *detail)
{
    struct ctl_job *parent = job->parent;

    if (job->held != CTL_GATE_NONE)
        job->engine->gate_holder[job->held] = NULL;
    job->held = CTL_GATE_NONE;
    job->engine->must_advance = true;
    if (status == CACHE_OP_SUCCEEDED)
        job->op->result = write_result(job);
    if (code)
        job->op->error = write_error(status, code, detail);
    close_operation(job->op, status);
    job->phase = CTL_PHASE_ENDING;
    count_in_parent(job);
    write_end(job);
    ctl_engine_announce(job, end_types[status]);
    if (parent && parent->phase == CTL_PHASE_ENDING) {
        write_end(parent);
        ctl_engine_announce(parent, end_types[parent->op->status]);
    }
}

/* --- acceptance --- */

static void deliver_refusal(void *arg)
{
    struct accept *a = arg;
    a->done(a->arg, NULL, false, &a->refusal);
    mem_free(a);
}

static struct accept *accept_new(struct ctl_engine *e, ctl_accept_fn done, void *arg)
{
    struct accept *a = mem_new(struct accept);
    list_init(&a->link);
    a->engine = e;
    a->done = done;
    a->arg = arg;
    return a;
}

static void refuse(struct accept *a, const struct ctl_refusal *refusal)
{
    a->refusal = *refusal;
    loop_post(a->engine->parts.loop, deliver_refusal, a);
}

static void refuse_with(struct accept *a, int http_status, const char *code, const char *detail)
{
    struct ctl_refusal refusal = {.http_status = http_status};
    str_copy(refusal.code, sizeof(refusal.code), code);
    str_copy(refusal.detail, sizeof(refusal.detail), detail);
    refuse(a, &refusal);
}

static void answer_accepts(struct ctl_job *job)
{
    while (!list_is_empty(&job->accepts)) {
        struct accept *a = list_entry(job->accepts.next, struct accept, link);
        list_unlink(&a->link);
        a->done(a->arg, job->op, a->is_repeat, NULL);
        mem_free(a);
    }
}

static void take_back(struct ctl_job *job, int status)
{
    struct ctl_engine *e = job->engine;
    char detail[200];
    snprintf(detail, sizeof(detail),
             "the operation could not be written to the database (%s) and was not accepted; check "
             "disk space and the data directory",
             uv_strerror(status));
    while (!list_is_empty(&job->accepts)) {
        struct accept *a = list_entry(job->accepts.next, struct accept, link);
        list_unlink(&a->link);
        refuse_with(a, 503, "STORE_UNAVAILABLE", detail);
    }
    if (job->op->idempotency_key)
        cache_idempotency_forget(e->parts.idempotency, e->parts.store, job->op->requested_by,
                                 job->op->idempotency_key);
}

struct group {
    struct ctl_engine *engine;
    struct ctl_job **jobs; /* a batch's parent comes first */
    size_t n_jobs;
};

static void group_free(struct group *g)
{
    mem_free(g->jobs);
    mem_free(g);
}

static void accept_group(struct group *g)
{
    for (size_t i = 0; i < g->n_jobs; i++) {
        ctl_engine_announce(g->jobs[i], "operation.queued");
        g->jobs[i]->phase = CTL_PHASE_QUEUED;
    }
    answer_accepts(g->jobs[0]);
}

static void drop_group(struct group *g, int status)
{
    take_back(g->jobs[0], status);
    for (size_t i = g->n_jobs; i > 0; i--)
        ctl_job_free(g->jobs[i - 1]);
}

static void on_stored(void *arg, int status)
{
    struct group *g = arg;
    struct ctl_engine *e = g->engine;

    e->n_writes--;
    if (status < 0)
        drop_group(g, status);
    else
        accept_group(g);
    group_free(g);
    ctl_engine_advance(e);
    ctl_engine_try_to_close(e);
}

static void store_group(struct group *g, const struct ctl_request *request)
{
    struct ctl_engine *e = g->engine;
    struct cache_operation **ops cleanup(mem_freep) = mem_calloc(g->n_jobs, sizeof(*ops));
    for (size_t i = 0; i < g->n_jobs; i++) {
        ops[i] = g->jobs[i]->op;
        ctl_job_link(g->jobs[i]);
    }
    if (request->idempotency_key)
        (void)cache_idempotency_put(e->parts.idempotency, e->parts.store, request->requested_by,
                                    request->idempotency_key, request->fingerprint, ops[0]->id);
    e->n_writes++;
    cache_operations_put(e->parts.store, ops, g->n_jobs, on_stored, g);
}

static struct ctl_job *make_job(struct ctl_engine *e, const struct ctl_request *request,
                                enum cache_op_kind kind, const char *target)
{
    struct cache_operation *op = cache_operation_new(kind);
    if (target)
        str_copy(op->target, sizeof(op->target), target);
    op->created_at = clock_wall_ms();
    op->requested_by = mem_strdup(request->requested_by);
    mem_free(op->params);
    op->params = ctl_params_write(request);
    return ctl_job_new(e, op);
}

/* --- a key that was used before --- */

static void on_repeat_loaded(void *arg, int status, struct cache_operations_page *page)
{
    struct accept *a = arg;
    if (status < 0 || page->n_items == 0) {
        refuse_with(a, 503, "STORE_UNAVAILABLE",
                    "the operation of this Idempotency-Key could not be read");
        return;
    }
    a->done(a->arg, page->items[0], true, NULL);
    mem_free(a);
}

static void repeat(struct ctl_engine *e, struct accept *a, const char *id)
{
    struct map_node *node = map_find(&e->by_id, id);
    struct ctl_job *job = node ? container_of(node, struct ctl_job, by_id) : NULL;

    a->is_repeat = true;
    if (job && job->phase == CTL_PHASE_STORING)
        list_append(&job->accepts, &a->link);
    else
        cache_operations_get(e->parts.store, id, on_repeat_loaded, a);
}

/* Returns true when the key settled the request. */
static bool is_settled_by_key(struct ctl_engine *e, const struct ctl_request *request,
                              struct accept *a)
{
    char id[UUID_SIZE];
    if (!request->idempotency_key)
        return false;
    switch (cache_idempotency_find(e->parts.idempotency, request->requested_by,
                                   request->idempotency_key, request->fingerprint, id)) {
    case CACHE_IDEMPOTENCY_SAME:
        repeat(e, a, id);
        return true;
    case CACHE_IDEMPOTENCY_OTHER:
        refuse_with(a, 422, "IDEMPOTENCY_KEY_REUSED",
                    "this Idempotency-Key was used with another request in the last 24 hours");
        return true;
    default:
        return false;
    }
}

/* --- admission --- */

static const enum ldc_verb first_verb[CACHE_OP_KIND_COUNT] = {
    [CACHE_OP_CREATE] = LDC_VERB_ADD,     [CACHE_OP_START] = LDC_VERB_LAUNCH,
    [CACHE_OP_STOP] = LDC_VERB_QUIT,      [CACHE_OP_RESTART] = LDC_VERB_QUIT,
    [CACHE_OP_MODIFY] = LDC_VERB_MODIFY,  [CACHE_OP_RENAME] = LDC_VERB_RENAME,
    [CACHE_OP_CLONE] = LDC_VERB_COPY,     [CACHE_OP_REMOVE] = LDC_VERB_REMOVE,
};

static bool is_breaker_open(struct ctl_engine *e, const struct ctl_request *request,
                            struct ctl_refusal *reterr)
{
    bool is_queued = request->priority != CTL_PRIORITY_INTERACTIVE;
    const struct ldc_breaker *b = ldc_client_breaker(
        e->parts.client, ldc_purpose_of(first_verb[request->kind], is_queued));
    uint64_t now = clock_mono_ms(), until = b->opened_at_ms + b->current_open_ms;
    bool is_forced = b->state == LDC_BREAKER_FORCED_OPEN;

    if (!is_forced && !(b->state == LDC_BREAKER_OPEN && now < until))
        return false;
    reterr->http_status = 503;
    reterr->retry_ms = is_forced ? 60000 : until - now;
    str_copy(reterr->code, sizeof(reterr->code), "BREAKER_OPEN");
    snprintf(reterr->detail, sizeof(reterr->detail), "the breaker '%s' is %s: %.200s", b->name,
             is_forced ? "held open by an operator" : "open", b->reason);
    return true;
}

static bool is_full(struct ctl_engine *e, size_t n_more, struct ctl_refusal *reterr)
{
    if (e->n_jobs + n_more <= e->options.max_queued)
        return false;
    *reterr = (struct ctl_refusal){.http_status = 429, .retry_ms = 5000};
    str_copy(reterr->code, sizeof(reterr->code), "QUEUE_FULL");
    snprintf(reterr->detail, sizeof(reterr->detail),
             "%u operations are open and the limit is %u; wait for some to end", e->n_jobs,
             e->options.max_queued);
    return true;
}

static bool is_closing(struct ctl_engine *e, struct ctl_refusal *reterr)
{
    if (!e->is_closing)
        return false;
    *reterr = (struct ctl_refusal){.http_status = 503};
    str_copy(reterr->code, sizeof(reterr->code), "STOPPING");
    str_copy(reterr->detail, sizeof(reterr->detail), "the service is stopping");
    return true;
}

static const struct cache_instance *instance_of(struct ctl_engine *e, const char *id)
{
    const struct cache_entry *entry =
        id ? cache_snapshot_by_id(ctl_observer_snapshot(e->parts.observer), id) : NULL;
    return entry ? &entry->instance : NULL;
}

static bool may_accept(struct ctl_engine *e, const struct ctl_request *request, size_t n_jobs,
                       struct ctl_refusal *reterr)
{
    return !is_closing(e, reterr) && !is_full(e, n_jobs, reterr) &&
           !is_breaker_open(e, request, reterr);
}

static struct group *group_new(struct ctl_engine *e, size_t n_jobs)
{
    struct group *g = mem_new(struct group);
    g->engine = e;
    g->n_jobs = n_jobs;
    g->jobs = mem_calloc(n_jobs, sizeof(*g->jobs));
    return g;
}

static void submit_group(struct group *g, const struct ctl_request *request, struct accept *a)
{
    g->jobs[0]->op->idempotency_key = mem_strdup(request->idempotency_key);
    list_append(&g->jobs[0]->accepts, &a->link);
    store_group(g, request);
}

void ctl_engine_submit(struct ctl_engine *e, const struct ctl_request *request, ctl_accept_fn done,
                       void *arg)
{
    struct accept *a = accept_new(e, done, arg);
    struct ctl_refusal refusal;

    if (is_settled_by_key(e, request, a))
        return;
    if (!ctl_flow_accepts(request, instance_of(e, request->target), &refusal) ||
        !may_accept(e, request, 1, &refusal)) {
        refuse(a, &refusal);
        return;
    }
    struct group *g = group_new(e, 1);
    g->jobs[0] = make_job(e, request, request->kind, request->target);
    submit_group(g, request, a);
}

void ctl_engine_submit_batch(struct ctl_engine *e, const struct ctl_request *request,
                             const char *const *targets, size_t n_targets, ctl_accept_fn done,
                             void *arg)
{
    struct accept *a = accept_new(e, done, arg);
    struct ctl_refusal refusal;

    if (is_settled_by_key(e, request, a))
        return;
    if (!may_accept(e, request, n_targets + 1, &refusal)) {
        refuse(a, &refusal);
        return;
    }
    struct group *g = group_new(e, n_targets + 1);
    struct ctl_job *parent = g->jobs[0] = make_job(e, request, CACHE_OP_BATCH, NULL);
    parent->op->n_children = (unsigned)n_targets;
    for (size_t i = 0; i < n_targets; i++) {
        struct ctl_job *child = g->jobs[i + 1] = make_job(e, request, request->kind, targets[i]);
        str_copy(child->op->parent, sizeof(child->op->parent), parent->op->id);
        child->parent = parent;
    }
    submit_group(g, request, a);
}

/* --- cancelling, finding, waiting --- */

static struct ctl_job *find_job(const struct ctl_engine *e, const char *id)
{
    struct map_node *node = map_find(&e->by_id, id);
    return node ? container_of(node, struct ctl_job, by_id) : NULL;
}

static void cancel_job(struct ctl_job *job, const char *who)
{
    job->is_cancelled = true;
    str_copy(job->cancelled_by, sizeof(job->cancelled_by), who);
    if (job->call)
        ldc_client_cancel(job->call);
}

int ctl_engine_cancel(struct ctl_engine *e, const char *id, const char *who)
{
    struct ctl_job *job = find_job(e, id);
    if (!job || job->phase == CTL_PHASE_STORING)
        return UV_ENOENT;
    if (job->phase == CTL_PHASE_ENDING || job->is_cancelled)
        return UV_EALREADY;
    cancel_job(job, who);
    list_foreach(item, &e->jobs) {
        struct ctl_job *child = list_entry(item, struct ctl_job, link);
        if (child->parent == job && child->phase != CTL_PHASE_ENDING && !child->is_cancelled)
            cancel_job(child, who);
    }
    ctl_engine_advance(e);
    return 0;
}

const struct cache_operation *ctl_engine_find(const struct ctl_engine *e, const char *id)
{
    struct ctl_job *job = find_job(e, id);
    return job && job->phase != CTL_PHASE_STORING ? job->op : NULL;
}

struct ctl_wait *ctl_engine_wait(struct ctl_engine *e, const char *id, uint64_t timeout_ms,
                                 ctl_wait_fn done, void *arg)
{
    struct ctl_job *job = find_job(e, id);
    if (!job || job->phase == CTL_PHASE_STORING)
        return NULL;
    struct ctl_wait *wait = mem_new(struct ctl_wait);
    wait->until_ms = clock_mono_ms() + timeout_ms;
    wait->done = done;
    wait->arg = arg;
    list_append(&job->waits, &wait->link);
    return wait;
}

void ctl_engine_cancel_wait(struct ctl_wait *wait)
{
    list_unlink(&wait->link);
    mem_free(wait);
}

void ctl_engine_counts(const struct ctl_engine *e, unsigned ret_counts[CACHE_OP_STATUS_COUNT])
{
    memset(ret_counts, 0, CACHE_OP_STATUS_COUNT * sizeof(*ret_counts));
    list_foreach(item, (struct list *)&e->jobs)
        ret_counts[list_entry(item, struct ctl_job, link)->op->status]++;
}

/* --- life cycle --- */

static void on_tick(uv_timer_t *tick)
{
    struct ctl_engine *e = container_of(tick, struct ctl_engine, tick);
    uint64_t now = clock_mono_ms();

    if (now >= e->trim_at_ms) {
        cache_operations_trim(e->parts.store);
        e->trim_at_ms = now + TRIM_INTERVAL_MS;
    }
    list_foreach(item, &e->jobs) {
        struct ctl_job *job = list_entry(item, struct ctl_job, link);
        answer_waits(job, true, now);
        if (job->phase == CTL_PHASE_ENDING && job->retry_at_ms && now >= job->retry_at_ms)
            write_end(job);
    }
    if (e->n_jobs > 0)
        ctl_engine_advance(e);
}

static void on_survey(void *arg)
{
    ctl_engine_advance(arg);
}

struct ctl_engine *ctl_engine_new(const struct ctl_engine_parts *parts,
                                  const struct ctl_engine_options *options)
{
    struct ctl_engine *e = mem_new(struct ctl_engine);
    e->parts = *parts;
    e->options = *options;
    list_init(&e->jobs);
    map_init(&e->by_id);
    map_init(&e->lines);
    uv_timer_init(&parts->loop->uv, &e->tick);
    return e;
}

/* A step that was issued may have been done by now, or may still be on its way: only its effect is
 * waited for. It keeps its gate, of which at most one such step can have been the holder. */
static void resume(struct ctl_job *job)
{
    struct ctl_engine *e = job->engine;
    uint64_t now = clock_mono_ms();

    job->phase = CTL_PHASE_QUEUED;
    if (job->op->status != CACHE_OP_RUNNING || !job->flow)
        return;
    job->entered_ms = job->called_ms = job->look_from_ms = now;
    job->phase = CTL_PHASE_LOOKING;
    if (!job->op->step_issued)
        return;
    job->is_recovered = true;
    job->answer = LDC_ANSWER_ACCEPTED;
    job->phase = CTL_PHASE_AWAITING;
    job->held = job->flow->steps[job->op->step_index]->gate;
    if (job->held != CTL_GATE_NONE)
        e->gate_holder[job->held] = job;
}

void ctl_engine_recover(struct ctl_engine *e, struct cache_operation **ops, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ctl_job *job = ctl_job_new(e, ops[i]);
        ctl_job_link(job);
        job->parent = ops[i]->parent[0] ? find_job(e, ops[i]->parent) : NULL;
        resume(job);
    }
    mem_free(ops);
}

void ctl_engine_start(struct ctl_engine *e)
{
    e->is_started = true;
    ctl_observer_on_survey(e->parts.observer, on_survey, e);
    uv_timer_start(&e->tick, on_tick, TICK_MS, TICK_MS);
    uv_unref((uv_handle_t *)&e->tick);
    ctl_engine_advance(e);
}

static void on_tick_closed(uv_handle_t *handle)
{
    struct ctl_engine *e = container_of((uv_timer_t *)handle, struct ctl_engine, tick);
    void (*done)(void *) = e->on_closed;
    void *arg = e->closed_arg;

    list_foreach(item, &e->jobs) {
        struct ctl_job *job = list_entry(item, struct ctl_job, link);
        ctl_job_free(job);
    }
    map_deinit(&e->by_id);
    map_deinit(&e->lines);
    mem_free(e);
    done(arg);
}

void ctl_engine_try_to_close(struct ctl_engine *e)
{
    if (!e->is_closing || e->n_calls > 0 || e->n_writes > 0)
        return;
    if (!uv_is_closing((uv_handle_t *)&e->tick))
        uv_close((uv_handle_t *)&e->tick, on_tick_closed);
}

static void on_close_tick(uv_timer_t *tick)
{
    struct ctl_engine *e = container_of(tick, struct ctl_engine, tick);
    list_foreach(item, &e->jobs) {
        struct ctl_job *job = list_entry(item, struct ctl_job, link);
        if (job->call)
            ldc_client_cancel(job->call);
    }
}

void ctl_engine_close(struct ctl_engine *e, void (*on_closed)(void *arg), void *arg)
{
    e->is_closing = true;
    e->on_closed = on_closed;
    e->closed_arg = arg;
    ctl_observer_on_survey(e->parts.observer, NULL, NULL);
    list_foreach(item, &e->jobs)
        answer_waits(list_entry(item, struct ctl_job, link), true, UINT64_MAX);
    uv_ref((uv_handle_t *)&e->tick);
    uv_timer_start(&e->tick, on_close_tick, CLOSE_GRACE_MS, 0);
    ctl_engine_try_to_close(e);
}
