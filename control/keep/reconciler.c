/* SPDX-License-Identifier: MIT */
/* After each survey that can be believed every instance is looked at twice: first what it suffers
 * from (look), then, when it is known how many do, what is to be done (care). An instance that is
 * ill, or for which something was done, has a `ward`:
 *
 *      look    ill? in `looks` looks in a row: told                                     -> is_sure
 *      care    remedy.c: start, stop, repair? reconciler_act.c, a pause, and then again, if it is
 *              so still
 *
 * which is forgotten when the instance has been well for as long as the pause, or is not there any
 * more. At the end one that is well may be restarted because that is planned (reconciler_plan.c).
 */
#include <stdio.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "control/keep/reconciler_private.h"

const struct ctl_reconciler_options ctl_reconciler_defaults = {
    .looks = 3,
    .look_ms = 5000,
    .budget = {.per_hour = 5, .host_per_hour = 10},
};

/* --- wards --- */

static struct ctl_ward *find(struct ctl_reconciler *r, const char *id)
{
    /* As a rule there are none, and thousands of instances. */
    struct map_node *node = r->wards.n_items > 0 ? map_find(&r->wards, id) : NULL;
    return node ? container_of(node, struct ctl_ward, by_id) : NULL;
}

static struct ctl_ward *make(struct ctl_reconciler *r, const char *id)
{
    struct ctl_ward *w = mem_new(struct ctl_ward);
    w->reconciler = r;
    w->is_there = true;
    str_copy(w->id, sizeof(w->id), id);
    map_insert(&r->wards, &w->by_id, w->id);
    return w;
}

void ctl_reconciler_free_ward(struct ctl_ward *w)
{
    if (w->wait)
        ctl_engine_cancel_wait(w->wait);
    map_remove(&w->reconciler->wards, &w->by_id);
    mem_free(w);
}

void ctl_reconciler_free_if_done(struct ctl_reconciler *r)
{
    if (!r->is_closing || r->n_submitting > 0)
        return;
    ctl_reconciler_forget_planned(r);
    map_deinit(&r->planned);
    map_deinit(&r->wards);
    mem_free(r);
}

/* --- the first look at an instance: what it suffers from --- */

/* A start that failed twice, or for a reason that stays. */
static bool is_not_starting(const struct ctl_ward *w, const struct cache_instance *i)
{
    return i->desired == CACHE_DESIRED_RUNNING && i->state == CACHE_STATE_STOPPED &&
           w->has_failed && (w->is_lasting || w->n >= 2);
}

static void look(struct ctl_reconciler *r, const struct cache_instance *i, uint64_t now)
{
    enum ctl_illness illness = ctl_observer_illness(r->parts.observer, i);
    struct ctl_ward *w = find(r, i->id);
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
        ctl_reconciler_tell(w, i, illness, NULL);
    else if (is_not_starting(w, i))
        ctl_reconciler_tell(w, i, CTL_ILLNESS_NOT_STARTING, w->why);
}

/* --- the second: what is to be done --- */

static bool is_well(const struct ctl_ward *w, const struct cache_instance *i)
{
    return w->illness == CTL_ILLNESS_NONE &&
           (i->desired == CACHE_DESIRED_NONE ? !ctl_state_is_moving(i->state)
                                             : ctl_remedy_is_as_desired(i->desired, i->state));
}

/* Frees W when it has been well for long enough. */
static void convalesce(struct ctl_ward *w, const struct cache_instance *i, uint64_t now)
{
    if (!is_well(w, i)) {
        w->well_since_ms = 0;
        return;
    }
    if (w->well_since_ms == 0)
        w->well_since_ms = now;
    if (ctl_ward_is_under_way(w))
        return;
    ctl_reconciler_tell(w, i, CTL_ILLNESS_NONE, NULL);
    /* Nothing was done, or nothing is desired any more. */
    bool has_no_cause = w->n == 0 || (i->desired == CACHE_DESIRED_NONE && !w->is_healing);
    if (has_no_cause || now - w->well_since_ms >= ctl_ward_delay_ms(w))
        ctl_reconciler_free_ward(w);
}

static void care(struct ctl_reconciler *r, const struct cache_instance *i, bool is_shared,
                 uint64_t now, const char **ret_stopped)
{
    struct ctl_ward *w = find(r, i->id);
    bool is_opposite = ctl_remedy_is_opposite(i->desired, i->state);
    if (!w && !is_opposite)
        return;
    if (w && w->wait && w->is_healing && ctl_engine_is_overtaken(r->parts.engine, w->operation))
        (void)ctl_engine_cancel(r->parts.engine, w->operation,
                                "the watchdog, for a stop or removal that waits for it");
    bool may_act = (is_opposite || w->is_sure) && !ctl_engine_is_busy(r->parts.engine, i->id) &&
                   !(w && (ctl_ward_is_under_way(w) || now < w->retry_at_ms));
    if (may_act)
        ctl_reconciler_act(w ? w : make(r, i->id), i, is_shared, ret_stopped);
    w = find(r, i->id);
    if (w)
        convalesce(w, i, now);
}

/* --- all of them --- */

static unsigned count_on_host(struct ctl_reconciler *r)
{
    const struct cache_snapshot *s = ctl_observer_snapshot(r->parts.observer);
    unsigned n = 0;
    for (size_t i = 0; i < cache_snapshot_count(s); i++)
        n += ctl_reconciler_count_acts(r, cache_snapshot_at(s, i)->instance.id);
    return n;
}

struct tally {
    size_t n_ill;   /* or are being healed; not those of whom only the config file or the port is
                       wrong */
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
        struct ctl_ward *w = find(r, i->id);
        r->has_vm |= i->vbox_pid > 0 || i->headless.pid > 0;
        if (i->quarantine.since)
            continue;
        ret->n_alive += i->state != CACHE_STATE_STOPPED || i->desired == CACHE_DESIRED_RUNNING;
        if (!w || w->illness == CTL_ILLNESS_CONFIG_LOST || w->illness == CTL_ILLNESS_FOREIGN_GUEST)
            continue;
        bool is_known = w->has_failed || (ctl_ward_is_under_way(w) && w->is_healing);
        ret->n_ill += is_known || w->illness != CTL_ILLNESS_NONE;
        ret->n_sure += is_known || w->is_sure;
    }
}

static void forget_gone(struct ctl_reconciler *r)
{
    for (struct map_node *node = map_next(&r->wards, NULL), *next; node; node = next) {
        struct ctl_ward *w = container_of(node, struct ctl_ward, by_id);
        next = map_next(&r->wards, node);
        if (!w->is_there && !w->is_submitting)
            ctl_reconciler_free_ward(w);
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
    char shared[CTL_WHY_SIZE];
    const char *stopped = "";

    if (r->is_maintained || !cache_snapshot_is_observed(s) ||
        ctl_observer_verdict(r->parts.observer)->status != 0)
        return;
    for (size_t i = 0; i < cache_snapshot_count(s); i++)
        look(r, &cache_snapshot_at(s, i)->instance, now);
    r->n_on_host = r->wards.n_items > 0 ? count_on_host(r) : 0;
    count(r, &tally);
    bool is_cured = r->cured_ms && now - r->cured_ms < CTL_MAX_DELAY_MS;
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
    ctl_reconciler_tell_stopped(r, stopped);
    ctl_reconciler_plan(r, now, *stopped != '\0');
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
    map_init(&r->planned);
    r->listener = (struct ctl_survey_listener){.fn = on_survey, .arg = r};
    ctl_observer_listen(parts->observer, &r->listener);
    return r;
}

void ctl_reconciler_set_maintenance(struct ctl_reconciler *r, bool is_maintained)
{
    r->is_maintained = is_maintained;
    if (is_maintained)
        ctl_reconciler_give_up_planned(r);
    for (struct map_node *node = map_next(&r->wards, NULL); node;
         node = map_next(&r->wards, node)) {
        struct ctl_ward *w = container_of(node, struct ctl_ward, by_id);
        if (is_maintained)
            ctl_reconciler_give_up(w);
        else
            w->retry_at_ms = 0; /* somebody was at work meanwhile */
    }
}

void ctl_reconciler_close(struct ctl_reconciler *r)
{
    r->is_closing = true;
    ctl_observer_unlisten(&r->listener);
    for (struct map_node *node = map_next(&r->wards, NULL), *next; node; node = next) {
        struct ctl_ward *w = container_of(node, struct ctl_ward, by_id);
        next = map_next(&r->wards, node);
        if (!w->is_submitting)
            ctl_reconciler_free_ward(w);
    }
    ctl_reconciler_free_if_done(r);
}
