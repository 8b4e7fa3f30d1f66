/* SPDX-License-Identifier: MIT */
#ifndef CACHE_TIER_H
#define CACHE_TIER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory/blob.h"

/** A second tier behind the memory of the result cache, shared with other nodes or outliving the
 *  process. docs/cache-backends.md tells how to write one. Loop thread only; nothing may block.
 *
 *  A tier is best effort: whatever fails is a miss, counted by the tier and told by `health`. It
 *  embeds this struct first. */
struct cache_tier {
    const struct cache_tier_ops *ops;
};

/** A value as it was kept: the times are relative, because clocks of two machines differ. */
struct cache_tier_item {
    struct blob *value; /* belongs to the tier; ends with the call */
    uint64_t age_ms;
    uint64_t fresh_ms; /* left of the TTL; 0 = only good as a stale one */
    uint64_t left_ms;  /* until it is good for nothing */
};
/** ITEM is NULL when the tier does not have it, is away, or did not answer in time. */
typedef void (*cache_tier_got_fn)(void *arg, const struct cache_tier_item *item);

/** What the cache hears from other nodes. KEY_PATTERN is a glob; memory forgets what it matches. */
typedef void (*cache_tier_invalidated_fn)(void *arg, const char *key_pattern);

struct cache_tier_health {
    bool is_up;
    char detail[200]; /* why not, and since when; "" when up */
    uint64_t n_gets, n_hits, n_puts, n_failed, n_reconnects;
};

struct cache_tier_ops {
    const char *name; /* as in the option cache_backend */
    /** Called once, before anything else. */
    void (*start)(struct cache_tier *tier, cache_tier_invalidated_fn fn, void *arg);
    /** DONE comes exactly once, in a later turn or within the call. */
    void (*get)(struct cache_tier *tier, const char *key, cache_tier_got_fn done, void *arg);
    /** VALUE is read, or referenced, not taken over. */
    void (*put)(struct cache_tier *tier, const char *key, struct blob *value, uint64_t fresh_ms,
                uint64_t left_ms);
    /** Removes everything KEY_PATTERN (a glob) matches, here and at the other nodes. */
    void (*invalidate)(struct cache_tier *tier, const char *key_pattern);
    void (*health)(const struct cache_tier *tier, struct cache_tier_health *ret);
    /** Gets under way end without an item; then ON_CLOSED, then the tier is gone. */
    void (*close)(struct cache_tier *tier, void (*on_closed)(void *arg), void *arg);
};

#endif
