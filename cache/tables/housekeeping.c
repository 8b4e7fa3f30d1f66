/* SPDX-License-Identifier: MIT */
#include "cache/tables/housekeeping.h"

#include "base/memory/mem.h"
#include "cache/tables/events.h"
#include "cache/tables/instances.h"
#include "cache/tables/operations.h"
#include "cache/tables/tokens.h"

/* A round goes through the stages; a stage submits its job again as long as that found enough to
 * do. What a job is given and finds stands in the housekeeping: nobody else looks at it meanwhile.
 */

enum { EVERY_MS = 3600000 };
static const int64_t day_ms = 24 * 3600 * 1000;

struct cache_housekeeping {
    struct cache_store *store;
    struct cache_idempotency *keys;
    uv_timer_t timer;
    struct cache_clock_check *clock;
    bool is_running, is_closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;

    size_t stage;
    int64_t ended_before;   /* wall ms */
    char excess[UUID_SIZE]; /* operations up to this one; "" = none */
    unsigned n_rows;        /* that the last job has removed */
};

/* What ended before it goes. */
static int64_t days_ago(const struct cache_housekeeping *h, int days)
{
    int64_t now;
    return cache_clock_check_now(h->clock, &now) ? now - days * day_ms : 0;
}

/* --- stages --- */

static void on_job(void *arg, int status);

static int exec_old_operations(sqlite3 *db, void *arg)
{
    struct cache_housekeeping *h = arg;
    return cache_operations_delete_old(db, h->ended_before, CACHE_TRIM_ROWS, &h->n_rows);
}

static void trim_old_operations(struct cache_housekeeping *h)
{
    h->ended_before = days_ago(h, CACHE_OPERATIONS_KEEP_DAYS);
    cache_store_write(h->store, exec_old_operations, on_job, h);
}

static int exec_find_excess(sqlite3 *db, void *arg)
{
    struct cache_housekeeping *h = arg;
    h->n_rows = 0;
    return cache_operations_find_excess(db, h->excess);
}

/* Counting takes a while, so it is no part of a write. */
static void find_excess(struct cache_housekeeping *h)
{
    cache_store_read(h->store, exec_find_excess, on_job, h);
}

static int exec_excess(sqlite3 *db, void *arg)
{
    struct cache_housekeeping *h = arg;
    h->n_rows = 0;
    return h->excess[0] ? cache_operations_delete_up_to(db, h->excess, CACHE_TRIM_ROWS, &h->n_rows)
                        : 0;
}

static void trim_excess(struct cache_housekeeping *h)
{
    cache_store_write(h->store, exec_excess, on_job, h);
}

static void on_keys(void *arg, int status)
{
    struct cache_housekeeping *h = arg;
    h->n_rows = cache_idempotency_has_expired(h->keys) ? CACHE_TRIM_ROWS : 0;
    on_job(h, status);
}

static void trim_keys(struct cache_housekeeping *h)
{
    cache_idempotency_trim(h->keys, h->store, CACHE_TRIM_ROWS, on_keys, h);
}

static int exec_tokens(sqlite3 *db, void *arg)
{
    struct cache_housekeeping *h = arg;
    return cache_tokens_delete_ended(db, h->ended_before, CACHE_TRIM_ROWS, &h->n_rows);
}

static void trim_tokens(struct cache_housekeeping *h)
{
    h->ended_before = days_ago(h, CACHE_TOKENS_KEEP_DAYS);
    cache_store_write(h->store, exec_tokens, on_job, h);
}

static int exec_gone_instances(sqlite3 *db, void *arg)
{
    struct cache_housekeeping *h = arg;
    return cache_instances_delete_gone(db, h->ended_before, CACHE_TRIM_ROWS, &h->n_rows);
}

static void trim_gone_instances(struct cache_housekeeping *h)
{
    h->ended_before = days_ago(h, CACHE_GONE_KEEP_DAYS);
    cache_store_write(h->store, exec_gone_instances, on_job, h);
}

static void (*const stages[])(struct cache_housekeeping *h) = {
    trim_old_operations, find_excess, trim_excess, trim_keys, trim_tokens, trim_gone_instances,
};

/* --- rounds --- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct cache_housekeeping *h =
        container_of((uv_timer_t *)handle, struct cache_housekeeping, timer);
    h->on_closed(h->on_closed_arg);
    mem_free(h);
}

static void on_job(void *arg, int status)
{
    struct cache_housekeeping *h = arg;
    h->stage += h->n_rows < CACHE_TRIM_ROWS;
    h->is_running = !h->is_closing && status == 0 && h->stage < countof(stages);
    if (h->is_running)
        stages[h->stage](h);
    else if (h->is_closing)
        uv_close((uv_handle_t *)&h->timer, on_timer_closed);
}

void cache_housekeeping_run(struct cache_housekeeping *h)
{
    if (h->is_running)
        return;
    h->is_running = true;
    h->stage = 0;
    cache_clock_check_note(h->clock, h->store);
    stages[0](h);
}

static void on_time(uv_timer_t *timer)
{
    cache_housekeeping_run(container_of(timer, struct cache_housekeeping, timer));
}

struct cache_housekeeping *cache_housekeeping_new(struct cache_store *store,
                                                  struct cache_idempotency *keys,
                                                  struct cache_clock_check *clock)
{
    struct cache_housekeeping *h = mem_new(struct cache_housekeeping);
    h->store = store;
    h->keys = keys;
    h->clock = clock;
    uv_timer_init(&cache_store_loop(store)->uv, &h->timer);
    uv_timer_start(&h->timer, on_time, 0, EVERY_MS);
    uv_unref((uv_handle_t *)&h->timer);
    return h;
}

void cache_housekeeping_close(struct cache_housekeeping *h, void (*on_closed)(void *arg), void *arg)
{
    h->on_closed = on_closed;
    h->on_closed_arg = arg;
    h->is_closing = true;
    uv_timer_stop(&h->timer);
    if (!h->is_running)
        uv_close((uv_handle_t *)&h->timer, on_timer_closed);
}

int cache_housekeeping_mend(sqlite3 *db)
{
    int r = cache_events_renumber(db);
    return r == 0 ? cache_idempotency_rebuild(db) : r;
}
