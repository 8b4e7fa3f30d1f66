/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CACHE_STORE_JOBS_H
#define TESTS_UNIT_CACHE_STORE_JOBS_H

#include "base/memory/cleanup.h"
#include "tests/unit/cache/fixture.h"

/** Jobs for tests of the store. */

/* A job that inserts event SEQ, SIZE bytes long, and notes what became of it. */
struct insert {
    int64_t seq;
    int64_t size;
    int result; /* what exec returns after the insert */
    int n_runs, n_done, status;
    unsigned order;
    unsigned *next_order;
};

static inline int exec_insert(sqlite3 *db, void *arg)
{
    struct insert *i = arg;
    i->n_runs++;
    int r = cache_sql_run(db, "INSERT INTO events VALUES (?, 0, 'x', hex(zeroblob(?)))", "ii",
                          i->seq, i->size);
    return r < 0 ? r : i->result;
}

static inline void on_insert(void *arg, int status)
{
    struct insert *i = arg;
    i->n_done++;
    i->status = status;
    if (i->next_order)
        i->order = ++*i->next_order;
}

/* A job that counts the events. */
struct counting {
    struct cache_store *store; /* for note_waiting */
    int64_t n;
    int n_done, status;
};

static inline int exec_count(sqlite3 *db, void *arg)
{
    struct counting *c = arg;
    c->n = query_number(db, "SELECT count(*) FROM events");
    return 0;
}

static inline void on_count(void *arg, int status)
{
    struct counting *c = arg;
    c->n_done++;
    c->status = status;
}

/* Holds the writer until it is told to go on, so that jobs gather behind it. */
struct gate {
    uv_sem_t is_shut, may_open;
};

static inline int exec_wait(sqlite3 *db, void *arg)
{
    struct gate *gate = arg;
    (void)db;
    uv_sem_post(&gate->is_shut);
    uv_sem_wait(&gate->may_open);
    return 0;
}

/* What is submitted from here on is not in the gate's transaction. */
static inline void shut(struct gate *gate, struct cache_store *store)
{
    uv_sem_init(&gate->is_shut, 0);
    uv_sem_init(&gate->may_open, 0);
    cache_store_write(store, exec_wait, NULL, gate);
    uv_sem_wait(&gate->is_shut);
}

static inline void open_gate(struct gate *gate)
{
    uv_sem_post(&gate->may_open);
}

static inline void gate_deinit(struct gate *gate)
{
    uv_sem_destroy(&gate->is_shut);
    uv_sem_destroy(&gate->may_open);
}

static inline int64_t count_stored(const struct fixture *f)
{
    sqlite3 *db = open_beside(f->folder);
    int64_t n = query_number(db, "SELECT count(*) FROM events");
    cache_db_close(db);
    return n;
}

#endif
