/* SPDX-License-Identifier: MIT */
/* Looks at other workstations when it is time, and tests that somebody asks for. A look may take
 * its whole deadline, so many go on at once, but not all: a thousand sleeping machines must not
 * take a thousand sockets. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "control/workstations/workstations_private.h"

enum { MAX_CHECKS = 32 };

struct ctl_check {
    struct list link;
    struct ctl_workstations *ws;
    char id[UUID_SIZE];
    char address[CACHE_WORKSTATION_ADDRESS_SIZE]; /* the one that is looked at */
    struct ctl_reach *reach;
    struct list tests;
};

struct ctl_workstation_test {
    struct list link; /* in a check, or in local_tests */
    ctl_reach_fn done;
    void *arg;
    struct ctl_workstations *ws;  /* of a local one */
    struct ctl_fresh_wait *fresh; /* of a local one */
    uint64_t started_ms;
};

static struct ctl_workstation_test *test_new(ctl_reach_fn done, void *arg)
{
    struct ctl_workstation_test *t = mem_new(struct ctl_workstation_test);
    t->done = done;
    t->arg = arg;
    t->started_ms = clock_mono_ms();
    return t;
}

static void end_test(struct ctl_workstation_test *t, const struct ctl_reach_result *result)
{
    list_unlink(&t->link);
    t->done(t->arg, result);
    mem_free(t);
}

/* --- other workstations --- */

static void schedule(struct ctl_workstations *ws);

/* Nine to eleven tenths, so that a thousand do not stay in step. */
static uint64_t next_ms(const struct ctl_workstations *ws)
{
    uint32_t chance;
    random_bytes(&chance, sizeof(chance));
    unsigned tenth = ws->options.check_ms / 10;
    return clock_mono_ms() + ws->options.check_ms - tenth + chance % (2 * tenth + 1);
}

static void note(struct ctl_workstations *ws, struct ctl_workstation_item *item,
                 const struct ctl_reach_result *result)
{
    struct cache_workstation *row = &item->w.row;
    if (result->is_reachable)
        row->last_seen_at = clock_wall_ms();
    if (row->is_maintained)
        return;
    ctl_workstations_set_status(
        ws, item, result->is_reachable ? CACHE_WORKSTATION_ONLINE : CACHE_WORKSTATION_OFFLINE,
        result->detail);
}

static void on_reached(void *arg, const struct ctl_reach_result *result)
{
    struct ctl_check *check = arg;
    struct ctl_workstations *ws = check->ws;
    struct ctl_workstation_item *item = ctl_workstations_item(ws, check->id);
    list_unlink(&check->link);
    ws->n_checks--;
    if (item && item->check == check) {
        bool is_same = strcmp(item->w.row.address, check->address) == 0;
        item->check = NULL;
        item->check_at_ms = is_same ? next_ms(ws) : clock_mono_ms();
        if (is_same && !ws->is_closing)
            note(ws, item, result);
    }
    while (!list_is_empty(&check->tests))
        end_test(list_entry(check->tests.next, struct ctl_workstation_test, link), result);
    mem_free(check);
    schedule(ws);
    ctl_workstations_release(ws);
}

static void start_check(struct ctl_workstations *ws, struct ctl_workstation_item *item)
{
    struct ctl_check *check = mem_new(struct ctl_check);
    check->ws = ws;
    str_copy(check->id, sizeof(check->id), item->w.row.id);
    str_copy(check->address, sizeof(check->address), item->w.row.address);
    list_init(&check->tests);
    item->check = check;
    list_append(&ws->checks, &check->link);
    ws->n_checks++;
    ws->n_open++;
    check->reach = ws->parts.reach->start(ws->parts.loop, check->address, ws->options.reach_ms,
                                          on_reached, check);
}

static bool is_to_be_checked(const struct ctl_workstation_item *item)
{
    const struct cache_workstation *row = &item->w.row;
    return !ctl_workstation_is_local(&item->w) && row->address[0] && !row->is_maintained &&
           !item->check;
}

static void on_timer(uv_timer_t *timer)
{
    struct ctl_workstations *ws = container_of(timer, struct ctl_workstations, timer);
    uint64_t now = clock_mono_ms();
    for (size_t i = 0; i < ws->n_items && ws->n_checks < MAX_CHECKS; i++) {
        if (is_to_be_checked(ws->items[i]) && ws->items[i]->check_at_ms <= now)
            start_check(ws, ws->items[i]);
    }
    schedule(ws);
}

/* The end of a look makes room for the next. */
static void schedule(struct ctl_workstations *ws)
{
    uint64_t at = UINT64_MAX, now = clock_mono_ms();
    if (!ws->is_started || ws->is_closing || ws->n_checks >= MAX_CHECKS)
        return;
    for (size_t i = 0; i < ws->n_items; i++) {
        if (is_to_be_checked(ws->items[i]) && ws->items[i]->check_at_ms < at)
            at = ws->items[i]->check_at_ms;
    }
    if (at == UINT64_MAX)
        uv_timer_stop(&ws->timer);
    else
        uv_timer_start(&ws->timer, on_timer, at > now ? at - now : 0, 0);
}

void ctl_workstations_check_soon(struct ctl_workstations *ws, struct ctl_workstation_item *item)
{
    item->check_at_ms = clock_mono_ms();
    schedule(ws);
}

void ctl_workstations_start_checks(struct ctl_workstations *ws)
{
    for (size_t i = 0; i < ws->n_items; i++) {
        uint32_t chance;
        random_bytes(&chance, sizeof(chance));
        ws->items[i]->check_at_ms = clock_mono_ms() + chance % (ws->options.check_ms / 6 + 1);
    }
    schedule(ws);
}

/* --- this workstation --- */

static void end_local_test(struct ctl_workstation_test *t, int status)
{
    struct ctl_workstations *ws = t->ws;
    struct ctl_observer *o = ws->parts.observer;
    const struct ctl_survey_verdict *verdict = ctl_observer_verdict(o);
    struct ctl_reach_result result = {.is_reachable = status == 0,
                                      .latency_ms = clock_mono_ms() - t->started_ms};
    if (status == 0)
        snprintf(result.detail, sizeof(result.detail), "ldconsole list2 listed %u instances",
                 (unsigned)cache_snapshot_count(ctl_observer_snapshot(o)));
    else if (status == UV_ECANCELED || verdict->status == 0)
        snprintf(result.detail, sizeof(result.detail), "the service is stopping");
    else
        snprintf(result.detail, sizeof(result.detail), "%s", verdict->detail);
    end_test(t, &result);
    ctl_workstations_release(ws);
}

static void on_fresh(void *arg, int status)
{
    struct ctl_workstation_test *t = arg;
    t->fresh = NULL;
    end_local_test(t, status);
}

static void start_local_test(struct ctl_workstations *ws, struct ctl_workstation_test *t)
{
    t->ws = ws;
    ws->n_open++;
    list_append(&ws->local_tests, &t->link);
    t->fresh = ctl_observer_want(ws->parts.observer, 0, on_fresh, t);
}

/* --- tests --- */

struct ctl_workstation_test *ctl_workstations_test(struct ctl_workstations *ws, const char *id,
                                                   ctl_reach_fn done, void *arg)
{
    struct ctl_workstation_item *item = ctl_workstations_item(ws, id);
    struct ctl_workstation_test *t = test_new(done, arg);
    if (ctl_workstation_is_local(&item->w)) {
        start_local_test(ws, t);
        return t;
    }
    /* A look at an address that it had before is none of its connection. */
    if (!item->check || strcmp(item->check->address, item->w.row.address) != 0)
        start_check(ws, item);
    list_append(&item->check->tests, &t->link);
    return t;
}

void ctl_workstations_cancel_test(struct ctl_workstation_test *t)
{
    struct ctl_workstations *ws = t->ws;
    list_unlink(&t->link);
    if (t->fresh)
        ctl_observer_cancel_want(t->fresh);
    mem_free(t);
    if (ws)
        ctl_workstations_release(ws);
}

void ctl_workstations_stop_checks(struct ctl_workstations *ws)
{
    list_foreach(item, &ws->checks) {
        ws->parts.reach->cancel(list_entry(item, struct ctl_check, link)->reach);
    }
    list_foreach(item, &ws->local_tests) {
        struct ctl_workstation_test *t = list_entry(item, struct ctl_workstation_test, link);
        ctl_observer_cancel_want(t->fresh);
        end_local_test(t, UV_ECANCELED);
    }
}
