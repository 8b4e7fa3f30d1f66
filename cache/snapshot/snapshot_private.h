/* SPDX-License-Identifier: MIT */
#ifndef CACHE_SNAPSHOT_PRIVATE_H
#define CACHE_SNAPSHOT_PRIVATE_H

#include "base/system/clock.h"
#include "cache/snapshot/snapshot.h"

/** Shared by snapshot.c (contents) and snapshot_list.c (what readers get). */

struct list_slot {
    struct blob *blob; /* NULL = none */
    uint64_t made_ms;
};

/** In ascending order of their indices, unless something was put in between. */
struct cache_entries {
    struct cache_entry **items;
    size_t n, cap;
    bool is_mixed;
};

/** What is to be reported of an update. ENTRY is NULL for one that is gone, BEFORE for a new one.
 *  BEFORE belongs to the change once the update has ended, ENTRY until then. */
struct entry_change {
    struct cache_entry *entry, *before;
};

struct cache_snapshot {
    struct cache_entries now; /* what readers see */
    struct map by_id;         /* the same */
    struct cache_entries next;
    bool is_updating;
    struct entry_change *changes;
    size_t n_changes, n_reported, changes_cap;
    cache_change_fn on_change;
    void *arg;

    bool is_observed;
    uint64_t observed_ms;
    int64_t observed_wall_ms;
    char observed_at[CLOCK_RFC3339_SIZE]; /* the same as text */
    char *stale_reason;

    struct buf scratch; /* one instance is rendered here before its size is known */
    uint64_t hash;      /* sum of the entries' hashes: the tag costs nothing per unchanged entry */
    char etag[48];
    struct list_slot lists[2]; /* by is_live */
};

#endif
