/* SPDX-License-Identifier: MIT */
#ifndef CACHE_TIER_H
#define CACHE_TIER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory/blob.h"

/** A second tier behind the memory of the result cache, larger than it or outliving the process.
 *  What it holds is this node's own: nobody else puts there or takes from there.
 *  docs/cache-backends.md tells how to write one. Loop thread only; nothing may block.
 *
 *  A tier is best effort: whatever fails is a miss, counted by the tier and told by `health`. It
 *  embeds this struct first. */
struct cache_tier {
    const struct cache_tier_ops *ops;
};

/** A value that is put, and as it comes back: all the same but for its age. */
struct cache_tier_item {
    struct blob *value;
    uint64_t age_ms;    /* since it was made; less than the next two together */
    uint64_t ttl_ms;    /* it is fresh for so long */
    uint64_t stale_ms;  /* and then good as a stale one for so long */
    uint64_t made_from; /* the state of what it was made from */
};
/** ITEM is NULL when the tier does not have it, is away, or did not answer in time. It belongs to
 *  the tier and ends with the call. */
typedef void (*cache_tier_got_fn)(void *arg, const struct cache_tier_item *item);

struct cache_tier_health {
    bool is_up;
    char detail[300]; /* why not, and since when; when up, what is odd all the same, or "" */
    uint64_t n_gets, n_hits, n_puts, n_failed, n_reconnects;
    uint64_t n_bad; /* values that were none of ours, or not whole: misses */
};

struct cache_tier_ops {
    const char *name; /* as in the option cache_backend */
    /** DONE comes exactly once, in a later turn or within the call. */
    void (*get)(struct cache_tier *tier, const char *key, cache_tier_got_fn done, void *arg);
    /** ITEM ends with the call; its value is read, or referenced, not taken over. */
    void (*put)(struct cache_tier *tier, const char *key, const struct cache_tier_item *item);
    /** Removes everything KEY_PATTERN (a glob) matches. */
    void (*invalidate)(struct cache_tier *tier, const char *key_pattern);
    void (*health)(const struct cache_tier *tier, struct cache_tier_health *ret);
    /** Gets under way end without an item; then ON_CLOSED, then the tier is gone. */
    void (*close)(struct cache_tier *tier, void (*on_closed)(void *arg), void *arg);
};

#endif
