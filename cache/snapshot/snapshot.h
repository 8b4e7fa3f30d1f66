/* SPDX-License-Identifier: MIT */
#ifndef CACHE_SNAPSHOT_H
#define CACHE_SNAPSHOT_H

#include "base/memory/blob.h"
#include "base/memory/map.h"
#include "cache/snapshot/instance.h"

/** The current view of all instances, ready to be written to a socket. An instance is serialised
 *  once per change; the list is put together from those pieces at most once per millisecond, so
 *  that `age_ms` is true and a thousand readers share the bytes. Loop thread only. */

struct cache_entry {
    struct cache_instance instance;
    struct blob *json; /* without freshness and closing brace */
    char etag[24];     /* quoted, from the content (evidence apart); equal content gives an
                        * equal tag */
    uint64_t hash;     /* part of the list's tag */
    struct map_node by_id;
    const char *unseen;   /* why the last look did not show it; NULL = it did */
    int64_t seen_wall_ms; /* UNSEEN: the wall clock of the last one that did; 0 = not known */
    /* Scratch of an update: what takes its place (NULL = nothing), and what `unseen` becomes. */
    struct cache_entry *next;
    const char *next_unseen;
};

/** One change of an update, for events. */
enum cache_change_kind { CACHE_CHANGE_ADDED, CACHE_CHANGE_CHANGED, CACHE_CHANGE_REMOVED };
struct cache_change {
    enum cache_change_kind kind;
    const struct cache_instance *instance; /* after; before for a removed one */
    const char *diff;                      /* JSON of cache_instance_diff; NULL unless changed */
};
/** CHANGE ends with the call. The snapshot already shows the change and may be read, but not
 *  updated, from here. */
typedef void (*cache_change_fn)(void *arg, const struct cache_change *change);

struct cache_snapshot;

/** ON_CHANGE may be NULL. */
struct cache_snapshot *cache_snapshot_new(cache_change_fn on_change, void *arg);
/** Accepts NULL. */
void cache_snapshot_free(struct cache_snapshot *s);

/** An update: begin, put or keep each instance once, end. It may take many turns of the loop:
 *  readers see all instances as they were before until `end`, and all as they are from then on.
 *  What was neither put nor kept is gone then. Items are kept in ascending index order. An update
 *  that was not ended is forgotten by the next `begin`. INSTANCE is copied. New evidence alone
 *  replaces the entry's JSON but is no change. */
void cache_snapshot_begin(struct cache_snapshot *s);
void cache_snapshot_put(struct cache_snapshot *s, const struct cache_instance *instance);
/** Instead of put, for one that is as it was. */
void cache_snapshot_keep(struct cache_snapshot *s, const struct cache_entry *entry);
/** The same of one that the look did not show, for the reason in WHY (a literal): it keeps its own
 *  age, and readers get it as stale. */
void cache_snapshot_keep_unseen(struct cache_snapshot *s, const struct cache_entry *entry,
                                const char *why);
/** OBSERVED: monotonic and wall clock time of the look that the update came from. Staleness stays
 *  as it is. */
void cache_snapshot_end(struct cache_snapshot *s, uint64_t observed_ms, int64_t observed_wall_ms);
/** Calls on_change for at most N_MAX changes of the update that has ended; returns whether more are
 *  left, of which the next `begin` tells at the latest. */
bool cache_snapshot_report(struct cache_snapshot *s, size_t n_max);
/** Adds one instance, or replaces the one that has its id and index (labels, group, desired state),
 *  apart from updates; on_change is called from here. An update that is under way keeps what was
 *  set, and does not know one that was added. */
void cache_snapshot_put_one(struct cache_snapshot *s, const struct cache_instance *instance);
/** Loads what the database remembered: no callbacks, source "cache", observed as given (0 = not
 *  known). */
void cache_snapshot_load(struct cache_snapshot *s, const struct cache_instance *items, size_t n,
                         int64_t observed_wall_ms);

/** From now on answers are marked stale with REASON (copied), or no longer with NULL. */
void cache_snapshot_set_stale(struct cache_snapshot *s, const char *reason);
/** Milliseconds since the observation; UINT64_MAX before the first and after load. */
uint64_t cache_snapshot_age_ms(const struct cache_snapshot *s, uint64_t now_ms);
bool cache_snapshot_is_observed(const struct cache_snapshot *s);
const char *cache_snapshot_stale_reason(const struct cache_snapshot *s); /* NULL when not stale */
int64_t cache_snapshot_observed_wall_ms(const struct cache_snapshot *s);

size_t cache_snapshot_count(const struct cache_snapshot *s);
/** Items in ascending index order; valid until the next update. */
const struct cache_entry *cache_snapshot_at(const struct cache_snapshot *s, size_t i);
const struct cache_entry *cache_snapshot_by_id(const struct cache_snapshot *s, const char *id);
const struct cache_entry *cache_snapshot_by_index(const struct cache_snapshot *s, int index);
/** The first with NAME; *RET_N counts all. */
const struct cache_entry *cache_snapshot_by_name(const struct cache_snapshot *s, const char *name,
                                                 size_t *ret_n);

/** `{"items":[...],"total":n,"observed_at":..,"age_ms":..,"source":..,"stale_reason":..}`; the
 *  caller owns one reference. IS_LIVE: the reader waited for this observation. Each item carries
 *  the same freshness, or its own where it was not seen: `"observed_at":..,"age_ms":..,
 *  "source":".."` and, when stale, `"stale_reason":".."`. `observed_at` and `age_ms` are null while
 *  nothing is known; after load, and of what was not seen, the age comes from the wall clock. */
struct blob *cache_snapshot_list(struct cache_snapshot *s, uint64_t now_ms, bool is_live);
/** "live" for a reader that waited for this observation, else "cache" or "stale". */
const char *cache_snapshot_source(const struct cache_snapshot *s, bool is_live);
/** Tag of the whole list; changes when any instance or their set does. Quoted. Valid until the
 *  next update. */
const char *cache_snapshot_etag(const struct cache_snapshot *s);
/** Appends one instance as a complete object, or, with E NULL, only the freshness and closing
 *  brace: `,"observed_at":..,...}`. */
void cache_snapshot_append_instance(const struct cache_snapshot *s, const struct cache_entry *e,
                                    uint64_t now_ms, bool is_live, struct buf *out);

#endif
