/* SPDX-License-Identifier: MIT */
#ifndef CACHE_EVENTS_H
#define CACHE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/blob.h"
#include "base/list.h"
#include "cache/store.h"

/** The event log. `seq` grows by one, is never reused and survives restarts, therefore an event
 *  is on disk before anyone hears of it. The newest (10,000 by default) are kept, in memory as
 *  far as this process made them, on disk all of them. Loop thread only. */

struct cache_event {
    uint64_t seq;
    int64_t time;      /* wall ms */
    char type[48];     /* "instance.changed" */
    struct blob *json; /* {"seq":..,"time":..,"type":..,"data":{..}} */
};

struct cache_events;

/** Reads the last seq from DB; before the worker starts. Returns 0 or a UV code. */
int cache_events_new(sqlite3 *db, unsigned keep, struct cache_events **ret);
void cache_events_set_store(struct cache_events *events, struct cache_store *store);
void cache_events_free(struct cache_events *events);

/** Appends an event; DATA is the text of a JSON object. It is published when it is durable. When
 *  the database refuses (full disk), events wait in memory and are tried again each second; past
 *  1,000 waiting the oldest are dropped and a `gap` event takes their place. */
void cache_events_emit(struct cache_events *events, const char *type, const char *data);

struct cache_subscriber;
/** Called for every published event in order of seq. */
typedef void (*cache_event_fn)(void *arg, const struct cache_event *event);
struct cache_subscriber *cache_events_subscribe(struct cache_events *events, cache_event_fn fn,
                                                void *arg);
void cache_events_unsubscribe(struct cache_subscriber *subscriber);

/** The seq of the newest published event; 0 when there never was one. */
uint64_t cache_events_last_seq(const struct cache_events *events);

/** History: events with seq > SINCE, at most LIMIT, oldest first. *RET_N of them; `is_gap` says
 *  that some between SINCE and the first are no longer kept. DONE comes on the loop, later. */
typedef void (*cache_events_page_fn)(void *arg, int status, const struct cache_event *items,
                                     size_t n_items, bool is_gap);
void cache_events_read(struct cache_events *events, uint64_t since, unsigned limit,
                       cache_events_page_fn done, void *arg);

#endif
