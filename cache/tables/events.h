/* SPDX-License-Identifier: MIT */
#ifndef CACHE_EVENTS_H
#define CACHE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory/blob.h"
#include "base/memory/list.h"
#include "cache/store/store.h"

/** The event log. `seq` grows by one, is never reused and survives restarts, therefore an event
 *  is on disk before anyone hears of it. A history that takes the place of another, because the
 *  database is new, was repaired or restored, has higher numbers than any before: it begins at the
 *  wall clock's milliseconds x 1,000. The numbers are below 2^53, so JSON, JavaScript and
 * PowerShell have them exactly.
 *
 *  The newest (10,000 by default) are kept on disk, and the newest CACHE_EVENTS_IN_MEMORY of this
 *  process in memory too. Loop thread only, except where a connection is taken. */

enum { CACHE_EVENTS_IN_MEMORY = 1024, CACHE_EVENTS_MAX_WAITING = 1000 };

struct cache_event {
    uint64_t seq;
    int64_t time;      /* wall ms */
    char type[48];     /* "instance.changed" */
    struct blob *json; /* {"seq":..,"time":..,"type":..,"data":{..}} */
};

struct cache_events;

/** Makes numbers go on from the wall clock's, or by a leap when that is behind: for a database that
 *  may have told of more than it knows. On a connection, before cache_events_new, or in a job for
 *  the next start. Returns 0 or a UV code. */
int cache_events_renumber(sqlite3 *db);
/** The same, and above ABOVE: what another database told of, whose place this one takes. A number
 *  that no clock leads to is not believed. */
int cache_events_renumber_above(sqlite3 *db, int64_t above);
/** The highest number that DB can have told of. Returns 0 or a UV code. */
int cache_events_highest(sqlite3 *db, int64_t *ret);
/** Reads from DB where the numbers are; a log without events is renumbered. Before the worker
 *  starts. KEEP is at least 1. Returns 0 or a UV code. */
int cache_events_new(sqlite3 *db, unsigned keep, struct cache_events **ret);
/** Events that were emitted before are written now. */
void cache_events_set_store(struct cache_events *events, struct cache_store *store);
/** After the store has closed, so that nothing waits any more (what waits is lost), and while the
 *  loop still runs. Subscribers hear nothing more and are still unsubscribed by their owners.
 *  Accepts NULL. */
void cache_events_free(struct cache_events *events);

/** Appends an event; DATA is the text of a JSON object. It is published when it is durable. When
 *  the database refuses (full disk), events wait in memory and are tried again each second; past
 *  1,000 waiting the oldest are dropped and a `gap` event (`{"dropped":n}`) takes their place. */
void cache_events_emit(struct cache_events *events, const char *type, const char *data);

struct cache_subscriber;
/** Called for every event published after the subscription, in order of seq. EVENT ends with the
 *  call; keep its `json` by a reference. May subscribe, unsubscribe and emit. */
typedef void (*cache_event_fn)(void *arg, const struct cache_event *event);
struct cache_subscriber *cache_events_subscribe(struct cache_events *events, cache_event_fn fn,
                                                void *arg);
/** Accepts NULL. */
void cache_events_unsubscribe(struct cache_subscriber *subscriber);

/** The seq of the newest published event, or behind which the first one will come. */
uint64_t cache_events_last_seq(const struct cache_events *events);
/** The number behind which this history begins: who has it has missed nothing yet. */
uint64_t cache_events_origin(const struct cache_events *events);

/** History: events with seq > SINCE, at most LIMIT, oldest first. Where a number is missing,
 * between SINCE and the first or further on, an event is no longer kept or never reached this
 * history. DONE comes on the loop, later; ITEMS end with the call. Fewer than LIMIT items: who
 * subscribes inside DONE misses nothing and hears nothing twice. Needs the store. */
typedef void (*cache_events_page_fn)(void *arg, int status, const struct cache_event *items,
                                     size_t n_items);
void cache_events_read(struct cache_events *events, uint64_t since, unsigned limit,
                       cache_events_page_fn done, void *arg);

#endif
