/* SPDX-License-Identifier: MIT */
/*     submit -> key used? -> queue -> start_next: prepare, remember the key -> write -> on_written
 *                                        ^                 '- refused              -> apply,
 * publish
 *                                        '---------------------------------------------'
 *
 * One change at a time: the first in the queue is checked against what is in memory, written, and
 * only then made in memory and published. So two that want the same name meet, and If-Match is
 * asked of what the change before left. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "control/workstations/workstations_private.h"

struct change {
    struct list link;
    struct ctl_workstations *ws;
    struct ctl_workstation_request request; /* its strings are owned */
    struct list waiters;
    struct cache_workstation row; /* as it is written */
    struct ctl_refusal refusal;   /* http_status 0 = none */
};

struct waiter {
    struct list link;
    ctl_workstation_fn done;
    void *arg;
};

static void add_waiter(struct change *c, ctl_workstation_fn done, void *arg)
{
    struct waiter *w = mem_new(struct waiter);
    w->done = done;
    w->arg = arg;
    list_append(&c->waiters, &w->link);
}

static struct change *change_new(struct ctl_workstations *ws,
                                 const struct ctl_workstation_request *request)
{
    struct change *c = mem_new(struct change);
    c->ws = ws;
    c->request = *request;
    c->request.id = mem_strdup(request->id);
    c->request.name = mem_strdup(request->name);
    c->request.address = mem_strdup(request->address);
    c->request.labels = mem_strdup(request->labels);
    c->request.key.owner = mem_strdup(request->key.owner);
    c->request.key.key = mem_strdup(request->key.key);
    c->request.key.fingerprint = mem_strdup(request->key.fingerprint);
    cache_workstation_init(&c->row);
    list_init(&c->link);
    list_init(&c->waiters);
    ws->n_open++;
    return c;
}

static void change_free(struct change *c)
{
    struct ctl_workstations *ws = c->ws;
    list_unlink(&c->link);
    mem_free((char *)c->request.id);
    mem_free((char *)c->request.name);
    mem_free((char *)c->request.address);
    mem_free((char *)c->request.labels);
    mem_free((char *)c->request.key.owner);
    mem_free((char *)c->request.key.key);
    mem_free((char *)c->request.key.fingerprint);
    cache_workstation_deinit(&c->row);
    mem_free(c);
    ctl_workstations_release(ws);
}

/* Answers everybody who waits, and frees. */
static void end(struct change *c)
{
    const struct ctl_refusal *refusal = c->refusal.http_status ? &c->refusal : NULL;
    while (!list_is_empty(&c->waiters)) {
        struct waiter *w = list_entry(c->waiters.next, struct waiter, link);
        list_unlink(&w->link);
        w->done(w->arg, c->row.id, ctl_workstations_find(c->ws, c->row.id), refusal);
        mem_free(w);
    }
    change_free(c);
}

/* --- refusals --- */

/* Returns false, so that a check can end with it. */
__attribute__((format(printf, 4, 5))) static bool refuse(struct change *c, int http_status,
                                                         const char *code, const char *fmt, ...)
{
    va_list args;
    char detail[2 * sizeof(c->refusal.detail)];
    va_start(args, fmt);
    vsnprintf(detail, sizeof(detail), fmt, args);
    va_end(args);
    c->refusal.http_status = http_status;
    str_copy(c->refusal.code, sizeof(c->refusal.code), code);
    str_copy(c->refusal.detail, sizeof(c->refusal.detail), detail);
    return false;
}

static bool refuse_reuse(struct change *c)
{
    return refuse(c, 422, "IDEMPOTENCY_KEY_REUSED",
                  "this Idempotency-Key was used with another request in the last 24 hours");
}

static bool is_name_free(struct change *c, const struct ctl_workstation_item *except)
{
    const struct ctl_workstations *ws = c->ws;
    for (size_t i = 0; i < ws->n_items && c->request.name; i++) {
        if (ws->items[i] != except && strcmp(ws->items[i]->w.row.name, c->request.name) == 0)
            return refuse(c, 409, "WORKSTATION_EXISTS", "the workstation %s is called '%s' already",
                          ws->items[i]->w.row.id, c->request.name);
    }
    return true;
}

static bool find(struct change *c, struct ctl_workstation_item **ret)
{
    const char *id = c->request.id;
    *ret = ctl_workstations_item(c->ws, id);
    if (!*ret)
        return refuse(c, 404, "WORKSTATION_NOT_FOUND",
                      "'%.64s' is not the id of a workstation; GET /api/workstations lists them",
                      id);
    struct waiter *first = list_entry(c->waiters.next, struct waiter, link);
    if (c->request.may_change && !c->request.may_change(first->arg, &(*ret)->w))
        return refuse(c, 412, "PRECONDITION_FAILED",
                      "the workstation's revision is not, or no longer, the one in If-Match");
    return true;
}

/* --- what is to be written --- */

static void fill(struct change *c)
{
    struct cache_workstation *row = &c->row;
    const struct ctl_workstation_request *r = &c->request;
    if (r->name)
        str_copy(row->name, sizeof(row->name), r->name);
    if (r->address)
        str_copy(row->address, sizeof(row->address), r->address);
    if (r->labels) {
        mem_free(row->labels);
        row->labels = mem_strdup(r->labels);
    }
    if (r->maintenance >= 0)
        row->is_maintained = r->maintenance > 0;
    row->updated_at = clock_wall_ms();
}

static bool prepare_add(struct change *c)
{
    if (c->ws->n_items >= c->ws->options.max)
        return refuse(c, 409, "WORKSTATION_LIMIT",
                      "%u workstations are known, and no more are taken; remove one first",
                      c->ws->options.max);
    if (!is_name_free(c, NULL))
        return false;
    random_uuid_by_time(c->row.id);
    fill(c);
    c->row.created_at = c->row.updated_at;
    if (c->row.is_maintained)
        c->row.status = CACHE_WORKSTATION_MAINTENANCE;
    return true;
}

static bool prepare_change(struct change *c)
{
    struct ctl_workstation_item *item;
    char reason[CTL_WORKSTATION_REASON_SIZE];
    if (!find(c, &item) || !is_name_free(c, item))
        return false;
    cache_workstation_copy(&c->row, &item->w.row);
    fill(c);
    c->row.status =
        ctl_workstations_derive_status(c->ws, &c->row, &item->w.row, reason, sizeof(reason));
    return true;
}

static bool prepare_remove(struct change *c)
{
    struct ctl_workstation_item *item;
    if (!find(c, &item))
        return false;
    if (ctl_workstation_is_local(&item->w))
        return refuse(c, 409, "WORKSTATION_IS_LOCAL",
                      "this is the workstation on which the service runs; it is always there");
    str_copy(c->row.id, sizeof(c->row.id), item->w.row.id);
    return true;
}

/* Fills the row, or the refusal and returns false. */
static bool prepare(struct change *c)
{
    switch (c->request.action) {
    case CTL_WORKSTATION_ADD:
        return prepare_add(c);
    case CTL_WORKSTATION_CHANGE:
        return prepare_change(c);
    case CTL_WORKSTATION_REMOVE:
        break;
    }
    return prepare_remove(c);
}

/* --- what is written becomes so --- */

static void apply_add(struct change *c)
{
    struct ctl_workstations *ws = c->ws;
    struct ctl_workstation_item *item = ctl_workstations_add(ws, &c->row);
    struct ctl_workstation *w = &item->w;
    (void)ctl_workstations_derive_status(ws, &w->row, &w->row, w->reason, sizeof(w->reason));
    ctl_workstations_publish(ws, CACHE_CHANGE_ADDED, w, NULL);
    ctl_workstations_check_soon(ws, item);
}

/* A look may have ended while the row was on its way to the disk, so the status is settled once
 * more; it comes only from here and from looks. */
static void apply_change(struct change *c)
{
    struct ctl_workstations *ws = c->ws;
    struct ctl_workstation_item *item = ctl_workstations_item(ws, c->row.id);
    struct ctl_workstation *w = &item->w;
    struct cache_workstation before cleanup(cache_workstation_deinit) = {.labels = NULL};
    cache_workstation_copy(&before, &w->row);
    cache_workstation_copy(&w->row, &c->row);
    w->row.last_seen_at = before.last_seen_at;
    w->row.status =
        ctl_workstations_derive_status(ws, &w->row, &before, w->reason, sizeof(w->reason));
    if (w->row.status != c->row.status)
        cache_workstations_put_status(ws->parts.store, w->row.id, w->row.status,
                                      w->row.last_seen_at);
    ctl_workstations_publish(ws, CACHE_CHANGE_CHANGED, w, &before);
    if (w->row.status == CACHE_WORKSTATION_UNKNOWN)
        ctl_workstations_check_soon(ws, item);
}

static void apply_remove(struct change *c)
{
    struct ctl_workstation_item *item = ctl_workstations_item(c->ws, c->row.id);
    ctl_workstations_take_out(c->ws, item);
    ctl_workstations_publish(c->ws, CACHE_CHANGE_REMOVED, &item->w, NULL);
    ctl_workstations_free_item(item);
}

static void (*const apply[])(struct change *c) = {
    [CTL_WORKSTATION_ADD] = apply_add,
    [CTL_WORKSTATION_CHANGE] = apply_change,
    [CTL_WORKSTATION_REMOVE] = apply_remove,
};

/* --- the queue --- */

static void start_next(struct ctl_workstations *ws);

static void on_written(void *arg, int status)
{
    struct change *c = arg;
    struct ctl_workstations *ws = c->ws;
    ws->is_writing = false;
    ws->n_open++; /* until the next is under way */
    list_unlink(&c->link);
    if (status == 0) {
        apply[c->request.action](c);
    } else {
        refuse(c, 503, "STORE_UNAVAILABLE",
               "the change could not be written to the database (%s) and was not made: %s",
               cache_sql_strerror(status), cache_sql_advice(status));
        if (c->request.key.key)
            cache_idempotency_forget(ws->parts.idempotency, &c->request.key);
    }
    end(c);
    start_next(ws);
    ctl_workstations_release(ws);
}

static void write_change(struct change *c)
{
    const struct ctl_workstations_parts *parts = &c->ws->parts;
    const struct ctl_workstation_request *r = &c->request;
    const struct cache_key *key = r->key.key ? &r->key : NULL;
    c->ws->is_writing = true;
    if (r->action == CTL_WORKSTATION_REMOVE)
        cache_workstations_remove(parts->store, c->row.id, key, on_written, c);
    else
        cache_workstations_put(parts->store, &c->row, key, on_written, c);
}

static bool remember_key(struct change *c)
{
    const struct cache_key *key = &c->request.key;
    int r = key->key ? cache_idempotency_remember(c->ws->parts.idempotency, key, c->row.id) : 0;
    if (r == UV_EEXIST) /* an operation has come with it since */
        return refuse_reuse(c);
    return r == 0 || refuse(c, 503, "IDEMPOTENCY_FULL",
                            "too many Idempotency-Keys are kept; send the request without one, or "
                            "later");
}

static void start_next(struct ctl_workstations *ws)
{
    while (!ws->is_writing && !list_is_empty(&ws->changes)) {
        struct change *c = list_entry(ws->changes.next, struct change, link);
        if (prepare(c) && remember_key(c)) {
            write_change(c);
        } else {
            list_unlink(&c->link);
            end(c);
        }
    }
}

static void on_turn(void *arg)
{
    struct ctl_workstations *ws = arg;
    if (ws->is_closing)
        ctl_workstations_refuse_changes(ws);
    else
        start_next(ws);
    ctl_workstations_release(ws);
}

void ctl_workstations_refuse_changes(struct ctl_workstations *ws)
{
    list_foreach(item, &ws->changes) {
        struct change *c = list_entry(item, struct change, link);
        if (ws->is_writing && item == ws->changes.next)
            continue;
        refuse(c, 503, "STOPPING", "the service is stopping");
        list_unlink(item);
        end(c);
    }
}

/* --- requests --- */

static struct change *find_same_key(struct ctl_workstations *ws,
                                    const struct ctl_workstation_request *r)
{
    list_foreach(item, &ws->changes) {
        struct change *c = list_entry(item, struct change, link);
        if (r->key.key && str_is_equal(c->request.key.key, r->key.key) &&
            strcmp(c->request.key.owner, r->key.owner) == 0)
            return c;
    }
    return NULL;
}

static void end_later(void *arg)
{
    end(arg);
}

/* An answer that needs no change. */
static struct change *answer(struct ctl_workstations *ws, const struct ctl_workstation_request *r)
{
    struct change *c = change_new(ws, r);
    loop_post(ws->parts.loop, end_later, c);
    return c;
}

static struct change *answer_reuse(struct ctl_workstations *ws,
                                   const struct ctl_workstation_request *r)
{
    struct change *c = answer(ws, r);
    refuse_reuse(c);
    return c;
}

/* The change that settles the request R, when its key has been used; else NULL. */
static struct change *settle_by_key(struct ctl_workstations *ws,
                                    const struct ctl_workstation_request *r)
{
    char id[UUID_SIZE];
    struct change *same = find_same_key(ws, r);
    if (same)
        return strcmp(same->request.key.fingerprint, r->key.fingerprint) == 0 ? same
                                                                              : answer_reuse(ws, r);
    if (!r->key.key)
        return NULL;
    switch (cache_idempotency_find(ws->parts.idempotency, &r->key, id)) {
    case CACHE_IDEMPOTENCY_SAME:
        same = answer(ws, r);
        str_copy(same->row.id, sizeof(same->row.id), id);
        return same;
    case CACHE_IDEMPOTENCY_OTHER:
        return answer_reuse(ws, r);
    case CACHE_IDEMPOTENCY_NEW:
        break;
    }
    return NULL;
}

void ctl_workstations_submit(struct ctl_workstations *ws,
                             const struct ctl_workstation_request *request, ctl_workstation_fn done,
                             void *arg)
{
    struct change *c = settle_by_key(ws, request);
    if (!c) {
        c = change_new(ws, request);
        list_append(&ws->changes, &c->link);
        ws->n_open++;
        loop_post(ws->parts.loop, on_turn, ws);
    }
    add_waiter(c, done, arg);
}
