/* SPDX-License-Identifier: MIT */
#include "cache/tables/events.h"

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "cache/tables/events_private.h"

/* A page comes from memory when all of it is there, else from the table. */

struct page {
    struct cache_events *events;
    uint64_t since;
    unsigned limit;
    struct cache_event *items;
    size_t n_items, cap;
    bool is_again;
    cache_events_page_fn done;
    void *arg;
};

static void finish(struct page *p, int status)
{
    struct cache_events *events = p->events;
    p->done(p->arg, status, p->items, p->n_items);
    for (size_t i = 0; i < p->n_items; i++)
        blob_unref(p->items[i].json);
    mem_free(p->items);
    mem_free(p);
    cache_events_release_job(events);
}

static struct cache_event *add_item(struct page *p)
{
    p->items = mem_grow(p->items, p->n_items, &p->cap, sizeof(*p->items));
    return &p->items[p->n_items++];
}

/* The number that comes behind what the page has so far. */
static uint64_t next_seq(const struct page *p)
{
    return (p->n_items > 0 ? p->items[p->n_items - 1].seq : p->since) + 1;
}

/* A text that has been damaged is one event that is lost. */
static void read_row(sqlite3_stmt *row, struct cache_event *ret)
{
    uint64_t seq = (uint64_t)sqlite3_column_int64(row, 0);
    int64_t time = sqlite3_column_int64(row, 1);
    if (!cache_sql_is_json(row, 3)) {
        *ret = cache_events_make(seq, time, "gap", "{\"dropped\":1}");
        return;
    }
    *ret = (struct cache_event){.seq = seq, .time = time};
    str_copy(ret->type, sizeof(ret->type), cache_sql_text(row, 2));
    ret->json = blob_copy(cache_sql_text(row, 3), (size_t)sqlite3_column_bytes(row, 3));
}

static int exec_read(sqlite3 *db, void *arg)
{
    struct page *p = arg;
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(
        db, &stmt, "SELECT seq, time, type, json FROM events WHERE seq >= ? ORDER BY seq LIMIT ?",
        "ii", (int64_t)next_seq(p), (int64_t)(p->limit - p->n_items));
    if (r < 0)
        return r;
    int stepped;
    while ((stepped = sqlite3_step(stmt)) == SQLITE_ROW)
        read_row(stmt, add_item(p));
    return stepped == SQLITE_DONE ? 0 : cache_sql_error_code(db);
}

/* Up to the newest, or the limit. */
static void add_from_memory(struct page *p, uint64_t seq)
{
    const struct cache_events *events = p->events;
    for (; seq <= events->last_seq && p->n_items < p->limit; seq++) {
        struct cache_event *e = add_item(p);
        *e = events->ring[seq % CACHE_EVENTS_IN_MEMORY];
        blob_ref(e->json);
    }
}

/* What is on disk and not told of yet comes to those who subscribe. */
static void drop_unpublished(struct page *p)
{
    while (p->n_items > 0 && p->items[p->n_items - 1].seq > p->events->last_seq)
        blob_unref(p->items[--p->n_items].json);
}

/* The page is handed over as things are now, not as they were when it was read: whoever subscribes
 * inside `done` then misses nothing. */
static void on_read(void *arg, int status)
{
    struct page *p = arg;
    const struct cache_events *events = p->events;
    drop_unpublished(p);
    bool is_behind = next_seq(p) < events->first_in_memory && p->n_items < p->limit;
    if (status == 0 && is_behind && !p->is_again) {
        p->is_again = true;
        cache_store_read(events->store, exec_read, on_read, p);
        return;
    }
    /* What is neither there nor in memory has been deleted. */
    if (status == 0)
        add_from_memory(p, is_behind ? events->first_in_memory : next_seq(p));
    finish(p, status);
}

static void finish_from_memory(void *arg)
{
    struct page *p = arg;
    if (p->since + 1 < p->events->first_in_memory) {
        cache_store_read(p->events->store, exec_read, on_read, p);
        return;
    }
    add_from_memory(p, p->since + 1);
    finish(p, 0);
}

void cache_events_read(struct cache_events *events, uint64_t since, unsigned limit,
                       cache_events_page_fn done, void *arg)
{
    struct page *p = mem_new(struct page);
    p->events = events;
    p->since = since;
    p->limit = limit;
    p->done = done;
    p->arg = arg;
    events->n_jobs++;
    if (since + 1 >= events->first_in_memory)
        loop_post(cache_store_loop(events->store), finish_from_memory, p);
    else
        cache_store_read(events->store, exec_read, on_read, p);
}
