/* SPDX-License-Identifier: MIT */
#include "cache/store.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

/* Two threads share `queued` and `is_stopping`, under `lock`. Everything else belongs to the loop,
 * except `db`, which is the worker's.
 *
 *   loop: submit -> queued        worker: next_group -> run_group -> loop_post
 *   loop: deliver -> done of each job
 *
 * Closing: wait until every `done` was called (they may submit more), then stop the worker, which
 * closes the database and posts on_worker_end. */

enum { GROUP_MAX = 512 };

struct job {
    struct list link;
    cache_exec_fn exec;
    cache_done_fn done;
    void *arg;
    bool is_write;
    int status;
};

struct group {
    struct cache_store *store;
    struct list jobs;
    size_t n_jobs;
    bool is_write, is_committed;
};

struct cache_store {
    struct loop *loop;
    sqlite3 *db;
    uv_thread_t thread;
    uv_mutex_t lock;
    uv_cond_t wake;
    struct list queued;
    bool is_stopping;

    /* Never sent: referenced while jobs are under way, because a post from another thread does not
     * keep the loop alive. */
    uv_async_t alive;
    bool is_closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
    struct cache_store_stats stats;
};

/* Moves the longest run of jobs of one kind from the queue: a read must not see what a failing
 * commit takes back. */
static void fill_group(struct group *g, struct list *queued)
{
    struct job *first = list_entry(queued->next, struct job, link);
    g->is_write = first->is_write;
    list_foreach(item, queued) {
        struct job *job = list_entry(item, struct job, link);
        if (job->is_write != g->is_write || g->n_jobs == GROUP_MAX)
            break;
        list_unlink(item);
        list_append(&g->jobs, item);
        g->n_jobs++;
    }
}

/* NULL at the end. */
static struct group *next_group(struct cache_store *store)
{
    struct group *g = NULL;
    uv_mutex_lock(&store->lock);
    while (list_is_empty(&store->queued) && !store->is_stopping)
        uv_cond_wait(&store->wake, &store->lock);
    if (!list_is_empty(&store->queued)) {
        g = mem_new(struct group);
        g->store = store;
        list_init(&g->jobs);
        fill_group(g, &store->queued);
    }
    uv_mutex_unlock(&store->lock);
    return g;
}

static int run_in_savepoint(sqlite3 *db, struct job *job)
{
    int r = cache_db_run(db, "SAVEPOINT job", "");
    if (r < 0)
        return r;
    r = job->exec(db, job->arg);
    if (sqlite3_get_autocommit(db))
        return r;
    if (r < 0)
        (void)cache_db_run(db, "ROLLBACK TO job", "");
    int released = cache_db_run(db, "RELEASE job", "");
    return r < 0 ? r : released;
}

/* Returns the code for the transaction as a whole. */
static int run_jobs(sqlite3 *db, struct group *g)
{
    list_foreach(item, &g->jobs) {
        struct job *job = list_entry(item, struct job, link);
        if (g->is_write && g->n_jobs > 1)
            job->status = run_in_savepoint(db, job);
        else
            job->status = job->exec(db, job->arg);
        /* Some errors make SQLite roll back by itself; what ran before is gone then. */
        if (sqlite3_get_autocommit(db))
            return job->status < 0 ? job->status : UV_EIO;
        if (job->status < 0 && g->is_write && g->n_jobs == 1)
            return job->status;
    }
    return 0;
}

static void fail_all(struct group *g, int status)
{
    list_foreach(item, &g->jobs) {
        struct job *job = list_entry(item, struct job, link);
        if (job->status == 0)
            job->status = status;
    }
}

static void run_group(sqlite3 *db, struct group *g)
{
    int r = cache_db_run(db, g->is_write ? "BEGIN IMMEDIATE" : "BEGIN", "");
    if (r == 0)
        r = run_jobs(db, g);
    if (r == 0)
        r = cache_db_run(db, "COMMIT", "");
    g->is_committed = r == 0 && g->is_write;
    if (r < 0 && !sqlite3_get_autocommit(db))
        (void)cache_db_run(db, "ROLLBACK", "");
    if (r < 0)
        fail_all(g, r);
}

static void stop_worker(struct cache_store *store)
{
    uv_mutex_lock(&store->lock);
    store->is_stopping = true;
    uv_cond_signal(&store->wake);
    uv_mutex_unlock(&store->lock);
}

/* After each change of n_waiting or is_closing. */
static void settle(struct cache_store *store)
{
    if (store->stats.n_waiting > 0)
        return;
    if (store->is_closing)
        stop_worker(store);
    else
        uv_unref((uv_handle_t *)&store->alive);
}

static void count(struct cache_store_stats *stats, int status)
{
    stats->n_jobs++;
    if (status == 0)
        stats->last_ok_ms = clock_mono_ms();
    else
        stats->n_failed++;
    bool is_answer = status == UV_ENOENT || status == UV_EEXIST || status == UV_EINVAL;
    stats->last_error = is_answer ? 0 : status;
}

static void finish_job(struct job *job)
{
    if (job->done)
        job->done(job->arg, job->status);
    mem_free(job);
}

static void deliver(void *arg)
{
    struct group *g = arg;
    struct cache_store *store = g->store;

    store->stats.n_commits += g->is_committed;
    list_foreach(item, &g->jobs) {
        struct job *job = list_entry(item, struct job, link);
        count(&store->stats, job->status);
        finish_job(job);
        /* Only now: a job that `done` submits while the store closes must still find it at work. */
        store->stats.n_waiting--;
    }
    mem_free(g);
    settle(store);
}

static void on_alive_closed(uv_handle_t *handle)
{
    struct cache_store *store = container_of((uv_async_t *)handle, struct cache_store, alive);
    void (*on_closed)(void *arg) = store->on_closed;
    void *arg = store->on_closed_arg;
    mem_free(store);
    if (on_closed)
        on_closed(arg);
}

static void on_worker_end(void *arg)
{
    struct cache_store *store = arg;
    uv_thread_join(&store->thread);
    uv_cond_destroy(&store->wake);
    uv_mutex_destroy(&store->lock);
    uv_close((uv_handle_t *)&store->alive, on_alive_closed);
}

static void work(void *arg)
{
    struct cache_store *store = arg;
    for (struct group *g; (g = next_group(store));) {
        run_group(store->db, g);
        loop_post(store->loop, deliver, g);
    }
    cache_db_close(store->db);
    loop_post(store->loop, on_worker_end, store);
}

struct cache_store *cache_store_new(struct loop *loop, sqlite3 *db)
{
    struct cache_store *store = mem_new(struct cache_store);
    store->loop = loop;
    store->db = db;
    list_init(&store->queued);
    uv_mutex_init(&store->lock);
    uv_cond_init(&store->wake);
    int r = uv_async_init(&loop->uv, &store->alive, NULL);
    if (r == 0)
        r = uv_thread_create(&store->thread, work, store);
    if (r < 0) {
        /* Like running out of memory: nothing can be acknowledged without the worker. */
        fprintf(stderr, "ldplayerd: cannot start the database thread: %s\n", uv_strerror(r));
        abort();
    }
    uv_unref((uv_handle_t *)&store->alive);
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

static void submit(struct cache_store *store, const struct job *wanted)
{
    struct job *job = mem_new(struct job);
    *job = *wanted;
    if (store->is_closing && store->stats.n_waiting == 0) {
        job->status = UV_ECANCELED;
        loop_post(store->loop, finish_cancelled, job);
        return;
    }
    store->stats.n_waiting++;
    uv_ref((uv_handle_t *)&store->alive);
    uv_mutex_lock(&store->lock);
    list_append(&store->queued, &job->link);
    uv_cond_signal(&store->wake);
    uv_mutex_unlock(&store->lock);
}

void cache_store_write(struct cache_store *store, cache_exec_fn exec, cache_done_fn done, void *arg)
{
    submit(store, &(struct job){.exec = exec, .done = done, .arg = arg, .is_write = true});
}

void cache_store_read(struct cache_store *store, cache_exec_fn exec, cache_done_fn done, void *arg)
{
    submit(store, &(struct job){.exec = exec, .done = done, .arg = arg});
}

void cache_store_close(struct cache_store *store, void (*on_closed)(void *arg), void *arg)
{
    store->is_closing = true;
    store->on_closed = on_closed;
    store->on_closed_arg = arg;
    uv_ref((uv_handle_t *)&store->alive);
    settle(store);
}

struct cache_store_stats cache_store_stats(const struct cache_store *store)
{
    return store->stats;
}
