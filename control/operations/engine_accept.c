/* SPDX-License-Identifier: MIT */
/* How a request becomes an operation: it is looked at, written, and acknowledged only then. */
#include <stdio.h>
#include <string.h>

#include "base/system/clock.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "control/operations/flow.h"
#include "control/operations/job.h"

/* Somebody waits for the acknowledgement. */
struct accept {
    struct list link;
    struct ctl_engine *engine;
    ctl_accept_fn done;
    void *arg;
    bool is_repeat;
    struct ctl_refusal refusal;
};

static struct accept *accept_new(struct ctl_engine *e, ctl_accept_fn done, void *arg)
{
    struct accept *a = mem_new(struct accept);
    list_init(&a->link);
    a->engine = e;
    a->done = done;
    a->arg = arg;
    return a;
}

static void deliver_refusal(void *arg)
{
    struct accept *a = arg;
    a->done(a->arg, NULL, false, &a->refusal);
    mem_free(a);
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

/* --- writing --- */

/* What is accepted or refused together. */
struct group {
    struct ctl_engine *engine;
    struct ctl_job **jobs; /* a batch's parent comes first */
    size_t n_jobs;
};

static struct group *group_new(struct ctl_engine *e, size_t n_jobs)
{
    struct group *g = mem_new(struct group);
    g->engine = e;
    g->n_jobs = n_jobs;
    g->jobs = mem_calloc(n_jobs, sizeof(*g->jobs));
    return g;
}

static void group_free(struct group *g)
{
    mem_free(g->jobs);
    mem_free(g);
}

static void accept_group(struct group *g)
{
    struct ctl_job *first = g->jobs[0];
    for (size_t i = 0; i < g->n_jobs; i++) {
        ctl_ending_announce(g->jobs[i], "operation.queued");
        g->jobs[i]->phase = CTL_PHASE_QUEUED;
    }
    while (!list_is_empty(&first->accepts)) {
        struct accept *a = list_entry(first->accepts.next, struct accept, link);
        list_unlink(&a->link);
        a->done(a->arg, first->op, a->is_repeat, NULL);
        mem_free(a);
    }
}

static void drop_group(struct group *g, int status)
{
    struct ctl_engine *e = g->engine;
    struct ctl_job *first = g->jobs[0];
    char detail[200];

    snprintf(detail, sizeof(detail),
             "the operation could not be written to the database (%s) and was not accepted; check "
             "disk space and the data directory",
             uv_strerror(status));
    while (!list_is_empty(&first->accepts)) {
        struct accept *a = list_entry(first->accepts.next, struct accept, link);
        list_unlink(&a->link);
        refuse_with(a, 503, "STORE_UNAVAILABLE", detail);
    }
    if (first->op->idempotency_key)
        cache_idempotency_forget(e->parts.idempotency, e->parts.store, first->op->requested_by,
                                 first->op->idempotency_key);
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

static void store_group(struct group *g)
{
    struct ctl_engine *e = g->engine;
    struct cache_operation **ops cleanup(mem_freep) = mem_calloc(g->n_jobs, sizeof(*ops));
    for (size_t i = 0; i < g->n_jobs; i++) {
        ops[i] = g->jobs[i]->op;
        ctl_job_link(g->jobs[i]);
    }
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
    struct ctl_engine *e = a->engine;

    e->n_writes--;
    if (status < 0) {
        refuse_with(a, 503, "STORE_UNAVAILABLE",
                    "the operation of this Idempotency-Key could not be read");
    } else if (page->n_items == 0) {
        refuse_with(a, 409, "OPERATION_PRUNED",
                    "the operation of this Idempotency-Key was carried out and its record removed "
                    "since; use a new key to do it again");
    } else {
        a->done(a->arg, page->items[0], true, NULL);
        mem_free(a);
    }
    ctl_engine_try_to_close(e);
}

static void repeat(struct ctl_engine *e, struct accept *a, const char *id)
{
    struct ctl_job *job = ctl_engine_find_job(e, id);

    a->is_repeat = true;
    if (job && job->phase == CTL_PHASE_STORING) {
        list_append(&job->accepts, &a->link);
        return;
    }
    e->n_writes++;
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
    [CACHE_OP_CREATE] = LDC_VERB_ADD,    [CACHE_OP_START] = LDC_VERB_LAUNCH,
    [CACHE_OP_STOP] = LDC_VERB_QUIT,     [CACHE_OP_RESTART] = LDC_VERB_QUIT,
    [CACHE_OP_MODIFY] = LDC_VERB_MODIFY, [CACHE_OP_RENAME] = LDC_VERB_RENAME,
    [CACHE_OP_CLONE] = LDC_VERB_COPY,    [CACHE_OP_REMOVE] = LDC_VERB_REMOVE,
};

static bool is_breaker_open(struct ctl_engine *e, const struct ctl_request *request,
                            struct ctl_refusal *reterr)
{
    bool is_queued = request->priority != CTL_PRIORITY_INTERACTIVE;
    const struct ldc_breaker *b =
        ldc_client_breaker(e->parts.client, ldc_purpose_of(first_verb[request->kind], is_queued));
    uint64_t now = clock_mono_ms(), until = b->opened_at_ms + b->current_open_ms;
    bool is_forced = b->state == LDC_BREAKER_FORCED_OPEN;

    if (!is_forced && !(b->state == LDC_BREAKER_OPEN && now < until))
        return false;
    *reterr = (struct ctl_refusal){
        .http_status = 503,
        .retry_ms = is_forced ? 60000 : until - now,
    };
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

/* An older ldconsole ignores the flag without a word, so it is better not sent. */
static bool is_unsupported(struct ctl_engine *e, const struct ctl_request *request,
                           struct ctl_refusal *reterr)
{
    const struct ldc_abilities *abilities = ldc_client_abilities(e->parts.client);
    bool wants_root = request->settings && request->settings->values[LDC_SETTING_ROOT].is_set;

    if (!wants_root || !abilities->is_known || abilities->has_root)
        return false;
    *reterr = (struct ctl_refusal){.http_status = 422};
    str_copy(reterr->code, sizeof(reterr->code), "SETTING_NOT_SUPPORTED");
    str_copy(reterr->detail, sizeof(reterr->detail),
             "settings.root: the installed ldconsole does not know this setting; change it in the "
             "LDPlayer window");
    return true;
}

static bool is_refused(struct ctl_engine *e, const struct ctl_request *request, size_t n_jobs,
                       struct ctl_refusal *reterr)
{
    return is_unsupported(e, request, reterr) || is_full(e, n_jobs, reterr) ||
           is_breaker_open(e, request, reterr);
}

static const struct cache_instance *instance_of(struct ctl_engine *e, const char *id)
{
    const struct cache_entry *entry =
        id ? cache_snapshot_by_id(ctl_observer_snapshot(e->parts.observer), id) : NULL;
    return entry ? &entry->instance : NULL;
}

/* A key that cannot be remembered would not keep the request from running twice. */
static bool remember_key(struct ctl_engine *e, const struct ctl_request *request,
                         struct cache_operation *op)
{
    op->idempotency_key = mem_strdup(request->idempotency_key);
    return !request->idempotency_key ||
           cache_idempotency_put(e->parts.idempotency, e->parts.store, request->requested_by,
                                 request->idempotency_key, request->fingerprint, op->id) == 0;
}

static void submit_group(struct group *g, const struct ctl_request *request, struct accept *a)
{
    if (remember_key(g->engine, request, g->jobs[0]->op)) {
        list_append(&g->jobs[0]->accepts, &a->link);
        store_group(g);
        return;
    }
    refuse_with(a, 503, "IDEMPOTENCY_FULL",
                "too many Idempotency-Keys of the last 24 hours are kept; try without one");
    for (size_t i = g->n_jobs; i > 0; i--)
        ctl_job_free(g->jobs[i - 1]);
    group_free(g);
}

/* Everything that is asked before a request is looked at as such. Returns true when that settled
 * it. */
static bool is_settled(struct ctl_engine *e, const struct ctl_request *request, struct accept *a)
{
    if (!e->is_closing)
        return is_settled_by_key(e, request, a);
    refuse_with(a, 503, "STOPPING", "the service is stopping");
    return true;
}

void ctl_engine_submit(struct ctl_engine *e, const struct ctl_request *request, ctl_accept_fn done,
                       void *arg)
{
    struct accept *a = accept_new(e, done, arg);
    struct ctl_refusal refusal;

    if (is_settled(e, request, a))
        return;
    if (!ctl_flow_accepts(request, instance_of(e, request->target), &refusal) ||
        is_refused(e, request, 1, &refusal)) {
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

    if (is_settled(e, request, a))
        return;
    if (is_refused(e, request, n_targets + 1, &refusal)) {
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
