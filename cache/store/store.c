/* SPDX-License-Identifier: MIT */
#include "cache/store/store.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"

/* Threads: the writer, and as many readers as the profile says. They share what stands under
 * `lock`; the rest belongs to the loop, except each worker's `db`.
 *
 *   loop: submit -> queued     worker: next_group -> run_group -> loop_post     loop: deliver
 *
 * The queue is one, in the order of submission. Its head is taken by the writer when it is a write,
 * and by any reader when it is a read and no write is under way: so a read sees every write that
 * was submitted before it, and a slow one holds up nobody who writes.
 *
 * Closing: wait until every `done` was called (they may submit more), then stop the workers. The
 * writer ends last, because the last connection to the file empties its write-ahead log. */

enum { WRITE_GROUP_MAX = 512, READ_GROUP_MAX = 16 };

struct job {
    struct list link;
    cache_exec_fn exec;
    cache_done_fn done;
    void *arg;
    enum { JOB_WRITE, JOB_READ, JOB_LOCAL } kind;
    uint64_t queued_ns, started_ns, ended_ns;
    int status;
};

struct group {
    struct cache_store *store;
    struct list jobs;
    size_t n_jobs;
    bool is_write, is_committed;
};

struct worker {
    struct cache_store *store;
    uv_thread_t thread;
    sqlite3 *db; /* of a reader: NULL until its first job */
    bool is_reader;
};

struct cache_store {
    struct loop *loop;
    const struct cache_profile *profile;
    char *path;
    struct worker writer, readers[CACHE_PROFILE_MAX_READERS];

    uv_mutex_t lock;
    uv_cond_t wake; /* for all: who may take the head depends on the head */
    struct list queued;
    uint64_t n_writing, n_written; /* write groups that were taken, and that were posted */
    bool is_stopping;
    unsigned n_reading; /* readers whose thread has not ended */

    /* Never sent: referenced while jobs are under way, because a post from another thread does not
     * keep the loop alive. */
    uv_async_t alive;
    bool is_closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
    struct cache_store_stats stats;
};

/* --- workers --- */

/* Moves the longest run of jobs of one kind from the queue: a read must not see what a failing
 * commit takes back. */
static void fill_group(struct group *g, struct list *queued)
{
    struct job *first = list_entry(queued->next, struct job, link);
    size_t max = first->kind == JOB_READ ? READ_GROUP_MAX : WRITE_GROUP_MAX;
    g->is_write = first->kind == JOB_WRITE;
    list_foreach(item, queued) {
        struct job *job = list_entry(item, struct job, link);
        if (job->kind != first->kind || g->n_jobs == max)
            break;
        list_unlink(item);
        list_append(&g->jobs, item);
        g->n_jobs++;
    }
}

static bool may_take_head(const struct worker *w)
{
    const struct cache_store *store = w->store;
    if (list_is_empty(&store->queued))
        return false;
    bool is_read = list_entry(store->queued.next, struct job, link)->kind == JOB_READ;
    if (w->is_reader)
        return is_read && store->n_writing == store->n_written;
    return !is_read || store->profile->readers == 0;
}

/* NULL at the end. */
static struct group *next_group(struct worker *w)
{
    struct cache_store *store = w->store;
    struct group *g = NULL;
    uv_mutex_lock(&store->lock);
    while (!may_take_head(w) && !(store->is_stopping && list_is_empty(&store->queued)))
        uv_cond_wait(&store->wake, &store->lock);
    if (!list_is_empty(&store->queued)) {
        g = mem_new(struct group);
        g->store = store;
        list_init(&g->jobs);
        fill_group(g, &store->queued);
        store->n_writing += !w->is_reader;
        /* The new head may be for somebody else. */
        uv_cond_broadcast(&store->wake);
    }
    uv_mutex_unlock(&store->lock);
    return g;
}

static void deliver(void *arg);
static void on_workers_end(void *arg);

static int run_in_savepoint(sqlite3 *db, struct job *job)
{
    int r = cache_sql_run(db, "SAVEPOINT job", "");
    if (r < 0)
        return r;
    r = job->exec(db, job->arg);
    if (sqlite3_get_autocommit(db))
        return r;
    if (r < 0)
        (void)cache_sql_run(db, "ROLLBACK TO job", "");
    int released = cache_sql_run(db, "RELEASE job", "");
    return r < 0 ? r : released;
}

/* Returns the code for the transaction as a whole. */
static int run_jobs(sqlite3 *db, struct group *g)
{
    list_foreach(item, &g->jobs) {
        struct job *job = list_entry(item, struct job, link);
        job->started_ns = uv_hrtime();
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
    int r = cache_sql_run(db, g->is_write ? "BEGIN IMMEDIATE" : "BEGIN", "");
    if (r == 0)
        r = run_jobs(db, g);
    if (r == 0)
        r = cache_sql_run(db, "COMMIT", "");
    g->is_committed = r == 0 && g->is_write;
    if (r < 0 && !sqlite3_get_autocommit(db))
        (void)cache_sql_run(db, "ROLLBACK", "");
    if (r < 0)
        fail_all(g, r);
}

/* A reader opens its connection when it has something to read. */
static int open_reader(struct worker *w)
{
    return w->db ? 0 : cache_db_open_reader(w->store->path, w->store->profile, &w->db);
}

static void note_end(struct group *g)
{
    uint64_t now = uv_hrtime();
    list_foreach(item, &g->jobs) {
        list_entry(item, struct job, link)->ended_ns = now;
    }
}

/* A read may have seen a write that was committed meanwhile and is not posted yet. Its `done` comes
 * after that of every write it saw, so that nobody finds on disk what has not happened yet. */
static void wait_for_writes(struct cache_store *store)
{
    uv_mutex_lock(&store->lock);
    uint64_t n_seen = store->n_writing;
    while (store->n_written < n_seen)
        uv_cond_wait(&store->wake, &store->lock);
    uv_mutex_unlock(&store->lock);
}

static void read_all(void *arg)
{
    struct worker *w = arg;
    struct cache_store *store = w->store;
    for (struct group *g; (g = next_group(w));) {
        int r = open_reader(w);
        if (r == 0)
            run_group(w->db, g);
        else
            fail_all(g, r);
        note_end(g);
        wait_for_writes(store);
        loop_post(store->loop, deliver, g);
    }
    cache_db_close(w->db);
    uv_mutex_lock(&store->lock);
    store->n_reading--;
    uv_cond_broadcast(&store->wake);
    uv_mutex_unlock(&store->lock);
}

static void write_all(void *arg)
{
    struct worker *w = arg;
    struct cache_store *store = w->store;
    for (struct group *g; (g = next_group(w));) {
        run_group(w->db, g);
        note_end(g);
        loop_post(store->loop, deliver, g);
        uv_mutex_lock(&store->lock);
        store->n_written++;
        uv_cond_broadcast(&store->wake);
        uv_mutex_unlock(&store->lock);
    }
    uv_mutex_lock(&store->lock);
    while (store->n_reading > 0)
        uv_cond_wait(&store->wake, &store->lock);
    uv_mutex_unlock(&store->lock);
    cache_db_checkpoint(w->db);
    cache_db_close(w->db);
    loop_post(store->loop, on_workers_end, store);
}

/* --- the loop's side --- */

static void stop_workers(struct cache_store *store)
{
    uv_mutex_lock(&store->lock);
    store->is_stopping = true;
    uv_cond_broadcast(&store->wake);
    uv_mutex_unlock(&store->lock);
}

/* After each change of n_waiting or is_closing. */
static void settle(struct cache_store *store)
{
    if (store->stats.n_waiting > 0)
        return;
    if (store->is_closing)
        stop_workers(store);
    else
        uv_unref((uv_handle_t *)&store->alive);
}

static void count(struct cache_store_stats *stats, int status, bool is_write)
{
    stats->n_jobs++;
    if (status == 0)
        stats->last_ok_ms = clock_mono_ms();
    else
        stats->n_failed++;
    bool is_answer = status == UV_ENOENT || status == UV_EEXIST || status == UV_EINVAL;
    stats->last_error = is_answer ? 0 : status;
    if (is_write)
        stats->last_write_error = stats->last_error;
}

static void add_times(struct cache_store_times *t, const struct job *job)
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
        count(&store->stats, job->status, job->kind == JOB_WRITE);
        add_times(job->kind == JOB_WRITE ? &store->stats.writes : &store->stats.reads, job);
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
    mem_free(store->path);
    mem_free(store);
    if (on_closed)
        on_closed(arg);
}

static void on_workers_end(void *arg)
{
    struct cache_store *store = arg;
    for (unsigned i = 0; i < store->profile->readers; i++)
        uv_thread_join(&store->readers[i].thread);
    uv_thread_join(&store->writer.thread);
    uv_cond_destroy(&store->wake);
    uv_mutex_destroy(&store->lock);
    uv_close((uv_handle_t *)&store->alive, on_alive_closed);
}

static int start_worker(struct cache_store *store, struct worker *w, uv_thread_cb work)
{
    w->store = store;
    w->is_reader = work == read_all;
    return uv_thread_create(&w->thread, work, w);
}

static int start_workers(struct cache_store *store)
{
    int r = uv_async_init(&store->loop->uv, &store->alive, NULL);
    for (unsigned i = 0; r == 0 && i < store->profile->readers; i++)
        r = start_worker(store, &store->readers[i], read_all);
    return r == 0 ? start_worker(store, &store->writer, write_all) : r;
}

struct cache_store *cache_store_new(struct loop *loop, sqlite3 *db,
                                    const struct cache_profile *profile)
{
    struct cache_store *store = mem_new(struct cache_store);
    store->loop = loop;
    store->profile = profile ? profile : cache_profile_default;
    store->path = mem_strdup(sqlite3_db_filename(db, "main"));
    store->writer.db = db;
    store->n_reading = store->profile->readers;
    list_init(&store->queued);
    uv_mutex_init(&store->lock);
    uv_cond_init(&store->wake);
    /* What it sets cannot fail on an open database; a job that meets the same trouble tells. */
    (void)cache_db_tune(db, store->profile);
    int r = start_workers(store);
    if (r < 0) {
        /* Like running out of memory: nothing can be acknowledged without the worker. */
        fprintf(stderr, "ldplayerd: cannot start the database threads: %s\n", uv_strerror(r));
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
    job->queued_ns = uv_hrtime();
    if (store->is_closing && store->stats.n_waiting == 0) {
        job->status = UV_ECANCELED;
        loop_post(store->loop, finish_cancelled, job);
        return;
    }
    store->stats.n_waiting++;
    uv_ref((uv_handle_t *)&store->alive);
    uv_mutex_lock(&store->lock);
    list_append(&store->queued, &job->link);
    uv_cond_broadcast(&store->wake);
    uv_mutex_unlock(&store->lock);
}

void cache_store_write(struct cache_store *store, cache_exec_fn exec, cache_done_fn done, void *arg)
{
    submit(store, &(struct job){.exec = exec, .done = done, .arg = arg, .kind = JOB_WRITE});
}

void cache_store_read(struct cache_store *store, cache_exec_fn exec, cache_done_fn done, void *arg)
{
    submit(store, &(struct job){.exec = exec, .done = done, .arg = arg, .kind = JOB_READ});
}

void cache_store_read_local(struct cache_store *store, cache_exec_fn exec, cache_done_fn done,
                            void *arg)
{
    submit(store, &(struct job){.exec = exec, .done = done, .arg = arg, .kind = JOB_LOCAL});
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

struct cache_store_stats cache_store_stats(const struct cache_store *store)
{
    return store->stats;
}
