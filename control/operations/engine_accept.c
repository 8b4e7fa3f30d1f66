/* SPDX-License-Identifier: MIT */
/* How a request becomes an operation: it is looked at, written, and acknowledged only then.
 *
 *      ctl_engine_submit -> stopping? key used? possible? supported, room, breaker closed?
 *                        -> a job of it -> the key is remembered, and written with it -> on_stored
 *                        -> acknowledged, QUEUED; or refused as if it had never come
 *
 * Every answer comes in a later turn: a refusal is posted, an acknowledgement comes with the write.
 * A batch is one group of jobs, written in one piece and accepted or refused as one. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "control/observe/evidence.h"
#include "control/observe/prober.h"
#include "control/operations/engine_private.h"
#include "control/steps/flow.h"

/* Somebody waits for the acknowledgement. */
struct accept {
    struct list link;
    struct ctl_engine *engine;
    ctl_accept_fn done;
    void *arg;
    bool is_repeat;
    struct ctl_refusal refusal;
};

/* What is accepted or refused together. */
struct group {
    struct ctl_engine *engine;
    struct ctl_job **jobs; /* a batch's parent comes first */
    size_t n_jobs;
    char *key_owner; /* with a key */
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

/* --- a key that was used before --- */

static void on_repeat_loaded(void *arg, int status, struct cache_operations_page *page)
{
    struct accept *a = arg;
    struct ctl_engine *e = a->engine;

    e->n_writes--;
    if (status < 0) {
        refuse_with(a, 503, "STORE_UNAVAILABLE",
                    "the operation of this Idempotency-Key could not be read");
    } else if (page->n_items == 0 && !page->was_pruned) {
        refuse_with(a, 409, "OPERATION_LOST",
                    "the record of this Idempotency-Key's operation is lost, so it is not known "
                    "whether it was carried out: look at the instance before you use a new key to "
                    "do it again");
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

/* The same request again: it gets the same operation, which may itself be on its way to disk. */
static void repeat(struct ctl_engine *e, struct accept *a, const struct cache_key *key,
                   const char *id)
{
    struct ctl_job *job = ctl_jobs_find(&e->jobs, id);

    a->is_repeat = true;
    if (job && job->phase == CTL_PHASE_STORING) {
        list_append(&job->accepts, &a->link);
        return;
    }
    e->n_writes++;
    cache_operations_get_by_key(e->parts.store, key, id, on_repeat_loaded, a);
}

/* Everything that is asked before a request is looked at as such. Returns true when that settled
 * it. */
static bool is_settled(struct ctl_engine *e, const struct ctl_request *request, struct accept *a)
{
    char id[UUID_SIZE];

    if (e->is_closing) {
        refuse_with(a, 503, "STOPPING", "the service is stopping");
        return true;
    }
    if (!request->key.key)
        return false;
    switch (cache_idempotency_find(e->parts.idempotency, &request->key, id)) {
    case CACHE_IDEMPOTENCY_SAME:
        repeat(e, a, &request->key, id);
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

static void refuse_field(struct ctl_refusal *reterr, const char *field, const char *why)
{
    *reterr = (struct ctl_refusal){.http_status = 422};
    str_copy(reterr->code, sizeof(reterr->code), "SETTING_NOT_SUPPORTED");
    snprintf(reterr->detail, sizeof(reterr->detail), "%s: the installed ldconsole %s", field, why);
}

/* An older ldconsole ignores a flag without a word, so it is better not sent. What a newer one may
 * know is tried: whether it did is seen afterwards. */
static bool is_unsupported(struct ctl_engine *e, const struct ctl_request *request,
                           struct ctl_refusal *reterr)
{
    const struct ldc_abilities *abilities = ldc_client_abilities(e->parts.client);
    const struct ldc_install *install = ldc_client_install(e->parts.client);
    const struct cache_entry *entry = NULL;
    const char *name;
    bool is_old = ldc_install_is_old(install, abilities);

    if (request->window != LDC_WINDOW_NORMAL &&
        (is_old || (abilities->is_known && !abilities->has_window))) {
        refuse_field(reterr, "window",
                     "is too old for launch --mini and --hide and would open the window all the "
                     "same; leave it out, or update LDPlayer to version 9 or later");
        return true;
    }
    if (!request->settings)
        return false;
    if (request->target)
        entry = cache_snapshot_by_id(ctl_observer_snapshot(e->parts.observer), request->target);
    if (request->settings->values[LDC_SETTING_ROOT].is_set && abilities->is_known &&
        !abilities->has_root) {
        refuse_field(reterr, "settings.root",
                     "does not know this setting; change it in the LDPlayer window");
        return true;
    }
    if (is_old && ldc_settings_need_newer(request->settings,
                                          entry ? &entry->instance.settings : NULL, &name)) {
        char field[64];
        snprintf(field, sizeof(field), "settings.%s", name);
        refuse_field(reterr, field, "is too old for this value");
        return true;
    }
    return false;
}

/* Better said now than after the start. The children of a batch say it then. */
static bool is_never_ready(struct ctl_engine *e, const struct ctl_request *request,
                           const struct cache_instance *i, struct ctl_refusal *reterr)
{
    if (!request->until_ready || !i || !ctl_observer_is_guest_closed(e->parts.observer, i))
        return false;
    *reterr = (struct ctl_refusal){.http_status = 409};
    str_copy(reterr->code, sizeof(reterr->code), "GUEST_NOT_REACHABLE");
    snprintf(reterr->detail, sizeof(reterr->detail),
             "it would never be seen ready: %s; start it without \"until\", or switch ADB "
             "debugging on while it is stopped",
             ctl_prober_closed);
    return true;
}

static bool is_full(struct ctl_engine *e, const struct ctl_request *request, size_t n_more,
                    struct ctl_refusal *reterr)
{
    unsigned lane = ctl_lane_of(request->priority);
    unsigned room = ctl_lanes_room(lane, e->options.max_queued);
    if (e->jobs.n + n_more <= room)
        return false;
    *reterr = (struct ctl_refusal){.http_status = 429, .retry_ms = 5000};
    str_copy(reterr->code, sizeof(reterr->code), "QUEUE_FULL");
    snprintf(reterr->detail, sizeof(reterr->detail),
             "%u operations are open and the limit is %u for the lane '%s', which leaves room for "
             "the lanes above it (max_queued_operations is %u); wait for some to end",
             e->jobs.n, room, ctl_lane_name(lane), e->options.max_queued);
    return true;
}

/* Better said now than after a wait in vain: those in front are launched one after another, each of
 * them for about as long as the last ones. */
static bool is_late_already(struct ctl_engine *e, const struct ctl_request *request, size_t n_more,
                            struct ctl_refusal *reterr)
{
    const struct ctl_flow *flow = ctl_flow_of(request->kind);
    unsigned lane = ctl_lane_of(request->priority), n_ahead = 0;
    if (!request->begin_within_ms || !flow || !ctl_flow_will_launch(flow, 0))
        return false;
    list_foreach(item, &e->jobs.all) {
        const struct ctl_job *job = list_entry(item, struct ctl_job, link);
        n_ahead += job->flow && job->phase != CTL_PHASE_FINISHING && job->lane <= lane &&
                   ctl_flow_will_launch(job->flow, job->op->step_index);
    }
    uint64_t wait_ms = (n_ahead + n_more - 1) * e->launch_ms;
    if (wait_ms <= request->begin_within_ms)
        return false;
    *reterr = (struct ctl_refusal){
        .http_status = 503,
        .retry_ms = wait_ms - request->begin_within_ms,
    };
    str_copy(reterr->code, sizeof(reterr->code), "TOO_LATE_ALREADY");
    snprintf(
        reterr->detail, sizeof(reterr->detail),
        "it was to begin within %u s, but %u launches go before %s and one takes about %" PRIu64
        " s, which makes %" PRIu64 " s; ask later, or for more time",
        request->begin_within_ms / 1000, n_ahead + (unsigned)n_more - 1,
        n_more > 1 ? "the last of it" : "it", e->launch_ms / 1000, wait_ms / 1000);
    return true;
}

static const enum ldc_verb first_verb[CACHE_OP_KIND_COUNT] = {
    [CACHE_OP_CREATE] = LDC_VERB_ADD,    [CACHE_OP_START] = LDC_VERB_LAUNCH,
    [CACHE_OP_STOP] = LDC_VERB_QUIT,     [CACHE_OP_RESTART] = LDC_VERB_QUIT,
    [CACHE_OP_MODIFY] = LDC_VERB_MODIFY, [CACHE_OP_RENAME] = LDC_VERB_RENAME,
    [CACHE_OP_CLONE] = LDC_VERB_COPY,    [CACHE_OP_REMOVE] = LDC_VERB_REMOVE,
    [CACHE_OP_REPAIR] = LDC_VERB_QUIT,
};

/* TARGET: NULL for a batch, of which some may go. */
/* Starts wait for the VM service, which is one for all and may be back in a minute. */
static bool is_breaker_open(struct ctl_engine *e, const struct ctl_request *request,
                            const char *target, struct ctl_refusal *reterr)
{
    bool is_queued = request->priority != CTL_PRIORITY_INTERACTIVE;
    enum ldc_purpose purpose = ldc_purpose_of(first_verb[request->kind], is_queued);
    struct ldc_refusal refusal;

    if (!ldc_client_refuses(e->parts.client, purpose, target, &refusal) ||
        strcmp(refusal.name, LDC_BREAKER_VM_SERVICE_NAME) == 0)
        return false;
    *reterr = (struct ctl_refusal){.http_status = 503, .retry_ms = refusal.retry_ms};
    str_copy(reterr->code, sizeof(reterr->code), "BREAKER_OPEN");
    str_copy(reterr->detail, sizeof(reterr->detail), refusal.reason);
    return true;
}

static bool is_refused(struct ctl_engine *e, const struct ctl_request *request, const char *target,
                       size_t n_jobs, struct ctl_refusal *reterr)
{
    size_t n_targets = n_jobs > 1 ? n_jobs - 1 : 1; /* a batch is a job of its own */
    return is_unsupported(e, request, reterr) || is_full(e, request, n_jobs, reterr) ||
           is_late_already(e, request, n_targets, reterr) ||
           is_breaker_open(e, request, target, reterr);
}

/* --- jobs and their write --- */

static struct group *group_new(struct ctl_engine *e, size_t n_jobs)
{
    struct group *g = mem_new(struct group);
    g->engine = e;
    g->n_jobs = n_jobs;
    g->jobs = mem_calloc(n_jobs, sizeof(*g->jobs));
    return g;
}

static void free_jobs(struct group *g)
{
    for (size_t i = g->n_jobs; i > 0; i--)
        ctl_job_free(g->jobs[i - 1]);
}

static void group_free(struct group *g)
{
    mem_free(g->jobs);
    mem_free(g->key_owner);
    mem_free(g);
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
    op->params = ctl_request_write(request);
    if (request->reason)
        ctl_evidence_add_note(op, request->reason);
    return ctl_job_new(&e->jobs, op, ctl_flow_of(kind));
}

static void accept_group(struct group *g)
{
    struct ctl_job *first = g->jobs[0];
    for (size_t i = 0; i < g->n_jobs; i++) {
        ctl_engine_record_announce(g->jobs[i], "operation.queued");
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
    char detail[300];

    snprintf(detail, sizeof(detail),
             "the operation could not be written to the database (%s) and was not accepted: %s",
             cache_sql_strerror(status), cache_sql_advice(status));
    while (!list_is_empty(&first->accepts)) {
        struct accept *a = list_entry(first->accepts.next, struct accept, link);
        list_unlink(&a->link);
        refuse_with(a, 503, "STORE_UNAVAILABLE", detail);
    }
    if (g->key_owner)
        cache_idempotency_forget(
            e->parts.idempotency,
            &(struct cache_key){.owner = g->key_owner, .key = first->op->idempotency_key});
    free_jobs(g);
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
    ctl_engine_advance_soon(e);
    ctl_engine_try_to_close(e);
}

static void store_group(struct group *g, const struct ctl_request *request, struct accept *a)
{
    struct ctl_engine *e = g->engine;
    struct cache_operation *first = g->jobs[0]->op;
    struct cache_operation **ops cleanup(mem_freep) = mem_calloc(g->n_jobs, sizeof(*ops));
    const struct cache_key *key = request->key.key ? &request->key : NULL;

    /* A key that cannot be remembered would not keep the request from running twice. */
    if (key && cache_idempotency_remember(e->parts.idempotency, key, first->id) != 0) {
        refuse_with(a, 503, "IDEMPOTENCY_FULL",
                    "too many Idempotency-Keys of the last 24 hours are kept; try without one");
        free_jobs(g);
        group_free(g);
        return;
    }
    if (key) {
        first->idempotency_key = mem_strdup(key->key);
        g->key_owner = mem_strdup(key->owner);
    }
    list_append(&g->jobs[0]->accepts, &a->link);
    for (size_t i = 0; i < g->n_jobs; i++) {
        ops[i] = g->jobs[i]->op;
        ctl_job_link(g->jobs[i]);
    }
    e->n_writes++;
    cache_operations_accept(e->parts.store, ops, g->n_jobs, key, on_stored, g);
}

/* --- what is submitted --- */

void ctl_engine_submit(struct ctl_engine *e, const struct ctl_request *request, ctl_accept_fn done,
                       void *arg)
{
    struct accept *a = accept_new(e, done, arg);
    struct ctl_refusal refusal;

    if (is_settled(e, request, a))
        return;
    const struct cache_entry *entry =
        request->target
            ? cache_snapshot_by_id(ctl_observer_snapshot(e->parts.observer), request->target)
            : NULL;
    if (!ctl_flow_accepts(request, entry ? &entry->instance : NULL, &refusal) ||
        is_never_ready(e, request, entry ? &entry->instance : NULL, &refusal) ||
        is_refused(e, request, request->target, 1, &refusal)) {
        refuse(a, &refusal);
        return;
    }
    struct group *g = group_new(e, 1);
    g->jobs[0] = make_job(e, request, request->kind, request->target);
    store_group(g, request, a);
}

void ctl_engine_submit_batch(struct ctl_engine *e, const struct ctl_request *request,
                             const char *const *targets, size_t n_targets, ctl_accept_fn done,
                             void *arg)
{
    struct accept *a = accept_new(e, done, arg);
    struct ctl_refusal refusal;

    if (is_settled(e, request, a))
        return;
    if (is_refused(e, request, NULL, n_targets + 1, &refusal)) {
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
    store_group(g, request, a);
}
