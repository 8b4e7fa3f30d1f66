/* SPDX-License-Identifier: MIT */
/* Planned restarts: of what should run, is well and may be restarted, one at a time. What a run has
 * used is remembered while it lasts and nothing is wrong with it. One that fails leaves an instance
 * that should run and does not, or is ill: the rest of the reconciler sees to that. */
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "control/keep/reconciler_private.h"

enum { HOUR_MS = 3600000 };

struct planned {
    char id[UUID_SIZE];
    struct map_node by_id;
    bool is_there; /* scratch of a survey */
    struct ctl_run run;
    uint64_t tried_ms; /* 0 = never in this run */
};

static struct planned *get(struct ctl_reconciler *r, const char *id)
{
    struct map_node *node = map_find(&r->planned, id);
    if (node)
        return container_of(node, struct planned, by_id);
    struct planned *p = mem_new(struct planned);
    str_copy(p->id, sizeof(p->id), id);
    map_insert(&r->planned, &p->by_id, p->id);
    return p;
}

static void forget(struct ctl_reconciler *r, bool do_all)
{
    for (struct map_node *node = map_next(&r->planned, NULL), *next; node; node = next) {
        struct planned *p = container_of(node, struct planned, by_id);
        next = map_next(&r->planned, node);
        if (p->is_there && !do_all) {
            p->is_there = false;
            continue;
        }
        map_remove(&r->planned, node);
        mem_free(p);
    }
}

void ctl_reconciler_forget_planned(struct ctl_reconciler *r)
{
    forget(r, true);
}

static bool may_be_planned(struct ctl_reconciler *r, const struct cache_instance *i)
{
    return i->desired == CACHE_DESIRED_RUNNING && ctl_state_is_up(i->state) &&
           (i->repair == CACHE_REPAIR_RESTART || i->repair == CACHE_REPAIR_FULL) &&
           i->quarantine.since == 0 && !map_find(&r->wards, i->id);
}

static void on_accept(void *arg, const struct cache_operation *op, bool is_repeat,
                      const struct ctl_refusal *refusal)
{
    struct ctl_reconciler *r = arg;
    (void)is_repeat;
    (void)refusal; /* in an hour it is asked for again */
    r->n_submitting--;
    r->is_planning = false;
    str_copy(r->planned_operation, sizeof(r->planned_operation), op ? op->id : "");
    ctl_reconciler_free_if_done(r);
}

static void submit(struct ctl_reconciler *r, const struct cache_instance *i, const char *reason)
{
    struct ctl_request request = {
        .kind = CACHE_OP_RESTART,
        .target = i->id,
        .local = {.desired = -1},
        .priority = CTL_PRIORITY_WATCHDOG,
        .requested_by = "watchdog",
        .reason = reason,
    };
    r->is_planning = true;
    r->n_submitting++;
    ctl_engine_submit(r->parts.engine, &request, on_accept, r);
}

/* Whether one is under way; gives way to a person. */
static bool is_under_way(struct ctl_reconciler *r)
{
    const struct cache_operation *op = ctl_engine_find(r->parts.engine, r->planned_operation);
    if (op && ctl_engine_is_overtaken(r->parts.engine, op->id))
        (void)ctl_engine_cancel(r->parts.engine, op->id,
                                "the watchdog, for a stop or removal that waits for it");
    return r->is_planning || op;
}

void ctl_reconciler_give_up_planned(struct ctl_reconciler *r)
{
    const struct cache_operation *op = ctl_engine_find(r->parts.engine, r->planned_operation);
    if (op && op->started_at == 0)
        (void)ctl_engine_cancel(r->parts.engine, op->id, "the maintenance mode");
}

void ctl_reconciler_plan(struct ctl_reconciler *r, uint64_t now, bool is_stopped)
{
    const struct cache_snapshot *s = ctl_observer_snapshot(r->parts.observer);
    char reason[CTL_WHY_SIZE];
    if (!ctl_planned_is_wanted(&r->options.planned))
        return;
    bool may_act = !is_under_way(r) && !is_stopped;
    for (size_t n = 0; n < cache_snapshot_count(s); n++) {
        const struct cache_instance *i = &cache_snapshot_at(s, n)->instance;
        if (!may_be_planned(r, i))
            continue;
        struct planned *p = get(r, i->id);
        struct ctl_usage usage = ctl_observer_usage(r->parts.observer, i->id);
        p->is_there = true;
        ctl_run_note(&p->run, now, &usage);
        if (!may_act || (p->tried_ms && now - p->tried_ms < HOUR_MS) ||
            ctl_engine_is_busy(r->parts.engine, i->id) ||
            !ctl_planned_is_due(&r->options.planned, &p->run, now, &usage, reason, sizeof(reason)))
            continue;
        p->tried_ms = now;
        may_act = false;
        submit(r, i, reason);
    }
    forget(r, false);
}
