/* SPDX-License-Identifier: MIT */
#include "cache/tables/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/tables/events_private.h"
#include "cache/tables/preferences.h"

/* emit -> waiting -> batch (gets its seqs, is written by one job) -> ring and subscribers
 *
 * A seq is given when a batch is made, so a batch that could not be written leaves no hole: its
 * events go back to the front of the queue. */

enum {
    BATCH_MAX = 256,
    DELETE_MAX = 2 * (BATCH_MAX + 1), /* when more are kept than are to be */
    RETRY_MS = 1000
};

/* No service makes a thousand events in each millisecond of its life, so the clock is always ahead
 * of the numbers, unless somebody sets it back. One that says more than half of what JavaScript
 * has, the year 2112, is not believed. */
#define NUMBERS_PER_MS 1000
#define MAX_BY_CLOCK (INT64_C(1) << 52)
#define LEAP INT64_C(1000000000)
#define EXACT "9007199254740991" /* the last that JavaScript can tell from the next: 2^53 - 1 */

static const char floor_name[] = "events.floor"; /* of the preferences */

struct waiting {
    struct list link;
    int64_t time;
    char type[sizeof(((struct cache_event *)0)->type)];
    char *data;
};

struct batch {
    struct cache_events *events;
    struct list sources; /* struct waiting, to go back if need be; in the order of items */
    size_t n_sources;
    struct cache_event *items;
    size_t n_items;
    uint64_t n_dropped; /* told by the first item */
    uint64_t n_delete;  /* as many of the oldest rows; as many as were, afterwards */
};

struct cache_subscriber {
    struct list link;
    cache_event_fn fn; /* NULL: unsubscribed while publishing */
    void *arg;
    uint64_t after;
    struct cache_events *events; /* NULL: freed */
};

/* --- numbers --- */

/* What is on disk of them. */
struct numbers {
    int64_t oldest, newest; /* events; 0 when there is none */
    int64_t floor; /* what comes is above this; 0 in a database that was never renumbered */
};

static int read_numbers(sqlite3 *db, struct numbers *ret)
{
    char *floor cleanup(mem_freep) = NULL;
    uint64_t number = 0;
    int r = cache_sql_number(db, "SELECT min(seq) FROM events WHERE seq >= 1", &ret->oldest);
    if (r == 0)
        r = cache_sql_number(db, "SELECT max(seq) FROM events WHERE seq <= " EXACT, &ret->newest);
    if (r == 0)
        r = cache_preferences_read(db, floor_name, &floor);
    if (r == 0 && floor)
        (void)str_parse_u64(floor, MAX_BY_CLOCK * 2, &number);
    ret->floor = (int64_t)number;
    return r;
}

static int64_t last_of(const struct numbers *n)
{
    return n->newest > n->floor ? n->newest : n->floor;
}

int cache_events_highest(sqlite3 *db, int64_t *ret)
{
    struct numbers n = {0};
    int r = read_numbers(db, &n);
    if (r == 0)
        *ret = last_of(&n);
    return r;
}

int cache_events_renumber(sqlite3 *db)
{
    return cache_events_renumber_above(db, 0);
}

int cache_events_renumber_above(sqlite3 *db, int64_t above)
{
    struct numbers n = {0};
    char text[24];
    /* No history of ours has them, and nothing could come after them. */
    int r = cache_sql_run(db, "DELETE FROM events WHERE seq < 1 OR seq > " EXACT, "");
    if (r == 0)
        r = read_numbers(db, &n);
    if (r < 0)
        return r;
    int64_t last = last_of(&n), by_clock = clock_wall_ms() * NUMBERS_PER_MS;
    if (above > last && above <= MAX_BY_CLOCK)
        last = above;
    if (by_clock <= last || by_clock > MAX_BY_CLOCK)
        by_clock = last + LEAP;
    snprintf(text, sizeof(text), "%" PRId64, by_clock);
    return cache_preferences_write(db, floor_name, text);
}

/* Behind the floor, or where there never was one, only the oldest are missing. What is left from
 * before it can have holes, so that is counted when it matters. */
static int count_rows(sqlite3 *db, const struct numbers *n, uint64_t keep, uint64_t *ret)
{
    int64_t count = n->newest ? n->newest - n->oldest + 1 : 0;
    int r = 0;
    if (n->oldest <= n->floor && (uint64_t)count > keep)
        r = cache_sql_number(db, "SELECT count(*) FROM events", &count);
    *ret = (uint64_t)count;
    return r;
}

int cache_events_new(sqlite3 *db, unsigned keep, struct cache_events **ret)
{
    struct numbers n = {0};
    uint64_t n_rows = 0, keep_rows = keep > 0 ? keep : 1;
    int r = read_numbers(db, &n);
    if (r == 0 && n.newest == 0)
        r = cache_events_renumber(db);
    if (r == 0)
        r = read_numbers(db, &n);
    if (r == 0)
        r = count_rows(db, &n, keep_rows, &n_rows);
    if (r < 0)
        return r;
    struct cache_events *events = mem_new(struct cache_events);
    events->keep = keep_rows;
    events->n_rows = n_rows;
    events->last_seq = (uint64_t)last_of(&n);
    events->origin = (uint64_t)(n.oldest > 0 && n.oldest <= n.floor ? n.oldest - 1 : n.floor);
    events->first_in_memory = events->last_seq + 1;
    list_init(&events->waiting);
    list_init(&events->subscribers);
    *ret = events;
    return 0;
}

static void free_waiting(struct waiting *w)
{
    mem_free(w->data);
    mem_free(w);
}

static void free_waiting_list(struct list *head)
{
    list_foreach(item, head) {
        list_unlink(item);
        free_waiting(list_entry(item, struct waiting, link));
    }
}

static void destroy(struct cache_events *events)
{
    free_waiting_list(&events->waiting);
    for (size_t i = 0; i < countof(events->ring); i++)
        blob_unref(events->ring[i].json);
    mem_free(events);
}

void cache_events_release_job(struct cache_events *events)
{
    events->n_jobs--;
    if (events->is_freed && events->n_jobs == 0)
        destroy(events);
}

static void on_timer_closed(uv_handle_t *handle)
{
    mem_free(handle);
}

void cache_events_free(struct cache_events *events)
{
    if (!events)
        return;
    list_foreach(item, &events->subscribers) {
        list_unlink(item);
        list_entry(item, struct cache_subscriber, link)->events = NULL;
    }
    if (events->retry)
        uv_close((uv_handle_t *)events->retry, on_timer_closed);
    events->retry = NULL;
    events->is_freed = true;
    events->n_jobs++;
    cache_events_release_job(events);
}

static void sweep_subscribers(struct cache_events *events)
{
    list_foreach(item, &events->subscribers) {
        struct cache_subscriber *s = list_entry(item, struct cache_subscriber, link);
        if (s->fn)
            continue;
        list_unlink(item);
        mem_free(s);
    }
}

/* Nothing is unlinked while this runs, and new subscribers come at the end with `after` set. */
static void publish(struct cache_events *events, const struct cache_event *event)
{
    struct cache_event *slot = &events->ring[event->seq % CACHE_EVENTS_IN_MEMORY];
    blob_unref(slot->json);
    *slot = *event;
    blob_ref(slot->json);
    events->last_seq = event->seq;
    if (events->last_seq - events->first_in_memory >= CACHE_EVENTS_IN_MEMORY)
        events->first_in_memory++;

    events->publishing++;
    list_foreach(item, &events->subscribers) {
        struct cache_subscriber *s = list_entry(item, struct cache_subscriber, link);
        if (s->fn && event->seq > s->after)
            s->fn(s->arg, event);
    }
    if (--events->publishing == 0)
        sweep_subscribers(events);
}

struct cache_subscriber *cache_events_subscribe(struct cache_events *events, cache_event_fn fn,
                                                void *arg)
{
    struct cache_subscriber *s = mem_new(struct cache_subscriber);
    s->fn = fn;
    s->arg = arg;
    s->after = events->last_seq;
    s->events = events;
    list_append(&events->subscribers, &s->link);
    return s;
}

void cache_events_unsubscribe(struct cache_subscriber *s)
{
    if (!s)
        return;
    s->fn = NULL;
    if (s->events && s->events->publishing > 0)
        return;
    list_unlink(&s->link);
    mem_free(s);
}

uint64_t cache_events_last_seq(const struct cache_events *events)
{
    return events->last_seq;
}

uint64_t cache_events_origin(const struct cache_events *events)
{
    return events->origin;
}

struct cache_event cache_events_make(uint64_t seq, int64_t time, const char *type, const char *data)
{
    struct cache_event event = {.seq = seq, .time = time};
    char when[CLOCK_RFC3339_SIZE];
    struct buf json cleanup(buf_deinit);

    str_copy(event.type, sizeof(event.type), type);
    clock_format(time, when);
    buf_init(&json, 0);
    (void)buf_printf(&json, "{\"seq\":%" PRIu64 ",\"time\":\"%s\",\"type\":", seq, when);
    json_append_str(&json, event.type);
    (void)buf_append_str(&json, ",\"data\":");
    (void)buf_append_str(&json, data);
    (void)buf_append_str(&json, "}");
    event.json = blob_copy(json.data, json.len);
    return event;
}

/* Takes up to BATCH_MAX waiting events, and tells of dropped ones first. */
static struct batch *make_batch(struct cache_events *events)
{
    struct batch *b = mem_new(struct batch);
    uint64_t seq = events->last_seq;
    b->events = events;
    list_init(&b->sources);
    b->items = mem_calloc(BATCH_MAX + 1, sizeof(*b->items));
    b->n_dropped = events->n_dropped;
    events->n_dropped = 0;
    if (b->n_dropped > 0) {
        char data[48];
        snprintf(data, sizeof(data), "{\"dropped\":%" PRIu64 "}", b->n_dropped);
        b->items[b->n_items++] = cache_events_make(++seq, clock_wall_ms(), "gap", data);
    }
    list_foreach(item, &events->waiting) {
        if (b->n_sources == BATCH_MAX)
            break;
        struct waiting *w = list_entry(item, struct waiting, link);
        list_unlink(item);
        list_append(&b->sources, item);
        b->n_sources++;
        b->items[b->n_items++] = cache_events_make(++seq, w->time, w->type, w->data);
    }
    events->n_waiting -= b->n_sources;
    uint64_t n_rows = events->n_rows + b->n_items;
    b->n_delete = n_rows > events->keep ? n_rows - events->keep : 0;
    if (b->n_delete > DELETE_MAX)
        b->n_delete = DELETE_MAX;
    return b;
}

static int exec_batch(sqlite3 *db, void *arg)
{
    struct batch *b = arg;
    for (size_t i = 0; i < b->n_items; i++) {
        const struct cache_event *e = &b->items[i];
        int r = cache_sql_run(db, "INSERT INTO events (seq, time, type, json) VALUES (?, ?, ?, ?)",
                              "iiss", (int64_t)e->seq, e->time, e->type, e->json->data);
        if (r < 0)
            return r;
    }
    if (b->n_delete == 0)
        return 0;
    int r = cache_sql_run(db,
                          "DELETE FROM events WHERE seq IN"
                          " (SELECT seq FROM events ORDER BY seq LIMIT ?)",
                          "i", (int64_t)b->n_delete);
    if (r == 0)
        b->n_delete = (uint64_t)sqlite3_changes64(db);
    return r;
}

static void drop_oldest(struct cache_events *events)
{
    while (events->n_waiting > CACHE_EVENTS_MAX_WAITING) {
        struct list *oldest = events->waiting.next;
        list_unlink(oldest);
        free_waiting(list_entry(oldest, struct waiting, link));
        events->n_waiting--;
        events->n_dropped++;
    }
}

static void take_back(struct cache_events *events, struct batch *b)
{
    while (!list_is_empty(&b->sources)) {
        struct list *newest = b->sources.prev;
        list_unlink(newest);
        list_append(events->waiting.next, newest);
    }
    events->n_waiting += b->n_sources;
    events->n_dropped += b->n_dropped;
}

static void free_batch(struct batch *b)
{
    free_waiting_list(&b->sources);
    for (size_t i = 0; i < b->n_items; i++)
        blob_unref(b->items[i].json);
    mem_free(b->items);
    mem_free(b);
}

static void flush(struct cache_events *events);

static void on_retry(uv_timer_t *timer)
{
    flush(timer->data);
}

static void on_written(void *arg, int status)
{
    struct batch *b = arg;
    struct cache_events *events = b->events;

    events->is_writing = false;
    events->is_refused = status < 0;
    if (status == 0) {
        events->n_rows += b->n_items - b->n_delete;
        for (size_t i = 0; i < b->n_items && !events->is_freed; i++)
            publish(events, &b->items[i]);
    } else {
        take_back(events, b);
        drop_oldest(events);
    }
    free_batch(b);
    if (!events->is_freed && status == 0)
        flush(events);
    else if (!events->is_freed && status != UV_ECANCELED)
        uv_timer_start(events->retry, on_retry, RETRY_MS, 0);
    cache_events_release_job(events);
}

static void flush(struct cache_events *events)
{
    if (!events->store || events->is_writing ||
        (list_is_empty(&events->waiting) && events->n_dropped == 0))
        return;
    events->is_writing = true;
    events->n_jobs++;
    cache_store_write(events->store, exec_batch, on_written, make_batch(events));
}

void cache_events_set_store(struct cache_events *events, struct cache_store *store)
{
    events->store = store;
    events->retry = mem_new(uv_timer_t);
    uv_timer_init(&cache_store_loop(store)->uv, events->retry);
    /* Waiting for a disk to get room must not keep a stopping process alive. */
    uv_unref((uv_handle_t *)events->retry);
    events->retry->data = events;
    flush(events);
}

void cache_events_emit(struct cache_events *events, const char *type, const char *data)
{
    struct waiting *w = mem_new(struct waiting);
    w->time = clock_wall_ms();
    str_copy(w->type, sizeof(w->type), type);
    w->data = mem_strdup(data);
    list_append(&events->waiting, &w->link);
    events->n_waiting++;
    if (events->is_refused) {
        drop_oldest(events);
        return;
    }
    flush(events);
}
