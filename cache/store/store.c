/* SPDX-License-Identifier: MIT */
#include "cache/store/store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory/mem.h"
#include "cache/store/store_private.h"

/* The loop's side: jobs are submitted, run by a worker, and delivered.
 *
 *      submit -> writes -> the writer  ---+
 *      submit -> reads  -> a reader ------+--> deliver -> done
 *
 * Closing: wait until every `done` was called (they may submit more), then stop the workers. */

/* While jobs are delivered their `done` may submit more. */
static bool is_busy(const struct cache_store *store)
{
    return store->stats.n_waiting > 0 || store->is_delivering;
}

static void settle(struct cache_store *store)
{
    if (is_busy(store))
        return;
    if (store->is_closing)
        cache_workers_stop(store);
    else
        uv_unref((uv_handle_t *)&store->alive);
}

static void add_times(struct cache_store_times *t, const struct cache_job *job)
{
    uint64_t started = job->started_ns ? job->started_ns : job->ended_ns;
    uint64_t wait_us = (started - job->queued_ns) / 1000;
    uint64_t run_us = (job->ended_ns - started) / 1000;
    t->n++;
    t->wait_us += wait_us;
    t->run_us += run_us;
    t->max_wait_us = wait_us > t->max_wait_us ? wait_us : t->max_wait_us;
    t->max_run_us = run_us > t->max_run_us ? run_us : t->max_run_us;
}

static void finish_job(struct cache_job *job)
{
    if (job->done)
        job->done(job->arg, job->status);
    mem_free(job);
}

static void deliver(void *arg)
{
    struct cache_job_group *g = arg;
    struct cache_store *store = g->store;

    store->is_delivering = true;
    store->stats.n_commits += g->is_committed;
    cache_store_health_note(store, g);
    list_foreach(item, &g->jobs) {
        struct cache_job *job = list_entry(item, struct cache_job, link);
        store->stats.n_jobs++;
        store->stats.n_failed += job->status < 0;
        add_times(g->is_write ? &store->stats.writes : &store->stats.reads, job);
        list_unlink(&job->undone);
        store->stats.n_waiting--;
        finish_job(job);
    }
    mem_free(g);
    store->is_delivering = false;
    settle(store);
}

void cache_store_deliver(struct cache_job_group *g)
{
    loop_post(g->store->loop, deliver, g);
}

void cache_store_release(struct cache_store *store)
{
    if (--store->n_open > 0)
        return;
    void (*on_closed)(void *arg) = store->on_closed;
    void *arg = store->on_closed_arg;
    cache_place_deinit(&store->place);
    mem_free(store);
    if (on_closed)
        on_closed(arg);
}

static void on_alive_closed(uv_handle_t *handle)
{
    cache_store_release(container_of((uv_async_t *)handle, struct cache_store, alive));
}

static void on_workers_end(void *arg)
{
    struct cache_store *store = arg;
    cache_workers_join(store);
    uv_cond_destroy(&store->wake);
    uv_mutex_destroy(&store->lock);
    cache_store_health_stop(store);
    uv_close((uv_handle_t *)&store->alive, on_alive_closed);
}

void cache_store_end(struct cache_store *store)
{
    loop_post(store->loop, on_workers_end, store);
}

struct cache_store *cache_store_new(struct loop *loop, sqlite3 *db,
                                    const struct cache_profile *profile)
{
    struct cache_store *store = mem_new(struct cache_store);
    store->loop = loop;
    store->profile = profile ? profile : cache_profile_default;
    cache_place_init(&store->place, db);
    store->writer.db = db;
    list_init(&store->writes);
    list_init(&store->reads);
    uv_mutex_init(&store->lock);
    uv_cond_init(&store->wake);
    /* What it sets cannot fail on an open database; a job that meets the same trouble tells. */
    (void)cache_db_tune(db, store->profile);
    int r = uv_async_init(&loop->uv, &store->alive, NULL);
    if (r == 0)
        r = cache_workers_start(store);
    if (r < 0) {
        /* Like running out of memory: nothing can be acknowledged without the worker. */
        fprintf(stderr, "ldplayerd: cannot start the database threads: %s\n", uv_strerror(r));
        abort();
    }
    uv_unref((uv_handle_t *)&store->alive);
    store->n_open = 1;
    cache_store_health_start(store);
    return store;
}

struct loop *cache_store_loop(const struct cache_store *store)
{
    return store->loop;
}

static void finish_cancelled(void *arg)
{
    finish_job(arg);
}

static void submit(struct cache_store *store, const struct cache_job *wanted)
{
    struct cache_job *job = mem_new(struct cache_job);
    *job = *wanted;
    list_init(&job->undone);
    job->queued_ns = uv_hrtime();
    if (store->is_closing && !is_busy(store)) {
        job->status = UV_ECANCELED;
        loop_post(store->loop, finish_cancelled, job);
        return;
    }
    store->stats.n_waiting++;
    uv_ref((uv_handle_t *)&store->alive);
    if (job->is_write)
        list_append(&store->undone, &job->undone);
    uv_mutex_lock(&store->lock);
    list_append(job->is_write ? &store->writes : &store->reads, &job->link);
    uv_cond_broadcast(&store->wake);
    uv_mutex_unlock(&store->lock);
}

void cache_store_write(struct cache_store *store, cache_exec_fn exec, cache_done_fn done, void *arg)
{
    submit(store, &(struct cache_job){.exec = exec, .done = done, .arg = arg, .is_write = true});
}

void cache_store_read(struct cache_store *store, cache_exec_fn exec, cache_done_fn done, void *arg)
{
    submit(store, &(struct cache_job){.exec = exec, .done = done, .arg = arg});
}

void cache_store_close(struct cache_store *store, void (*on_closed)(void *arg), void *arg)
{
    store->is_closing = true;
    store->on_closed = on_closed;
    store->on_closed_arg = arg;
    uv_ref((uv_handle_t *)&store->alive);
    settle(store);
}

const struct cache_profile *cache_store_profile(const struct cache_store *store)
{
    return store->profile;
}

int cache_store_check_place(struct cache_store *store)
{
    return cache_place_check(&store->place, 0);
}

struct cache_store_stats cache_store_stats(const struct cache_store *store)
{
    return store->stats;
}
