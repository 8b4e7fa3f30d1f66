/* SPDX-License-Identifier: MIT */
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "cache/store/store_private.h"

/* What the ends of jobs say about the database.
 *
 * The last write that mattered decides: one that the database refused, or a commit that changed
 * something. One that had nothing to change proves nothing: a full disk lets it pass. While writes
 * are refused and nobody asks for any, a trial finds out when there is room again; it is large
 * enough to need some, and two commits, because what is deleted in the same one is never written.
 */

enum {
    TICK_MS = 5000,
    TRIAL_BYTES = 65536,
    LOW_MB = 256,
    ENOUGH_MB = 320, /* so that a disk at the limit is not told of again and again */
    MB = 1 << 20
};

/* Codes with which a job answers, instead of the database. */
static bool is_answer(int status)
{
    return status == UV_ENOENT || status == UV_EEXIST || status == UV_EINVAL || status == UV_E2BIG;
}

static bool is_same(const struct cache_store_health *a, const struct cache_store_health *b)
{
    return a->write_error == b->write_error && a->is_damaged == b->is_damaged &&
           a->is_disk_low == b->is_disk_low;
}

/* Sets what is known to NOW and tells of what changed. */
static void change(struct cache_store *store, const struct cache_store_health *now)
{
    struct cache_store_health before = store->health;
    store->health = *now;
    if (!is_same(&before, now) && store->on_health && !store->is_closing)
        store->on_health(store->on_health_arg, &before, now);
}

static void set_error(struct cache_store_health *now, int error)
{
    if (error != now->write_error)
        now->write_since = error ? clock_wall_ms() : 0;
    now->write_error = error;
}

/* --- a trial --- */

static int exec_trial(sqlite3 *db, void *arg)
{
    (void)arg;
    return cache_sql_run(db,
                         "INSERT OR REPLACE INTO preferences (name, value)"
                         " VALUES ('store.trial', hex(randomblob(?)))",
                         "i", (int64_t)TRIAL_BYTES / 2);
}

static int exec_trial_end(sqlite3 *db, void *arg)
{
    (void)arg;
    return cache_sql_run(db, "DELETE FROM preferences WHERE name = 'store.trial'", "");
}

static void on_trial(void *arg, int status)
{
    struct cache_store *store = arg;
    if (status == 0)
        cache_store_write(store, exec_trial_end, NULL, NULL);
}

/* --- the files and the disk --- */

/* On a thread of the pool, because a sick drive answers late. */
static void look(uv_work_t *work)
{
    struct cache_store *store = container_of(work, struct cache_store, look);
    char *folder cleanup(mem_freep) = fs_dirname(store->place.paths[0]);
    store->looked.place = cache_place_check(&store->place, 0);
    store->looked.free_bytes = fs_free_bytes(folder);
}

/* That the files are back is left to a commit. */
static void on_looked(uv_work_t *work, int status)
{
    struct cache_store *store = container_of(work, struct cache_store, look);
    struct cache_store_health now = store->health;
    (void)status;
    if (store->looked.place < 0)
        set_error(&now, store->looked.place);
    if (store->looked.free_bytes != UINT64_MAX) {
        now.free_bytes = store->looked.free_bytes;
        now.is_disk_low = now.free_bytes < (uint64_t)(now.is_disk_low ? ENOUGH_MB : LOW_MB) * MB;
    }
    store->is_looking = false;
    change(store, &now);
    cache_store_release(store);
}

static void start_look(struct cache_store *store)
{
    if (store->is_looking)
        return;
    store->is_looking = true;
    store->n_open++;
    (void)uv_queue_work(&store->loop->uv, &store->look, look, on_looked);
}

/* --- what the ends of jobs say --- */

void cache_store_health_note(struct cache_store *store, const struct cache_job_group *g)
{
    struct cache_store_health now = store->health;
    int error = g->has_changed ? 0 : now.write_error;
    list_foreach(item, &g->jobs) {
        int status = list_entry(item, struct cache_job, link)->status;
        if (status < 0 && g->is_write && !is_answer(status))
            error = status;
        if (status == UV_EFTYPE)
            now.is_damaged = true;
    }
    set_error(&now, error);
    /* What is told of the disk is not from before it was full. */
    if (error != store->health.write_error)
        start_look(store);
    change(store, &now);
}

/* --- now and then --- */

static void on_tick(uv_timer_t *timer)
{
    struct cache_store *store = container_of(timer, struct cache_store, tick);
    start_look(store);
    if (store->health.write_error && list_is_empty(&store->undone))
        cache_store_write(store, exec_trial, on_trial, store);
}

void cache_store_health_start(struct cache_store *store)
{
    store->health.free_bytes = UINT64_MAX;
    list_init(&store->undone);
    uv_timer_init(&store->loop->uv, &store->tick);
    uv_timer_start(&store->tick, on_tick, 0, TICK_MS);
    uv_unref((uv_handle_t *)&store->tick);
    store->n_open++;
}

static void on_tick_closed(uv_handle_t *handle)
{
    cache_store_release(container_of((uv_timer_t *)handle, struct cache_store, tick));
}

void cache_store_health_stop(struct cache_store *store)
{
    uv_close((uv_handle_t *)&store->tick, on_tick_closed);
}

void cache_store_on_health(struct cache_store *store, cache_store_health_fn fn, void *arg)
{
    store->on_health = fn;
    store->on_health_arg = arg;
}

struct cache_store_health cache_store_health(const struct cache_store *store)
{
    struct cache_store_health health = store->health;
    if (!list_is_empty(&store->undone)) {
        const struct cache_job *oldest = list_entry(store->undone.next, struct cache_job, undone);
        health.waited_ms = (uv_hrtime() - oldest->queued_ns) / 1000000;
    }
    return health;
}
