/* SPDX-License-Identifier: MIT */
/* After each survey every instance with a desired state is considered. One whose state is the
 * opposite gets an operation, and from then on there is an `attempt` for it:
 *
 *      submit -> on_accept -> on_end -> pause (10 s, doubling) -> the next one, if it is so still
 *                    '--refused--------^
 *
 * which is forgotten when the state has held for as long as the pause, or nothing is desired any
 * more. Other states than the desired one and its opposite are left alone. */
#include "control/keep/reconciler.h"

#include "base/memory/map.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "control/observe/state.h"

enum {
    FIRST_DELAY_MS = 10000,
    MAX_DELAY_MS = 600000,
    WAIT_MS = 86400000 /* longer than any operation takes */
};

struct ctl_reconciler {
    struct ctl_engine *engine;
    struct ctl_observer *observer;
    struct ctl_survey_listener listener;
    struct map attempts;
    unsigned n_submitting;
    bool is_closing;
};

/* What was done for one instance; exists from the first attempt until its state has held. */
struct attempt {
    struct ctl_reconciler *reconciler;
    char id[UUID_SIZE];
    struct map_node by_id;
    unsigned n; /* attempts */
    uint64_t retry_at_ms;
    uint64_t held_since_ms; /* 0 = it does not */
    bool is_submitting;
    struct ctl_wait *wait; /* for the end of the operation */
    bool seen;             /* scratch */
};

static void attempt_free(struct attempt *a)
{
    if (a->wait)
        ctl_engine_cancel_wait(a->wait);
    map_remove(&a->reconciler->attempts, &a->by_id);
    mem_free(a);
}

static struct attempt *find(struct ctl_reconciler *r, const char *id)
{
    struct map_node *node = map_find(&r->attempts, id);
    return node ? container_of(node, struct attempt, by_id) : NULL;
}

static void free_if_done(struct ctl_reconciler *r)
{
    if (!r->is_closing || r->n_submitting > 0)
        return;
    map_deinit(&r->attempts);
    mem_free(r);
}

/* --- one attempt --- */

static uint64_t delay_of(const struct attempt *a)
{
    uint64_t ms = FIRST_DELAY_MS;
    for (unsigned i = 1; i < a->n && ms < MAX_DELAY_MS; i++)
        ms *= 2;
    return ms < MAX_DELAY_MS ? ms : MAX_DELAY_MS;
}

static void back_off(struct attempt *a, uint64_t at_least_ms)
{
    a->n++;
    uint64_t ms = delay_of(a);
    a->retry_at_ms = clock_mono_ms() + (ms > at_least_ms ? ms : at_least_ms);
}

static void on_end(void *arg, const struct cache_operation *op, bool is_timeout)
{
    struct attempt *a = arg;
    (void)op;
    a->wait = NULL;
    if (!is_timeout)
        back_off(a, 0);
}

static void on_accept(void *arg, const struct cache_operation *op, bool is_repeat,
                      const struct ctl_refusal *refusal)
{
    struct attempt *a = arg;
    struct ctl_reconciler *r = a->reconciler;

    (void)is_repeat;
    a->is_submitting = false;
    r->n_submitting--;
    if (r->is_closing) {
        attempt_free(a);
        free_if_done(r);
    } else if (op) {
        a->wait = ctl_engine_wait(r->engine, op->id, WAIT_MS, on_end, a);
    } else {
        back_off(a, refusal->retry_ms);
    }
}

static void submit(struct ctl_reconciler *r, const struct cache_instance *i, struct attempt *a)
{
    struct ctl_request request = {
        .kind = i->desired == CACHE_DESIRED_RUNNING ? CACHE_OP_START : CACHE_OP_STOP,
        .target = i->id,
        .local = {.desired = -1},
        .priority = CTL_PRIORITY_WATCHDOG,
        .requested_by = "desired-state",
    };
    if (!a) {
        a = mem_new(struct attempt);
        a->reconciler = r;
        a->seen = true;
        str_copy(a->id, sizeof(a->id), i->id);
        map_insert(&r->attempts, &a->by_id, a->id);
    }
    a->is_submitting = true;
    r->n_submitting++;
    ctl_engine_submit(r->engine, &request, on_accept, a);
}

/* --- after each survey --- */

static bool is_as_desired(const struct cache_instance *i)
{
    return i->desired == CACHE_DESIRED_RUNNING ? ctl_state_is_up(i->state)
                                               : i->state == CACHE_STATE_STOPPED;
}

static bool is_opposite(const struct cache_instance *i)
{
    return i->desired == CACHE_DESIRED_RUNNING ? i->state == CACHE_STATE_STOPPED
                                               : ctl_state_is_up(i->state);
}

static bool is_under_way(const struct attempt *a)
{
    return a->is_submitting || a->wait;
}

static void consider(struct ctl_reconciler *r, const struct cache_instance *i, uint64_t now)
{
    struct attempt *a = find(r, i->id);
    if (a)
        a->seen = i->desired != CACHE_DESIRED_NONE;
    if (i->desired == CACHE_DESIRED_NONE)
        return;
    if (is_opposite(i) && !ctl_engine_is_busy(r->engine, i->id) &&
        !(a && (is_under_way(a) || now < a->retry_at_ms))) {
        submit(r, i, a);
        return;
    }
    if (!a)
        return;
    if (!is_as_desired(i))
        a->held_since_ms = 0;
    else if (a->held_since_ms == 0)
        a->held_since_ms = now;
    else if (now - a->held_since_ms >= delay_of(a) && !is_under_way(a))
        attempt_free(a);
}

static void on_survey(void *arg)
{
    struct ctl_reconciler *r = arg;
    const struct cache_snapshot *s = ctl_observer_snapshot(r->observer);
    uint64_t now = clock_mono_ms();

    if (!cache_snapshot_is_observed(s) || ctl_observer_verdict(r->observer)->status != 0)
        return;
    for (size_t i = 0; i < cache_snapshot_count(s); i++)
        consider(r, &cache_snapshot_at(s, i)->instance, now);
    for (struct map_node *node = map_next(&r->attempts, NULL), *next; node; node = next) {
        struct attempt *a = container_of(node, struct attempt, by_id);
        next = map_next(&r->attempts, node);
        if (!a->seen && !a->is_submitting)
            attempt_free(a);
        else
            a->seen = false;
    }
}

struct ctl_reconciler *ctl_reconciler_new(struct ctl_engine *engine, struct ctl_observer *observer)
{
    struct ctl_reconciler *r = mem_new(struct ctl_reconciler);
    r->engine = engine;
    r->observer = observer;
    map_init(&r->attempts);
    r->listener = (struct ctl_survey_listener){.fn = on_survey, .arg = r};
    ctl_observer_listen(observer, &r->listener);
    return r;
}

void ctl_reconciler_close(struct ctl_reconciler *r)
{
    r->is_closing = true;
    ctl_observer_unlisten(&r->listener);
    for (struct map_node *node = map_next(&r->attempts, NULL), *next; node; node = next) {
        struct attempt *a = container_of(node, struct attempt, by_id);
        next = map_next(&r->attempts, node);
        if (!a->is_submitting)
            attempt_free(a);
    }
    free_if_done(r);
}
