/* SPDX-License-Identifier: MIT */
/* The list of workstations, and what status each has. This one is judged after every survey and
 * whenever something that it depends on may have changed (ctl_workstations_judge); another keeps
 * what the last look at its address found (workstations_check.c) until its address changes. */
#include "control/workstations/workstations.h"

#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/machine/hyper_v.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "control/workstations/workstations_private.h"

const struct ctl_workstations_options ctl_workstations_defaults = {
    .check_ms = 60000,
    .reach_ms = 5000,
    .max = 1000,
};

/* --- the list --- */

size_t ctl_workstations_count(const struct ctl_workstations *ws)
{
    return ws->n_items;
}

const struct ctl_workstation *ctl_workstations_at(const struct ctl_workstations *ws, size_t i)
{
    return &ws->items[i]->w;
}

struct ctl_workstation_item *ctl_workstations_item(const struct ctl_workstations *ws,
                                                   const char *id)
{
    struct map_node *node = map_find(&ws->by_id, id);
    return node ? container_of(node, struct ctl_workstation_item, by_id) : NULL;
}

const struct ctl_workstation *ctl_workstations_find(const struct ctl_workstations *ws,
                                                    const char *id)
{
    struct ctl_workstation_item *item = ctl_workstations_item(ws, id);
    return item ? &item->w : NULL;
}

bool ctl_workstation_is_local(const struct ctl_workstation *w)
{
    return strcmp(w->row.id, CACHE_WORKSTATION_LOCAL) == 0;
}

struct ctl_figures *ctl_workstations_figures(const struct ctl_workstations *ws)
{
    return ws->parts.figures;
}

struct ctl_workstation_item *ctl_workstations_add(struct ctl_workstations *ws,
                                                  const struct cache_workstation *row)
{
    struct ctl_workstation_item *item = mem_new(struct ctl_workstation_item);
    cache_workstation_copy(&item->w.row, row);
    item->stored_seen_at = row->last_seen_at;
    ws->items = mem_grow(ws->items, ws->n_items, &ws->cap, sizeof(*ws->items));
    ws->items[ws->n_items++] = item;
    map_insert(&ws->by_id, &item->by_id, item->w.row.id);
    return item;
}

void ctl_workstations_free_item(struct ctl_workstation_item *item)
{
    cache_workstation_deinit(&item->w.row);
    mem_free(item);
}

void ctl_workstations_take_out(struct ctl_workstations *ws, struct ctl_workstation_item *item)
{
    size_t i = 0;
    while (ws->items[i] != item)
        i++;
    memmove(&ws->items[i], &ws->items[i + 1], (ws->n_items - i - 1) * sizeof(*ws->items));
    ws->n_items--;
    map_remove(&ws->by_id, &item->by_id);
}

/* --- what this workstation is judged by --- */

static const struct ldc_breaker *find_open_breaker(const struct ctl_workstations *ws)
{
    const struct ldc_client *client = ws->parts.client;
    const struct ldc_breaker *b = ldc_client_next_breaker(client, NULL);
    /* Half-open is not yet well: one more failure and it is open. That of an instance is no trouble
     * of the workstation. */
    while (b && (ldc_breaker_is_well(b) || *b->instance))
        b = ldc_client_next_breaker(client, b);
    return b;
}

static bool is_degraded(const struct ctl_workstations *ws, char *reason, size_t size)
{
    const struct ctl_survey_verdict *verdict = ctl_observer_verdict(ws->parts.observer);
    const struct ldc_breaker *breaker = find_open_breaker(ws);
    int error = cache_store_health(ws->parts.store).write_error;
    if (verdict->status != 0)
        snprintf(reason, size, "%s", verdict->detail);
    else if (breaker)
        snprintf(reason, size, "the breaker '%s' is %s%s%s", breaker->name,
                 ldc_breaker_state_name(breaker->state),
                 breaker->reason[0] || breaker->note[0] ? ": " : "",
                 breaker->reason[0] ? breaker->reason : breaker->note);
    else if (error != 0)
        snprintf(reason, size, "the database fails: %s; see GET /api/health",
                 cache_sql_strerror(error));
    return verdict->status != 0 || breaker || error != 0;
}

static enum cache_workstation_status judge_local(const struct ctl_workstations *ws,
                                                 enum cache_workstation_status before, char *reason,
                                                 size_t size)
{
    if (is_degraded(ws, reason, size))
        return CACHE_WORKSTATION_DEGRADED;
    if (cache_snapshot_is_observed(ctl_observer_snapshot(ws->parts.observer))) {
        snprintf(reason, size, "ldconsole answers");
        return CACHE_WORKSTATION_ONLINE;
    }
    snprintf(reason, size, "ldconsole has not been asked since the service was started");
    return before == CACHE_WORKSTATION_MAINTENANCE ? CACHE_WORKSTATION_UNKNOWN : before;
}

enum cache_workstation_status ctl_workstations_derive_status(const struct ctl_workstations *ws,
                                                             const struct cache_workstation *w,
                                                             const struct cache_workstation *before,
                                                             char *reason, size_t size)
{
    if (w->is_maintained) {
        snprintf(reason, size, "an admin set it aside");
        return CACHE_WORKSTATION_MAINTENANCE;
    }
    if (strcmp(w->id, CACHE_WORKSTATION_LOCAL) == 0)
        return judge_local(ws, before->status, reason, size);
    bool is_other_address = strcmp(w->address, before->address) != 0;
    bool was_looked_at = before->status != CACHE_WORKSTATION_MAINTENANCE &&
                         before->status != CACHE_WORKSTATION_UNKNOWN;
    if (w->address[0] && !is_other_address && was_looked_at)
        return before->status;
    snprintf(reason, size, "%s",
             w->address[0] ? "nobody has looked yet" : "it has no address to look at");
    return CACHE_WORKSTATION_UNKNOWN;
}

void ctl_workstations_judge(struct ctl_workstations *ws)
{
    struct ctl_workstation_item *local = ws->items[0];
    struct cache_workstation *row = &local->w.row;
    const struct cache_snapshot *s = ctl_observer_snapshot(ws->parts.observer);
    char reason[CTL_WORKSTATION_REASON_SIZE];
    if (ws->is_closing)
        return;
    if (cache_snapshot_is_observed(s))
        row->last_seen_at = cache_snapshot_observed_wall_ms(s);
    enum cache_workstation_status status =
        ctl_workstations_derive_status(ws, row, row, reason, sizeof(reason));
    ctl_workstations_set_status(ws, local, status, reason);
}

static void on_survey(void *arg)
{
    ctl_workstations_judge(arg);
}

/* --- listeners --- */

void ctl_workstations_listen(struct ctl_workstations *ws, struct ctl_workstations_listener *l)
{
    list_append(&ws->listeners, &l->link);
}

void ctl_workstations_unlisten(struct ctl_workstations_listener *l)
{
    list_unlink(&l->link);
}

/* --- start --- */

static bool has_name(const struct cache_workstation *items, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(items[i].name, name) == 0)
            return true;
    }
    return false;
}

/* The machine's own name, unless another workstation has it. */
static void name_local(struct cache_workstation *local, const struct cache_workstation *items,
                       size_t n)
{
    char host[UV_MAXHOSTNAMESIZE];
    size_t size = sizeof(host);
    if (uv_os_gethostname(host, &size) < 0 || !host[0])
        str_copy(host, sizeof(host), CACHE_WORKSTATION_LOCAL);
    str_make_utf8(host);
    str_copy(local->name, CACHE_WORKSTATION_NAME_MAX + 1, host);
    for (unsigned i = 1; has_name(items, n, local->name); i++)
        snprintf(local->name, sizeof(local->name), CACHE_WORKSTATION_LOCAL "-%u", i);
}

static void add_local(struct ctl_workstations *ws, const struct cache_workstation *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(items[i].id, CACHE_WORKSTATION_LOCAL) == 0) {
            (void)ctl_workstations_add(ws, &items[i]);
            return;
        }
    }
    struct cache_workstation local cleanup(cache_workstation_deinit);
    cache_workstation_init(&local);
    str_copy(local.id, sizeof(local.id), CACHE_WORKSTATION_LOCAL);
    name_local(&local, items, n);
    local.created_at = local.updated_at = clock_wall_ms();
    (void)ctl_workstations_add(ws, &local);
    ws->is_local_new = true;
}

/* What a former process knew stays until it is looked again. */
static void add_other(struct ctl_workstations *ws, const struct cache_workstation *row)
{
    struct ctl_workstation_item *item = ctl_workstations_add(ws, row);
    struct ctl_workstation *w = &item->w;
    w->row.status =
        ctl_workstations_derive_status(ws, &w->row, &w->row, w->reason, sizeof(w->reason));
    if (!w->reason[0])
        str_copy(w->reason, sizeof(w->reason), "so it was found before the service was started");
}

struct ctl_workstations *ctl_workstations_new(const struct ctl_workstations_parts *parts,
                                              const struct ctl_workstations_options *options,
                                              struct cache_workstation *items, size_t n)
{
    struct ctl_workstations *ws = mem_new(struct ctl_workstations);
    ws->parts = *parts;
    ws->options = *options;
    ws->n_open = 1;
    map_init(&ws->by_id);
    list_init(&ws->listeners);
    list_init(&ws->changes);
    list_init(&ws->local_tests);
    list_init(&ws->checks);
    uv_timer_init(&parts->loop->uv, &ws->timer);
    add_local(ws, items, n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(items[i].id, CACHE_WORKSTATION_LOCAL) != 0)
            add_other(ws, &items[i]);
        cache_workstation_deinit(&items[i]);
    }
    mem_free(items);
    return ws;
}

/* A fact of this machine, which explains slow boots (reference 5.2). */
static void tell_hyper_v(struct ctl_workstations *ws)
{
    if (system_has_hyper_v())
        cache_events_emit(
            ws->parts.events, "workstation.hyper_v",
            "{\"reason\":\"Hyper-V runs on this machine (the feature itself, WSL 2 or "
            "core isolation switch it on): LDPlayer boots several times more slowly "
            "with it, which is not held against an instance\"}");
}

void ctl_workstations_start(struct ctl_workstations *ws)
{
    ws->is_started = true;
    /* When this fails, the first change of it writes the row. */
    if (ws->is_local_new)
        cache_workstations_put(ws->parts.store, &ws->items[0]->w.row, NULL, NULL, NULL);
    ws->on_survey = (struct ctl_survey_listener){.fn = on_survey, .arg = ws};
    ctl_observer_listen(ws->parts.observer, &ws->on_survey);
    ctl_workstations_judge(ws);
    tell_hyper_v(ws);
    ctl_workstations_start_checks(ws);
}

/* --- end --- */

void ctl_workstations_release(struct ctl_workstations *ws)
{
    if (--ws->n_open > 0)
        return;
    void (*on_closed)(void *arg) = ws->on_closed;
    void *arg = ws->closed_arg;
    for (size_t i = 0; i < ws->n_items; i++)
        ctl_workstations_free_item(ws->items[i]);
    mem_free(ws->items);
    map_deinit(&ws->by_id);
    mem_free(ws);
    on_closed(arg);
}

static void on_timer_closed(uv_handle_t *handle)
{
    ctl_workstations_release(container_of((uv_timer_t *)handle, struct ctl_workstations, timer));
}

void ctl_workstations_close(struct ctl_workstations *ws, void (*on_closed)(void *arg), void *arg)
{
    ws->is_closing = true;
    ws->on_closed = on_closed;
    ws->closed_arg = arg;
    if (ws->is_started)
        ctl_observer_unlisten(&ws->on_survey);
    ctl_workstations_stop_checks(ws);
    ctl_workstations_refuse_changes(ws);
    uv_close((uv_handle_t *)&ws->timer, on_timer_closed);
}
