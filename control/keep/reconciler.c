/* SPDX-License-Identifier: MIT */
/* After each survey that can be believed every instance is looked at twice: first what it suffers
 * from (look), then, when it is known how many do, what is to be done (care). An instance that is
 * ill, or for which something was done, has a `ward`:
 *
 *      look    ill? in `looks` looks in a row: told                                     -> is_sure
 *      care    remedy.c: start, stop, repair -> submit -> on_accept -> on_end -> pause (10 s,
 *              doubling), and then again, if it is so still           '--refused--^
 *
 * which is forgotten when the instance has been well for as long as the pause, or is not there any
 * more. */
#include "control/keep/reconciler.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/map.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"

enum {
    FIRST_DELAY_MS = 10000,
    MAX_DELAY_MS = 600000,
    WAIT_MS = 86400000, /* longer than any operation takes */
    HOUR_MS = 3600000,
    WHY_SIZE = 400
};

const struct ctl_reconciler_options ctl_reconciler_defaults = {
    .looks = 3,
    .look_ms = 5000,
    .budget = {.per_hour = 5, .host_per_hour = 10},
};

struct ctl_reconciler {
    struct ctl_reconciler_parts parts;
    struct ctl_reconciler_options options;
    struct ctl_survey_listener listener;
    struct map wards;
    unsigned n_submitting;
    unsigned n_on_host; /* acts of the last hour, for all instances; counted with each survey */
    bool has_vm;        /* some instance has one, as the last look shows */
    uint64_t tried_ms;  /* when the VM service was to be ended last; 0 = never */
    uint64_t cured_ms;  /* when that helped last: what many have is no mystery then; 0 = never */
    bool is_maintained, is_closing;
    char told[WHY_SIZE]; /* why healing has stopped, as it was told; "" = it has not */
};

/* One instance that is ill or was acted on. */
struct ward {
    struct ctl_reconciler *reconciler;
    char id[UUID_SIZE];
    struct map_node by_id;
    bool is_there; /* scratch of a survey */

    enum ctl_illness illness; /* as the last look shows it */
    unsigned n_looks;         /* in a row that showed it */
    uint64_t since_ms;        /* of the first of them */
    bool is_sure;
    enum ctl_illness told; /* NONE: nothing, or that it is well again */
    bool was_quarantined;

    unsigned n; /* acts after which it did not stay well */
    uint64_t retry_at_ms;
    uint64_t well_since_ms; /* 0 = it is not */
    bool is_submitting, is_healing, ends_service;
    struct ctl_wait *wait; /* for the end of the operation */
    char operation[UUID_SIZE];
    bool has_failed, is_lasting; /* the last act; and would again */
    char why[WHY_SIZE];          /* it failed */
};

/* --- wards --- */

static struct ward *find(struct ctl_reconciler *r, const char *id)
{
    /* As a rule there are none, and thousands of instances. */
    struct map_node *node = r->wards.n_items > 0 ? map_find(&r->wards, id) : NULL;
    return node ? container_of(node, struct ward, by_id) : NULL;
}

static struct ward *make(struct ctl_reconciler *r, const char *id)
{
    struct ward *w = mem_new(struct ward);
    w->reconciler = r;
    w->is_there = true;
    str_copy(w->id, sizeof(w->id), id);
    map_insert(&r->wards, &w->by_id, w->id);
    return w;
}

static void ward_free(struct ward *w)
{
    if (w->wait)
        ctl_engine_cancel_wait(w->wait);
    map_remove(&w->reconciler->wards, &w->by_id);
    mem_free(w);
}

static bool is_under_way(const struct ward *w)
{
    return w->is_submitting || w->wait;
}

static void free_if_done(struct ctl_reconciler *r)
{
    if (!r->is_closing || r->n_submitting > 0)
        return;
    map_deinit(&r->wards);
    mem_free(r);
}

/* --- what is told --- */

static void tell_health(struct ctl_reconciler *r, const struct cache_instance *i,
                        enum ctl_illness illness, const char *reason)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "id", i->id);
    yyjson_mut_obj_add_int(doc, root, "index", i->index);
    yyjson_mut_obj_add_str(doc, root, "name", i->name);
    yyjson_mut_obj_add_str(doc, root, "state", cache_state_name(i->state));
    if (illness != CTL_ILLNESS_NONE) {
        yyjson_mut_obj_add_str(doc, root, "illness", ctl_illness_names[illness]);
        json_add_str(doc, root, "reason", reason);
        yyjson_mut_obj_add_str(doc, root, "repair", cache_repair_names[i->repair]);
    }
    char *data cleanup(mem_freep) = json_write(doc);
    cache_events_emit(r->parts.events,
                      illness != CTL_ILLNESS_NONE ? "instance.unhealthy" : "instance.healthy",
                      data);
}

/* What is known beyond the state: why. */
static void describe(struct ctl_reconciler *r, const struct cache_instance *i,
                     enum ctl_illness illness, char *out, size_t size)
{
    enum { RAM_FLOOR_MB = 768, LOG_AGE_MS = 600000 };
    const struct ldc_setting_value *memory = &i->settings.values[LDC_SETTING_MEMORY_MB];
    struct ldc_vm_fault fault;

    str_copy(out, size, i->reason);
    if (illness == CTL_ILLNESS_CONFIG_LOST)
        snprintf(out, size, "it runs with a config file that has lost what was set: %s",
                 ctl_observer_config_loss(r->parts.observer, i->id));
    else if (illness == CTL_ILLNESS_CRASH_LOOP && memory->is_set && memory->number <= RAM_FLOOR_MB)
        snprintf(
            out, size,
            "its VM ends and begins anew, again and again: it has %d MB of memory, with which the "
            "guest crashes; set settings.memory_mb to 1536 at least",
            (int)memory->number);
    else if (illness == CTL_ILLNESS_CRASH_LOOP)
        snprintf(out, size, "its VM ends and begins anew, again and again under the same window");
    else if ((illness == CTL_ILLNESS_STUCK || illness == CTL_ILLNESS_ZOMBIE) &&
             ctl_observer_read_vm_log(r->parts.observer, i->id, clock_wall_ms() - LOG_AGE_MS,
                                      &fault))
        snprintf(out, size, "%s; the VM's log says: %s", i->reason, fault.sentence);
}

/* REASON: NULL = what is known of it. */
static void tell(struct ward *w, const struct cache_instance *i, enum ctl_illness illness,
                 const char *reason)
{
    if (w->told == illness || (illness != CTL_ILLNESS_NONE && i->repair == CACHE_REPAIR_OFF))
        return;
    char known[WHY_SIZE];
    w->told = illness;
    if (!reason)
        describe(w->reconciler, i, illness, known, sizeof(known));
    tell_health(w->reconciler, i, illness, reason ? reason : known);
}

/* That healing has stopped, and why; "" = it goes on. */
static void tell_stopped(struct ctl_reconciler *r, const char *reason)
{
    if ((*reason != '\0') == (r->told[0] != '\0'))
        return;
    str_copy(r->told, sizeof(r->told), reason);
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_bool(doc, root, "is_stopped", *reason != '\0');
    json_add_str(doc, root, "reason", *reason ? reason : NULL);
    char *data cleanup(mem_freep) = json_write(doc);
    cache_events_emit(r->parts.events, "workstation.healing", data);
}

/* --- one act --- */

static uint64_t delay_of(const struct ward *w)
{
    uint64_t ms = FIRST_DELAY_MS;
    for (unsigned i = 1; i < w->n && ms < MAX_DELAY_MS; i++)
        ms *= 2;
    return ms < MAX_DELAY_MS ? ms : MAX_DELAY_MS;
}

static void back_off(struct ward *w, uint64_t at_least_ms)
{
    w->n++;
    uint64_t ms = delay_of(w);
    w->retry_at_ms = clock_mono_ms() + (ms > at_least_ms ? ms : at_least_ms);
}

static void read_failure(struct ward *w, const struct cache_operation *op)
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
    struct ward *w = arg;
    w->wait = NULL;
    if (is_timeout)
        return;
    read_failure(w, op);
    if (w->ends_service && op->status == CACHE_OP_SUCCEEDED)
        w->reconciler->cured_ms = clock_mono_ms();
    /* Whoever cancelled it does not want it again so soon. */
    back_off(w, op->status == CACHE_OP_CANCELLED ? MAX_DELAY_MS : 0);
}

static void on_accept(void *arg, const struct cache_operation *op, bool is_repeat,
                      const struct ctl_refusal *refusal)
{
    struct ward *w = arg;
    struct ctl_reconciler *r = w->reconciler;

    (void)is_repeat;
    w->is_submitting = false;
    r->n_submitting--;
    if (r->is_closing) {
        ward_free(w);
        free_if_done(r);
    } else if (op) {
        str_copy(w->operation, sizeof(w->operation), op->id);
        w->wait = ctl_engine_wait(r->parts.engine, op->id, WAIT_MS, on_end, w);
    } else {
        back_off(w, refusal->retry_ms);
    }
}

static void submit(struct ward *w, const struct cache_instance *i, enum ctl_remedy remedy,
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

static void quarantine(struct ward *w, const struct cache_instance *i, unsigned n_acts)
{
    struct cache_quarantine q = {.since = clock_wall_ms()};
    const char *why = w->why[0] ? w->why : i->reason;
    if (w->is_lasting)
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
}

/* --- the first look at an instance: what it suffers from --- */

/* A start that failed twice, or for a reason that stays. */
static bool is_not_starting(const struct ward *w, const struct cache_instance *i)
{
    return i->desired == CACHE_DESIRED_RUNNING && i->state == CACHE_STATE_STOPPED &&
           w->has_failed && (w->is_lasting || w->n >= 2);
}

static void look(struct ctl_reconciler *r, const struct cache_instance *i, uint64_t now)
{
    enum ctl_illness illness = ctl_observer_illness(r->parts.observer, i);
    struct ward *w = find(r, i->id);
    if (!w && illness == CTL_ILLNESS_NONE)
        return;
    if (!w)
        w = make(r, i->id);
    w->is_there = true;
    if (w->was_quarantined && i->quarantine.since == 0) {
        /* A person trusts it again. */
        w->n = 0;
        w->retry_at_ms = 0;
        w->has_failed = w->is_lasting = false;
    }
    w->was_quarantined = i->quarantine.since != 0;
    if (w->illness != illness) {
        w->illness = illness;
        w->n_looks = 0;
        w->since_ms = now;
    }
    w->n_looks++;
    /* A silent guest was asked several times before it was called so. */
    w->is_sure = illness == CTL_ILLNESS_SILENT ||
                 (illness != CTL_ILLNESS_NONE && w->n_looks >= r->options.looks &&
                  now - w->since_ms >= (uint64_t)(r->options.looks - 1) * r->options.look_ms);
    if (w->is_sure)
        tell(w, i, illness, NULL);
    else if (is_not_starting(w, i))
        tell(w, i, CTL_ILLNESS_NOT_STARTING, w->why);
}

/* --- the second: what is to be done --- */

static unsigned count_acts(struct ctl_reconciler *r, const char *id, int64_t since)
{
    return cache_care_count_acts(ctl_observer_care(r->parts.observer, id), since);
}

static unsigned count_on_host(struct ctl_reconciler *r)
{
    int64_t since = clock_wall_ms() - HOUR_MS;
    const struct cache_snapshot *s = ctl_observer_snapshot(r->parts.observer);
    unsigned n = 0;
    for (size_t i = 0; i < cache_snapshot_count(s); i++)
        n += count_acts(r, cache_snapshot_at(s, i)->instance.id, since);
    return n;
}

static void write_reason(const struct ward *w, const struct cache_instance *i, unsigned n_acts,
                         char *out, size_t size)
{
    struct ctl_reconciler *r = w->reconciler;
    char known[WHY_SIZE];
    if (!w->is_sure) {
        snprintf(out, size, "its desired state is %s and it is %s (%s)",
                 cache_desired_name(i->desired), cache_state_name(i->state), i->reason);
        return;
    }
    describe(r, i, w->illness, known, sizeof(known));
    snprintf(out, size,
             "%s: %s; seen in %u looks in a row over %" PRIu64 " s; act %u of the %u that an hour "
             "allows",
             ctl_illness_names[w->illness], known, w->n_looks,
             (clock_mono_ms() - w->since_ms) / 1000, n_acts + 1, r->options.budget.per_hour);
}

/* No VM comes up, and none is there that would be lost: the VM service may hang (reference 5.2).
 * For one alone that is thought of when a mere restart did not help. */
static bool may_be_service(const struct ward *w, const struct cache_instance *i, bool is_shared)
{
    const struct ctl_reconciler *r = w->reconciler;
    return i->repair == CACHE_REPAIR_FULL && w->is_sure && w->illness == CTL_ILLNESS_STUCK &&
           !r->has_vm && !(r->tried_ms && clock_mono_ms() - r->tried_ms < MAX_DELAY_MS) &&
           (is_shared || w->n > 0);
}

static void act(struct ward *w, const struct cache_instance *i, bool is_shared,
                const char **ret_stopped)
{
    struct ctl_reconciler *r = w->reconciler;
    char reason[WHY_SIZE + 160];
    bool is_service = may_be_service(w, i, is_shared);
    int64_t since = clock_wall_ms() - HOUR_MS;
    struct ctl_case c = {
        .state = i->state,
        .desired = i->desired,
        .wish = ctl_observer_wish(r->parts.observer, i),
        .repair = i->repair,
        .is_quarantined = i->quarantine.since != 0,
        .is_ill = w->is_sure,
        .is_shared = is_shared,
        .is_service = is_service,
        .n_tries = w->n,
        .is_lasting = w->is_lasting,
        .n_acts = count_acts(r, i->id, since),
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
        quarantine(w, i, c.n_acts);
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

static bool is_well(const struct ward *w, const struct cache_instance *i)
{
    return w->illness == CTL_ILLNESS_NONE &&
           (i->desired == CACHE_DESIRED_NONE ? !ctl_state_is_moving(i->state)
                                             : ctl_remedy_is_as_desired(i->desired, i->state));
}

/* Frees W when it has been well for long enough. */
static void convalesce(struct ward *w, const struct cache_instance *i, uint64_t now)
{
    if (!is_well(w, i)) {
        w->well_since_ms = 0;
        return;
    }
    if (w->well_since_ms == 0)
        w->well_since_ms = now;
    if (is_under_way(w))
        return;
    tell(w, i, CTL_ILLNESS_NONE, NULL);
    /* Nothing was done, or nothing is desired any more. */
    bool has_no_cause = w->n == 0 || (i->desired == CACHE_DESIRED_NONE && !w->is_healing);
    if (has_no_cause || now - w->well_since_ms >= delay_of(w))
        ward_free(w);
}

static void care(struct ctl_reconciler *r, const struct cache_instance *i, bool is_shared,
                 uint64_t now, const char **ret_stopped)
{
    struct ward *w = find(r, i->id);
    bool is_opposite = ctl_remedy_is_opposite(i->desired, i->state);
    if (!w && !is_opposite)
        return;
    if (w && w->wait && w->is_healing && ctl_engine_is_overtaken(r->parts.engine, w->operation))
        (void)ctl_engine_cancel(r->parts.engine, w->operation,
                                "the watchdog, for a stop or removal that waits for it");
    bool may_act = (is_opposite || w->is_sure) && !ctl_engine_is_busy(r->parts.engine, i->id) &&
                   !(w && (is_under_way(w) || now < w->retry_at_ms));
    if (may_act)
        act(w ? w : make(r, i->id), i, is_shared, ret_stopped);
    w = find(r, i->id);
    if (w)
        convalesce(w, i, now);
}

/* --- all of them --- */

struct tally {
    size_t n_ill;   /* or are being healed; not those whose config file alone is wrong */
    size_t n_sure;  /* of these */
    size_t n_alive; /* that run or should */
};

static void count(struct ctl_reconciler *r, struct tally *ret)
{
    const struct cache_snapshot *s = ctl_observer_snapshot(r->parts.observer);
    *ret = (struct tally){0};
    r->has_vm = false;
    for (size_t n = 0; r->wards.n_items > 0 && n < cache_snapshot_count(s); n++) {
        const struct cache_instance *i = &cache_snapshot_at(s, n)->instance;
        struct ward *w = find(r, i->id);
        r->has_vm |= i->vbox_pid > 0 || i->headless.pid > 0;
        if (i->quarantine.since)
            continue;
        ret->n_alive += i->state != CACHE_STATE_STOPPED || i->desired == CACHE_DESIRED_RUNNING;
        if (!w || w->illness == CTL_ILLNESS_CONFIG_LOST)
            continue;
        bool is_known = w->has_failed || (is_under_way(w) && w->is_healing);
        ret->n_ill += is_known || w->illness != CTL_ILLNESS_NONE;
        ret->n_sure += is_known || w->is_sure;
    }
}

static void forget_gone(struct ctl_reconciler *r)
{
    for (struct map_node *node = map_next(&r->wards, NULL), *next; node; node = next) {
        struct ward *w = container_of(node, struct ward, by_id);
        next = map_next(&r->wards, node);
        if (!w->is_there && !w->is_submitting)
            ward_free(w);
        else
            w->is_there = false;
    }
}

static void on_survey(void *arg)
{
    struct ctl_reconciler *r = arg;
    const struct cache_snapshot *s = ctl_observer_snapshot(r->parts.observer);
    uint64_t now = clock_mono_ms();
    struct tally tally;
    char shared[WHY_SIZE];
    const char *stopped = "";

    if (r->is_maintained || !cache_snapshot_is_observed(s) ||
        ctl_observer_verdict(r->parts.observer)->status != 0)
        return;
    for (size_t i = 0; i < cache_snapshot_count(s); i++)
        look(r, &cache_snapshot_at(s, i)->instance, now);
    r->n_on_host = r->wards.n_items > 0 ? count_on_host(r) : 0;
    count(r, &tally);
    bool is_cured = r->cured_ms && now - r->cured_ms < MAX_DELAY_MS;
    bool is_shared = ctl_remedy_is_shared(tally.n_ill, tally.n_alive) && !is_cured;
    if (is_shared && ctl_remedy_is_shared(tally.n_sure, tally.n_alive)) {
        snprintf(
            shared, sizeof(shared),
            "%zu of %zu instances that run or should are ill at the same time: they have one "
            "cause, such as the VM service, the disk or the memory of this machine; nothing is "
            "restarted until fewer are",
            tally.n_sure, tally.n_alive);
        stopped = shared;
    }
    for (size_t i = 0; i < cache_snapshot_count(s); i++)
        care(r, &cache_snapshot_at(s, i)->instance, is_shared, now, &stopped);
    tell_stopped(r, stopped);
    forget_gone(r);
}

/* --- life cycle --- */

struct ctl_reconciler *ctl_reconciler_new(const struct ctl_reconciler_parts *parts,
                                          const struct ctl_reconciler_options *options)
{
    struct ctl_reconciler *r = mem_new(struct ctl_reconciler);
    r->parts = *parts;
    r->options = *options;
    map_init(&r->wards);
    r->listener = (struct ctl_survey_listener){.fn = on_survey, .arg = r};
    ctl_observer_listen(parts->observer, &r->listener);
    return r;
}

void ctl_reconciler_set_maintenance(struct ctl_reconciler *r, bool is_maintained)
{
    r->is_maintained = is_maintained;
    for (struct map_node *node = map_next(&r->wards, NULL); node && is_maintained;
         node = map_next(&r->wards, node)) {
        struct ward *w = container_of(node, struct ward, by_id);
        const struct cache_operation *op =
            w->wait ? ctl_engine_find(r->parts.engine, w->operation) : NULL;
        if (op && op->started_at == 0)
            (void)ctl_engine_cancel(r->parts.engine, op->id, "the maintenance mode");
    }
}

void ctl_reconciler_close(struct ctl_reconciler *r)
{
    r->is_closing = true;
    ctl_observer_unlisten(&r->listener);
    for (struct map_node *node = map_next(&r->wards, NULL), *next; node; node = next) {
        struct ward *w = container_of(node, struct ward, by_id);
        next = map_next(&r->wards, node);
        if (!w->is_submitting)
            ward_free(w);
    }
    free_if_done(r);
}
