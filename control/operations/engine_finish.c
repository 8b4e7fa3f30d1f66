/* SPDX-License-Identifier: MIT */
/* How an operation ends. ctl_engine_finish_job does so at once (status, result or error, the event)
 * and lets others on, but the job stays in its line until the end is durable; then those who wait
 * are answered and it is freed. An end that the database refuses is tried once a second.
 *
 *      finish_job -> FINISHING: write_end -> on_end_written -> waits answered, freed
 *                                  ^---- refused, 1 s ----'
 *
 * The last end in a batch is also the end of the batch; both are in one write. */
#include <stdio.h>
#include <string.h>

#include "base/memory/buf.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "control/operations/engine_private.h"
#include "control/steps/steps.h"

enum { RETRY_MS = 1000 };

static const char *const end_types[CACHE_OP_STATUS_COUNT] = {
    [CACHE_OP_SUCCEEDED] = "operation.succeeded",     [CACHE_OP_FAILED] = "operation.failed",
    [CACHE_OP_TIMED_OUT] = "operation.timed_out",     [CACHE_OP_CANCELLED] = "operation.cancelled",
    [CACHE_OP_INTERRUPTED] = "operation.interrupted",
};

/* --- what it came to --- */

/* What stays as it is until somebody mends it. */
static bool is_lasting_code(const char *code)
{
    static const char *const codes[] = {
        "INSTANCE_GONE",  "PRECONDITION_FAILED",   "MEMORY_BELOW_FLOOR", "CONFIG_UNUSABLE",
        "DISK_READ_ONLY", "VM_RUNTIME_INCOMPLETE", "INSTANCE_DISK_FULL",
    };
    for (size_t i = 0; i < countof(codes); i++) {
        if (strcmp(codes[i], code) == 0)
            return true;
    }
    return strcmp(code, ldc_answer_code(LDC_ANSWER_PARAMETER_ERROR)) == 0;
}

/* IS_LASTING: nothing changes before somebody mends what is wrong. */
static char *write_error(enum cache_op_status status, const char *code, const char *detail,
                         bool is_lasting)
{
    /* Whether the same request, unchanged, may do better later. */
    bool is_retryable = status != CACHE_OP_CANCELLED && !is_lasting && !is_lasting_code(code);
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "code", code);
    json_add_str(doc, root, "detail", detail);
    yyjson_mut_obj_add_bool(doc, root, "retryable", is_retryable);
    return json_write(doc);
}

/* What a create or clone has made before it failed, and what that lacks; NULL = nothing. */
static char *tell_made(struct ctl_job *job)
{
    const struct cache_instance *i = job->flow ? ctl_job_instance(job) : NULL;
    bool is_making = job->op->kind == CACHE_OP_CREATE || job->op->kind == CACHE_OP_CLONE;
    struct buf missing cleanup(buf_deinit);
    struct ctl_why why;

    buf_init(&missing, 0);
    if (!is_making || !i || job->op->step_index == 0)
        return NULL;
    for (size_t n = (size_t)job->op->step_index; n < job->flow->n_steps; n++) {
        const struct ctl_step *step = job->flow->steps[n];
        if (step->plan(job, i, &why) != CTL_PLAN_SKIP)
            (void)buf_printf(&missing, "%s%s", missing.len ? ", " : "", step->name);
    }
    return mem_printf("instance %d ('%s', %s) was made and is there; not done: %s", i->index,
                      i->name, i->id, missing.len ? missing.data : "nothing");
}

/* What the step knows beyond that of why; NULL = nothing. */
static char *tell_more(struct ctl_job *job, bool *ret_is_lasting)
{
    struct ctl_why more;
    const struct ctl_step *step = job->has_acted ? ctl_job_step(job) : NULL;
    return step && step->explain && step->explain(job, &more, ret_is_lasting)
               ? mem_strdup(more.detail)
               : NULL;
}

/* Once: the state of the instance may say the same. */
static void append(struct buf *text, const char *what)
{
    if (what && *what && !strstr(text->data, what))
        (void)buf_printf(text, "; %s", what);
}

/* The same, with whose it is, what is there now, what more is known, and what was run last. */
static char *explain_error(struct ctl_job *job, enum cache_op_status status, const char *code,
                           const char *detail)
{
    const struct cache_instance *i = ctl_job_instance(job);
    bool is_lasting = false, is_bad = status == CACHE_OP_FAILED || status == CACHE_OP_TIMED_OUT;
    char *made cleanup(mem_freep) = tell_made(job);
    char *more cleanup(mem_freep) = is_bad ? tell_more(job, &is_lasting) : NULL;
    struct buf text cleanup(buf_deinit);

    buf_init(&text, 0);
    if (i)
        (void)buf_printf(&text, "instance %d '%s': ", i->index, i->name);
    (void)buf_append_str(&text, detail);
    append(&text, made);
    append(&text, more);
    if (is_bad && job->ran[0])
        (void)buf_printf(&text, "; ran: %s", job->ran);
    return write_error(status, code, text.data, is_lasting);
}

/* What is to be known of a success, also that nothing had to be run; NULL = nothing. I: NULL when
 * it is gone. */
static char *write_note(const struct ctl_job *job, const struct cache_instance *i)
{
    const char *note = job->note;
    if (job->op->step || !i)
        return *note ? mem_strdup(note) : NULL;
    return mem_printf("nothing to do: it was already so; the instance is %s%s%s",
                      cache_state_name(i->state), *note ? "; " : "", note);
}

/* Titles need not be unique, and a reference by name then fails. */
static void note_same_name(struct ctl_job *job, const struct cache_instance *i)
{
    const struct cache_snapshot *s = ctl_observer_snapshot(job->observer);
    for (size_t n = 0; job->params.name[0] && i && n < cache_snapshot_count(s); n++) {
        const struct cache_instance *other = &cache_snapshot_at(s, n)->instance;
        if (other == i || strcmp(other->name, i->name) != 0)
            continue;
        char *note cleanup(mem_freep) =
            mem_printf("instance %d has the same name: from now on 'name:%s' means neither of them",
                       other->index, i->name);
        ctl_job_note(job, note);
        return;
    }
}

/* The instance as it is now. */
static char *write_result(const struct ctl_job *job)
{
    struct cache_snapshot *s = ctl_observer_snapshot(job->observer);
    const struct cache_entry *entry = cache_snapshot_by_id(s, job->subject);
    struct buf out;

    bool is_removal = job->op->kind == CACHE_OP_REMOVE;
    if (!is_removal && !entry)
        return NULL;
    buf_init(&out, 0);
    if (is_removal)
        (void)buf_append_str(&out, "{\"removed\":true}");
    else
        cache_snapshot_append_instance(s, entry, clock_mono_ms(), true, &out);
    char *note cleanup(mem_freep) = write_note(job, is_removal ? NULL : &entry->instance);
    if (note) {
        out.len--; /* reopen the object */
        (void)buf_append_str(&out, ",\"note\":");
        json_append_str(&out, note);
        (void)buf_append_str(&out, "}");
    }
    return buf_take(&out, NULL);
}

static void set_ended(struct ctl_job *job, enum cache_op_status status)
{
    struct cache_operation *op = job->op;
    op->status = status;
    op->ended_at = clock_wall_ms();
    if (op->started_at == 0)
        op->started_at = op->ended_at;
    if (status == CACHE_OP_SUCCEEDED)
        op->percent = 100;
    job->phase = CTL_PHASE_FINISHING;
}

/* --- who waits for it --- */

/* The callbacks may stop other waits, so each is off its list before it is called. */
void ctl_engine_finish_waits(struct ctl_job *job, bool is_timeout, uint64_t now)
{
    struct list due;
    list_init(&due);
    list_foreach(item, &job->waits) {
        if (is_timeout && now < list_entry(item, struct ctl_wait, link)->until_ms)
            continue;
        list_unlink(item);
        list_append(&due, item);
    }
    while (!list_is_empty(&due)) {
        struct ctl_wait *wait = list_entry(due.next, struct ctl_wait, link);
        list_unlink(&wait->link);
        wait->done(wait->arg, job->op, is_timeout);
        mem_free(wait);
    }
}

/* --- making it durable --- */

/* A refused write of an end leaves the row as it was: the next start would settle it again. Until
 * it is written the operation stays here for everybody to see. */
static void on_end_written(void *arg, int status)
{
    struct ctl_job *job = arg;
    struct ctl_engine *e = job->engine;

    e->n_writes--;
    if (status < 0 && !e->is_closing) {
        job->retry_at_ms = clock_mono_ms() + RETRY_MS;
        return;
    }
    if (!e->is_closing) {
        ctl_engine_finish_waits(job, false, 0);
        ctl_job_free(job);
        ctl_engine_advance_soon(e);
    }
    ctl_engine_try_to_close(e);
}

static void write_end(struct ctl_job *job)
{
    job->retry_at_ms = 0;
    job->engine->n_writes++;
    ctl_engine_record_write(job, NULL, on_end_written);
}

void ctl_engine_finish_retry(struct ctl_job *job, uint64_t now)
{
    if (job->phase == CTL_PHASE_FINISHING && job->retry_at_ms && now >= job->retry_at_ms)
        write_end(job);
}

/* --- a batch --- */

static void set_batch_ended(struct ctl_job *parent)
{
    char detail[120];
    struct cache_operation *op = parent->op;
    unsigned n_good = op->n_children_ended - op->n_children_failed;
    unsigned n_bad = op->n_children - n_good;
    enum cache_op_status status = op->n_children_ended < op->n_children ? CACHE_OP_INTERRUPTED
                                  : op->n_children_failed == 0          ? CACHE_OP_SUCCEEDED
                                  : parent->is_cancelled                ? CACHE_OP_CANCELLED
                                                                        : CACHE_OP_FAILED;

    set_ended(parent, status);
    snprintf(detail, sizeof(detail), "%u of %u operations did not succeed", n_bad, op->n_children);
    if (status != CACHE_OP_SUCCEEDED)
        op->error = write_error(status, "BATCH_INCOMPLETE", detail, false);
    op->result = mem_printf("{\"total\":%u,\"succeeded\":%u,\"not_succeeded\":%u}", op->n_children,
                            n_good, n_bad);
}

void ctl_engine_finish_batch(struct ctl_job *parent)
{
    set_batch_ended(parent);
    write_end(parent);
    ctl_engine_record_announce(parent, end_types[parent->op->status]);
}

/* The counts of the batch change in the same write as the end of its child. */
static void count_in_batch(struct ctl_job *job)
{
    struct ctl_job *parent = job->parent;
    if (!parent)
        return;
    struct cache_operation *op = parent->op;
    op->n_children_ended++;
    op->n_children_failed += job->op->status != CACHE_OP_SUCCEEDED;
    op->percent = (int)(100 * (uint64_t)op->n_children_ended / op->n_children);
    if (op->n_children_ended == op->n_children)
        set_batch_ended(parent);
}

/* --- one operation --- */

/* Whoever starts or stops an instance that has a desired state has changed their mind about it:
 * otherwise the desired state would undo what they did. It follows when the operation ends, also
 * badly, because the wish was clear; not when it was cancelled. A person who starts one trusts it
 * again. */
static void follow_desired(struct ctl_job *job, enum cache_op_status status)
{
    const struct cache_instance *i = ctl_job_instance(job);
    enum cache_op_kind kind = job->op->kind;
    static const struct cache_quarantine none;
    bool is_start = kind == CACHE_OP_START || kind == CACHE_OP_RESTART;
    struct ctl_local local = {.desired = is_start ? CACHE_DESIRED_RUNNING : CACHE_DESIRED_STOPPED};

    if ((!is_start && kind != CACHE_OP_STOP) || status == CACHE_OP_CANCELLED || !i ||
        job->params.priority == CTL_PRIORITY_WATCHDOG)
        return;
    ctl_observer_note_wish(job->observer, i->id, (enum cache_desired)local.desired);
    if (i->desired == CACHE_DESIRED_NONE)
        local.desired = -1;
    if (is_start && i->quarantine.since)
        local.quarantine = &none;
    ctl_observer_set_local(job->observer, i->id, &local);
}

void ctl_engine_finish_job(struct ctl_job *job, enum cache_op_status status, const char *code,
                           const char *detail)
{
    struct ctl_job *parent = job->parent;

    ctl_steps_leave_making(job, status);
    ctl_job_release_gate(job);
    job->jobs->needs_round = true;
    follow_desired(job, status);
    if (job->begun_ms > 0 && ctl_job_instance(job) && status != CACHE_OP_SUCCEEDED)
        ctl_observer_expect_no_longer(job->observer, job->subject, job->begun_ms);

    if (status == CACHE_OP_SUCCEEDED) {
        note_same_name(job, ctl_job_instance(job));
        job->op->result = write_result(job);
    }
    if (code)
        job->op->error = explain_error(job, status, code, detail);
    set_ended(job, status);
    job->op->has_diagnostics = ctl_diagnostics_end(job->engine->diagnostics, job);
    count_in_batch(job);
    write_end(job);
    ctl_engine_record_announce(job, end_types[status]);
    if (parent && parent->phase == CTL_PHASE_FINISHING) {
        write_end(parent);
        ctl_engine_record_announce(parent, end_types[parent->op->status]);
    }
}
