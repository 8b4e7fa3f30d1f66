/* SPDX-License-Identifier: MIT */
#include "base/memory/mem.h"
#include "cache/store/store_private.h"

/* The writer and the readers. They share what stands under the store's `lock`; a connection belongs
 * to its thread.
 *
 *      next_group (from the worker's own queue) -> run_group -> cache_store_deliver
 *
 * The writer is the only one that writes and the only one that copies the write-ahead log back. It
 * does that when it has told of the commit: nobody waits for it. It ends last, so that it can empty
 * the log. */

enum { GROUP_MAX = 512, READ_GROUP_MAX = 16 };

/* Moves as many jobs as go into one transaction from QUEUE. */
static void fill_group(struct cache_job_group *g, struct list *queue)
{
    g->is_write = list_entry(queue->next, struct cache_job, link)->is_write;
    size_t max = g->is_write ? GROUP_MAX : READ_GROUP_MAX;
    list_foreach(item, queue) {
        if (g->n_jobs == max)
            break;
        list_unlink(item);
        list_append(&g->jobs, item);
        g->n_jobs++;
    }
}

/* NULL at the end. */
static struct cache_job_group *next_group(struct cache_worker *w)
{
    struct cache_store *store = w->store;
    struct cache_job_group *g = NULL;
    uv_mutex_lock(&store->lock);
    while (list_is_empty(w->queue) && !store->is_stopping)
        uv_cond_wait(&store->wake, &store->lock);
    if (!list_is_empty(w->queue)) {
        g = mem_new(struct cache_job_group);
        g->store = store;
        list_init(&g->jobs);
        fill_group(g, w->queue);
    }
    uv_mutex_unlock(&store->lock);
    return g;
}

/* --- one transaction --- */

static int run_in_savepoint(sqlite3 *db, struct cache_job *job)
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

/* Returns the code for the transaction as a whole: without savepoints that of the first write that
 * fails, which cannot be undone alone then. */
static int run_jobs(sqlite3 *db, struct cache_job_group *g, bool in_savepoints)
{
    list_foreach(item, &g->jobs) {
        struct cache_job *job = list_entry(item, struct cache_job, link);
        job->started_ns = uv_hrtime();
        job->status = in_savepoints ? run_in_savepoint(db, job) : job->exec(db, job->arg);
        /* Some errors make SQLite roll back by itself; what ran before is gone then. */
        if (sqlite3_get_autocommit(db))
            return job->status < 0 ? job->status : UV_EIO;
        if (job->status < 0 && g->is_write && !in_savepoints)
            return job->status;
    }
    return 0;
}

static void roll_back(sqlite3 *db)
{
    if (!sqlite3_get_autocommit(db))
        (void)cache_sql_run(db, "ROLLBACK", "");
}

static int begin(sqlite3 *db, const struct cache_job_group *g)
{
    return cache_sql_run(db, g->is_write ? "BEGIN IMMEDIATE" : "BEGIN", "");
}

/* For a savepoint SQLite copies every page that a job changes, two fifths of what a commit
 * computes, and hardly a job ever fails: savepoints are for the second time. N_CHANGES is what
 * SQLite had counted before what counts, for it counts what is undone too. */
static int run_or_repeat(sqlite3 *db, struct cache_job_group *g, int64_t *n_changes)
{
    *n_changes = sqlite3_total_changes64(db);
    int r = run_jobs(db, g, false);
    if (r == 0 || !g->is_write || g->n_jobs == 1)
        return r;
    roll_back(db);
    *n_changes = sqlite3_total_changes64(db);
    r = begin(db, g);
    return r == 0 ? run_jobs(db, g, true) : r;
}

static void fail_all(struct cache_job_group *g, int status)
{
    list_foreach(item, &g->jobs) {
        struct cache_job *job = list_entry(item, struct cache_job, link);
        if (job->status == 0)
            job->status = status;
    }
}

static void run_group(struct cache_worker *w, struct cache_job_group *g)
{
    sqlite3 *db = w->db;
    int64_t n_changes = 0;
    int r = begin(db, g);
    if (r == 0)
        r = run_or_repeat(db, g, &n_changes);
    /* As late as it can still be undone. */
    if (r == 0 && g->is_write)
        r = cache_place_check(&w->store->place, w->wal_pages);
    if (r == 0)
        r = cache_sql_run(db, "COMMIT", "");
    g->is_committed = r == 0 && g->is_write;
    g->has_changed = g->is_committed && sqlite3_total_changes64(db) > n_changes;
    if (r < 0) {
        roll_back(db);
        fail_all(g, r);
    }
}

static void finish_group(struct cache_job_group *g)
{
    uint64_t now = uv_hrtime();
    list_foreach(item, &g->jobs) {
        list_entry(item, struct cache_job, link)->ended_ns = now;
    }
    cache_store_deliver(g);
}

/* --- the threads --- */

/* A reader opens its connection when it has something to read, by name: what stands there must be
 * what the writer has. */
static int open_reader(struct cache_worker *w)
{
    struct cache_store *store = w->store;
    if (w->db)
        return 0;
    int r = cache_db_open_reader(store->place.paths[0], store->profile, &w->db);
    int moved = cache_place_check(&store->place, 0);
    if (moved < 0)
        cache_sql_close(take_ptr(w->db));
    return moved < 0 ? moved : r;
}

static void read_all(void *arg)
{
    struct cache_worker *w = arg;
    struct cache_store *store = w->store;
    for (struct cache_job_group *g; (g = next_group(w));) {
        int r = open_reader(w);
        if (r == 0)
            run_group(w, g);
        else
            fail_all(g, r);
        finish_group(g);
    }
    cache_db_close(w->db);
    uv_mutex_lock(&store->lock);
    store->n_reading--;
    uv_cond_broadcast(&store->wake);
    uv_mutex_unlock(&store->lock);
}

static int note_wal(void *arg, sqlite3 *db, const char *name, int n_pages)
{
    struct cache_worker *w = arg;
    (void)db;
    (void)name;
    w->wal_pages = (unsigned)n_pages;
    return SQLITE_OK;
}

/* What is not copied back because somebody still reads it is the next commit's. */
static void copy_back(struct cache_worker *w)
{
    if (w->wal_pages < w->store->profile->checkpoint_pages)
        return;
    /* Not into what another program has put there; the next commit tells. */
    if (cache_place_check(&w->store->place, w->wal_pages) < 0)
        return;
    w->wal_pages = 0;
    cache_place_begin_copy(&w->store->place);
    (void)sqlite3_wal_checkpoint_v2(w->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    cache_place_end_copy(&w->store->place);
}

static void wait_for_readers(struct cache_store *store)
{
    uv_mutex_lock(&store->lock);
    while (store->n_reading > 0)
        uv_cond_wait(&store->wake, &store->lock);
    uv_mutex_unlock(&store->lock);
}

static void write_all(void *arg)
{
    struct cache_worker *w = arg;
    struct cache_store *store = w->store;
    /* In the place of SQLite's own, which copies back before the commit returns. */
    (void)sqlite3_wal_hook(w->db, note_wal, w);
    for (struct cache_job_group *g; (g = next_group(w));) {
        run_group(w, g);
        finish_group(g);
        copy_back(w);
    }
    wait_for_readers(store);
    /* A database that was moved gets its log, too, which is left empty where it is. That of another
     * process is left as it is: there may be only one that copies back. */
    cache_place_begin_copy(&store->place); /* the last one, which needs no end */
    if (cache_place_is_mine(&store->place))
        cache_db_checkpoint(w->db);
    else
        sqlite3_db_config(w->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    cache_db_close(w->db);
    cache_store_end(store);
}

static int start(struct cache_store *store, struct cache_worker *w, uv_thread_cb work,
                 struct list *queue)
{
    w->store = store;
    w->queue = queue;
    return uv_thread_create(&w->thread, work, w);
}

int cache_workers_start(struct cache_store *store)
{
    int r = 0;
    store->n_reading = store->profile->readers;
    for (unsigned i = 0; r == 0 && i < store->profile->readers; i++)
        r = start(store, &store->readers[i], read_all, &store->reads);
    return r == 0 ? start(store, &store->writer, write_all, &store->writes) : r;
}

void cache_workers_stop(struct cache_store *store)
{
    uv_mutex_lock(&store->lock);
    store->is_stopping = true;
    uv_cond_broadcast(&store->wake);
    uv_mutex_unlock(&store->lock);
}

void cache_workers_join(struct cache_store *store)
{
    for (unsigned i = 0; i < store->profile->readers; i++)
        uv_thread_join(&store->readers[i].thread);
    uv_thread_join(&store->writer.thread);
}
