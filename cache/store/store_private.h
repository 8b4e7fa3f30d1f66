/* SPDX-License-Identifier: MIT */
#ifndef CACHE_STORE_PRIVATE_H
#define CACHE_STORE_PRIVATE_H

#include "cache/store/place.h"
#include "cache/store/store.h"

/** Shared by store.c (the loop's side: jobs come and go), store_worker.c (the threads) and
 *  store_health.c (what the ends of jobs say about the database). */

struct cache_job {
    struct list link;   /* of a queue, then of its group */
    struct list undone; /* of the loop: writes that have not ended, oldest first */
    cache_exec_fn exec;
    cache_done_fn done;
    void *arg;
    bool is_write;
    uint64_t queued_ns, started_ns, ended_ns;
    int status;
};

/** Jobs that run in one transaction. */
struct cache_job_group {
    struct cache_store *store;
    struct list jobs;
    size_t n_jobs;
    bool is_write, is_committed;
    bool has_changed; /* the commit changed a row */
};

struct cache_worker {
    struct cache_store *store;
    uv_thread_t thread;
    sqlite3 *db; /* of a reader: NULL until its first job */
    struct list *queue;
    unsigned wal_pages; /* of the writer: in the write-ahead log after the last commit */
};

/** What is looked at now and then. */
struct cache_look {
    int place;           /* of cache_place_check */
    uint64_t free_bytes; /* UINT64_MAX = not known */
};

struct cache_store {
    struct loop *loop;
    const struct cache_profile *profile;
    struct cache_place place;
    struct cache_worker writer, readers[CACHE_PROFILE_MAX_READERS];

    uv_mutex_t lock;
    uv_cond_t wake;
    struct list writes, reads; /* queued, in the order of submission */
    bool is_stopping;
    unsigned n_reading; /* readers whose thread has not ended */

    /* Never sent: referenced while jobs are under way, because a post from another thread does not
     * keep the loop alive. */
    uv_async_t alive;
    bool is_delivering, is_closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
    struct cache_store_stats stats;

    struct list undone;
    struct cache_store_health health;
    cache_store_health_fn on_health;
    void *on_health_arg;
    uv_timer_t tick;
    uv_work_t look; /* under way while is_looking */
    bool is_looking;
    struct cache_look looked; /* of the look */
    unsigned n_open;          /* handles and requests that closing waits for */
};

/* --- store.c --- */

/** Frees STORE when the last of what is open has ended. */
void cache_store_release(struct cache_store *store);
/** Hands a group that has ended to the loop. Worker threads. */
void cache_store_deliver(struct cache_job_group *g);
/** Worker threads: the last one has ended. */
void cache_store_end(struct cache_store *store);

/* --- store_worker.c --- */

/** Returns 0 or a UV code; then no thread runs. */
int cache_workers_start(struct cache_store *store);
/** They end when the queues are empty. */
void cache_workers_stop(struct cache_store *store);
void cache_workers_join(struct cache_store *store);

/* --- store_health.c --- */

void cache_store_health_start(struct cache_store *store);
void cache_store_health_stop(struct cache_store *store);
/** Before the `done` of G's jobs. */
void cache_store_health_note(struct cache_store *store, const struct cache_job_group *g);

#endif
