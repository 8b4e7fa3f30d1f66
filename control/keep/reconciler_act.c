/* SPDX-License-Identifier: MIT */
/* One act: what remedy.c chooses becomes an operation, whose end is waited for; then the instance
 * is left alone for a while.
 *
 *      ctl_reconciler_act -> submit -> on_accept -> on_end -> back_off (10 s, doubling)
 *                                          '--refused------------^
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "control/keep/reconciler_private.h"
#include "control/steps/steps.h"

enum {
    FIRST_DELAY_MS = 10000,
    WAIT_MS = 86400000, /* longer than any operation takes */
    HOUR_MS = 3600000
};

bool ctl_ward_is_under_way(const struct ctl_ward *w)
{
    return w->is_submitting || w->wait;
}

uint64_t ctl_ward_delay_ms(const struct ctl_ward *w)
{
    uint64_t ms = FIRST_DELAY_MS;
    for (unsigned i = 1; i < w->n && ms < CTL_MAX_DELAY_MS; i++)
        ms *= 2;
    return ms < CTL_MAX_DELAY_MS ? ms : CTL_MAX_DELAY_MS;
}

void ctl_reconciler_give_up(struct ctl_ward *w)
{
    struct ctl_engine *e = w->reconciler->parts.engine;
    const struct cache_operation *op = w->wait ? ctl_engine_find(e, w->operation) : NULL;
    if (op && op->started_at == 0)
        (void)ctl_engine_cancel(e, w->operation, "the maintenance mode");
}

static void back_off(struct ctl_ward *w, uint64_t at_least_ms)
{
    w->n++;
    uint64_t ms = ctl_ward_delay_ms(w);
    w->retry_at_ms = clock_mono_ms() + (ms > at_least_ms ? ms : at_least_ms);
}

static void read_failure(struct ctl_ward *w, const struct cache_operation *op)
{
    yyjson_doc *doc cleanup(json_doc_freep) =
        op->error ? yyjson_read(op->error, strlen(op->error), YYJSON_READ_NOFLAG) : NULL;
    yyjson_val *error = yyjson_doc_get_root(doc);
    const char *detail = yyjson_get_str(yyjson_obj_get(error, "detail"));
    w->has_failed = op->status == CACHE_OP_FAILED || op->status == CACHE_OP_TIMED_OUT;
    w->is_lasting = w->has_failed && yyjson_is_false(yyjson_obj_get(error, "retryable"));
    str_copy(w->why, sizeof(w->why), w->has_failed && detail ? detail : "");
}

static void on_end(void *arg, const struct cache_operation *op, bool is_timeout)
{
    struct ctl_ward *w = arg;
    w->wait = NULL;
    if (is_timeout)
        return;
    read_failure(w, op);
    if (w->ends_service && op->status == CACHE_OP_SUCCEEDED)
        w->reconciler->cured_ms = clock_mono_ms();
    /* Whoever cancelled it does not want it again so soon. */
    back_off(w, op->status == CACHE_OP_CANCELLED ? CTL_MAX_DELAY_MS : 0);
}

static void on_accept(void *arg, const struct cache_operation *op, bool is_repeat,
                      const struct ctl_refusal *refusal)
{
    struct ctl_ward *w = arg;
    struct ctl_reconciler *r = w->reconciler;

    (void)is_repeat;
    w->is_submitting = false;
    r->n_submitting--;
    if (r->is_closing) {
        ctl_reconciler_free_ward(w);
        ctl_reconciler_free_if_done(r);
    } else if (op) {
        str_copy(w->operation, sizeof(w->operation), op->id);
        w->wait = ctl_engine_wait(r->parts.engine, op->id, WAIT_MS, on_end, w);
        if (r->is_maintained)
            ctl_reconciler_give_up(w);
    } else {
        /* A refusal that is not for want of room stays until somebody mends something. */
        w->has_failed = w->is_lasting = refusal->retry_ms == 0 && refusal->http_status == 409;
        str_copy(w->why, sizeof(w->why), refusal->detail);
        back_off(w, refusal->retry_ms);
    }
}

static void submit(struct ctl_ward *w, const struct cache_instance *i, enum ctl_remedy remedy,
                   const char *reason)
{
    struct ctl_reconciler *r = w->reconciler;
    struct ctl_request request = {
        .kind = remedy == CTL_REMEDY_REPAIR  ? CACHE_OP_REPAIR
                : remedy == CTL_REMEDY_START ? CACHE_OP_START
                                             : CACHE_OP_STOP,
        .target = i->id,
        .force = w->is_sure && i->repair == CACHE_REPAIR_FULL,
        .ends_vm_service = w->ends_service,
        .local = {.desired = -1},
        .priority = CTL_PRIORITY_WATCHDOG,
        .requested_by = w->is_sure ? "watchdog" : "desired-state",
        .reason = reason,
    };
    w->is_submitting = true;
    w->is_healing = remedy == CTL_REMEDY_REPAIR;
    r->n_submitting++;
    ctl_engine_submit(r->parts.engine, &request, on_accept, w);
}

static void quarantine(struct ctl_ward *w, const struct cache_instance *i, bool is_lasting,
                       unsigned n_acts)
{
    struct cache_quarantine q = {.since = clock_wall_ms()};
    const char *why = w->why[0] ? w->why : i->reason;
    if (is_lasting)
        snprintf(q.reason, sizeof(q.reason), "it would fail again until somebody mends it: %.340s",
                 why);
    else
        snprintf(q.reason, sizeof(q.reason),
                 "%u act%s within an hour did not keep it well; the last: %.320s", n_acts,
                 n_acts == 1 ? "" : "s", why);
    str_make_utf8(q.reason);
    /* Behind the text, where it may have been cut, there is nothing. */
    size_t n = strlen(q.reason);
    memset(q.reason + n, 0, sizeof(q.reason) - n);
    struct ctl_local local = {.desired = -1, .quarantine = &q};
    ctl_observer_set_local(w->reconciler->parts.observer, i->id, &local);
    w->was_quarantined = true; /* a person may end it before the next look */
}

unsigned ctl_reconciler_count_acts(struct ctl_reconciler *r, const char *id)
{
    const struct cache_care *care = ctl_observer_care(r->parts.observer, id);
    return cache_care_count_acts(care, clock_wall_ms() - HOUR_MS);
}

static void write_reason(const struct ctl_ward *w, const struct cache_instance *i, unsigned n_acts,
                         char *out, size_t size)
{
    struct ctl_reconciler *r = w->reconciler;
    char known[CTL_WHY_SIZE];
    if (!w->is_sure) {
        snprintf(out, size, "its desired state is %s and it is %s (%s)",
                 cache_desired_name(i->desired), cache_state_name(i->state), i->reason);
        return;
    }
    ctl_reconciler_describe(r, i, w->illness, known, sizeof(known));
    snprintf(out, size,
             "%s: %s; seen in %u looks in a row over %" PRIu64 " s; act %u of the %u that an hour "
             "allows",
             ctl_illness_names[w->illness], known, w->n_looks,
             (clock_mono_ms() - w->since_ms) / 1000, n_acts + 1, r->options.budget.per_hour);
}

/* No VM comes up, and none is there that would be lost: the VM service may hang (reference 5.2).
 * For one alone that is thought of when a mere restart did not help. */
static bool may_be_service(const struct ctl_ward *w, const struct cache_instance *i, bool is_shared)
{
    const struct ctl_reconciler *r = w->reconciler;
    return i->repair == CACHE_REPAIR_FULL && w->is_sure && w->illness == CTL_ILLNESS_STUCK &&
           !r->has_vm && !(r->tried_ms && clock_mono_ms() - r->tried_ms < CTL_MAX_DELAY_MS) &&
           (is_shared || w->n > 0);
}

void ctl_reconciler_act(struct ctl_ward *w, const struct cache_instance *i, bool is_shared,
                        const char **ret_stopped)
{
    struct ctl_reconciler *r = w->reconciler;
    char reason[CTL_WHY_SIZE + 160];
    bool is_service = may_be_service(w, i, is_shared);
    bool is_hopeless = w->is_sure && w->illness == CTL_ILLNESS_CRASH_LOOP &&
                       ctl_steps_lacks_memory(i, w->why, sizeof(w->why));
    struct ctl_case c = {
        .state = i->state,
        .desired = i->desired,
        .wish = ctl_observer_wish(r->parts.observer, i),
        .repair = i->repair,
        .is_quarantined = i->quarantine.since != 0,
        .is_ill = w->is_sure && ctl_illness_is_curable(w->illness),
        .is_shared = is_shared && !is_hopeless,
        .is_service = is_service,
        .n_tries = w->n,
        .is_lasting = w->is_lasting || is_hopeless,
        .n_acts = ctl_reconciler_count_acts(r, i->id),
        .n_on_host = r->n_on_host,
    };
    enum ctl_remedy remedy = ctl_remedy_choose(&c, &r->options.budget);
    switch (remedy) {
    case CTL_REMEDY_NONE:
        return;
    case CTL_REMEDY_HOLD:
        *ret_stopped =
            "the acts that an hour allows for this workstation (repair_host_per_hour) are "
            "used up: something is wrong that restarts do not cure";
        return;
    case CTL_REMEDY_QUARANTINE:
        quarantine(w, i, c.is_lasting, c.n_acts);
        return;
    default:
        write_reason(w, i, c.n_acts, reason, sizeof(reason));
        w->ends_service = is_service && remedy == CTL_REMEDY_REPAIR;
        if (w->ends_service)
            r->tried_ms = clock_mono_ms();
        if (ctl_remedy_is_paid(&c)) {
            ctl_observer_note_act(r->parts.observer, i->id);
            r->n_on_host++;
        }
        submit(w, i, remedy, reason);
    }
}
