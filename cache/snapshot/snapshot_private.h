/* SPDX-License-Identifier: MIT */
#ifndef CACHE_SNAPSHOT_PRIVATE_H
#define CACHE_SNAPSHOT_PRIVATE_H

#include "cache/snapshot/snapshot.h"

/** Shared by snapshot.c (contents) and snapshot_list.c (what readers get). */

struct list_slot {
    struct blob *blob; /* NULL = none */
    uint64_t made_ms;
};

struct cache_snapshot {
    struct cache_entry **entries;
    size_t n_entries, cap;
    struct map by_id;
    cache_change_fn on_change;
    void *arg;

    bool is_observed;
    uint64_t observed_ms;
    int64_t observed_wall_ms;
    char *stale_reason;

    struct buf scratch; /* one instance is rendered here before its size is known */
    uint64_t hash;      /* sum of the entries' hashes: the tag costs nothing per unchanged entry */
    char etag[48];
    struct list_slot lists[2]; /* by is_live */
};

#endif
