/* SPDX-License-Identifier: MIT */
#ifndef CACHE_EVENTS_PRIVATE_H
#define CACHE_EVENTS_PRIVATE_H

#include "cache/tables/events.h"

/** Shared by events.c (writing and publishing) and events_read.c (history). */

struct cache_events {
    struct cache_store *store; /* NULL before cache_events_set_store */
    uv_timer_t *retry;         /* closes on its own, after cache_events_free */
    uint64_t keep, n_rows;     /* as far as the table is known here */
    uint64_t origin, last_seq;

    struct list waiting; /* struct waiting; without a seq yet */
    size_t n_waiting;
    uint64_t n_dropped; /* since the last event was written */
    bool is_writing;    /* one batch at a time keeps the order */
    bool is_refused;    /* the last batch failed; the timer runs */

    /* The newest published by this process, whose numbers have no holes: seq S stands at
     * S % CACHE_EVENTS_IN_MEMORY. */
    struct cache_event ring[CACHE_EVENTS_IN_MEMORY];
    uint64_t first_in_memory; /* last_seq + 1 when there is none */

    struct list subscribers;
    unsigned publishing; /* depth; unsubscribing waits for 0 */

    unsigned n_jobs; /* at the store or posted; the last one frees after is_freed */
    bool is_freed;
};

/** After a job of the event log has ended: frees EVENTS when its owner has let go. */
void cache_events_release_job(struct cache_events *events);

/** An event as it is told; DATA is the text of a JSON object. */
struct cache_event cache_events_make(uint64_t seq, int64_t time, const char *type,
                                     const char *data);

#endif
