/* SPDX-License-Identifier: MIT */
#ifndef CACHE_RESULTS_H
#define CACHE_RESULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop/loop.h"
#include "base/memory/blob.h"
#include "cache/results/lru.h"
#include "cache/results/tier.h"

/** The result cache: answers that cost something to make, kept under a key until they are too old
 *  or what they are made from changes. Readers of one key that is missing share one load
 *  (single flight). Loop thread only; times are the loop's (uv_now).
 *
 *      fresh                        -> HIT
 *      too old, within stale_ms     -> STALE, and one load starts (stale-while-revalidate)
 *      too old, the load fails      -> STALE within error_ms, else the error (stale-if-error)
 *      missing                      -> MISS after the load; a failure answers all who wait and is
 *                                      remembered for failure_ms
 *      asked for younger than kept  -> BYPASS after a load that began late enough
 *      nothing is kept (disabled)   -> BYPASS after the load
 *
 *  What is missing in memory is asked of the second tier before a load starts: fresh there is a HIT
 *  with its age, if all that it was made from is still in the state in which it was then. */
enum cache_outcome { CACHE_HIT, CACHE_MISS, CACHE_STALE, CACHE_BYPASS };
/** "HIT", "MISS", "STALE", "BYPASS": the values of the X-Cache header. */
const char *cache_outcome_name(enum cache_outcome outcome);

enum { CACHE_KEY_MAX = 512 };

/** How long results of one kind are good for, and what they are made from. */
struct cache_policy {
    uint64_t ttl_ms;     /* 0 = the default of the limits */
    uint64_t stale_ms;   /* after the TTL; 0 = not stale while a load runs */
    uint64_t error_ms;   /* after the TTL; how long a failing load is bridged */
    uint64_t failure_ms; /* how long a failure is remembered; 0 = not */
    bool is_local;       /* never in the second tier: it means something in this process only */
    /** Names, as cache_results_change knows them: NULL-terminated and as long-lived as the cache,
     *  or NULL. */
    const char *const *dependencies;
};

struct cache_results;
struct cache_load;
struct cache_wait;

/** What came of a fetch. VALUE belongs to the cache and ends with the call: take a reference to
 *  keep it. */
struct cache_result {
    enum cache_outcome outcome;
    int status; /* 0, or the UV code of the load; then VALUE is NULL */
    struct blob *value;
    uint64_t age_ms; /* of what it was made from */
};
typedef void (*cache_result_fn)(void *arg, const struct cache_result *result);
/** Makes the value of KEY and ends with cache_load_end, now or in a later turn. */
typedef void (*cache_load_fn)(void *arg, const char *key, struct cache_load *load);

/** Ends a load. VALUE's reference is taken over; NULL when STATUS is not 0. AGE_MS: of the oldest
 * of what it is made from, when that is older than the load. A value that does not fit the limits
 *  answers those who wait and is not kept. */
void cache_load_end(struct cache_load *load, int status, struct blob *value, uint64_t age_ms);

/** How old what LOAD is made from may be, as of its begin: 0 when it has to be looked at from now
 *  on, UINT64_MAX when nobody who waits has asked. */
uint64_t cache_load_max_age_ms(const struct cache_load *load);
/** Whether the cache is closing: what LOAD would be made from may be gone, so it is to end with
 *  UV_ECANCELED. */
bool cache_load_is_in_vain(const struct cache_load *load);

struct cache_results_options {
    struct cache_limits limits;
    bool is_enabled;      /* false: nothing is kept, loads are still shared: BYPASS */
    unsigned max_waiters; /* for one load; more get UV_EBUSY */
};

/** TIER: the second tier, owned by the cache from here on; NULL for memory alone. */
struct cache_results *cache_results_new(struct loop *loop, struct cache_tier *tier,
                                        const struct cache_results_options *options);
/** Waiting fetches end with UV_ECANCELED, within the call. Loads under way must still end, into
 *  nothing; ON_CLOSED, in a later turn, waits for them. */
void cache_results_close(struct cache_results *r, void (*on_closed)(void *arg), void *arg);

/** The value of KEY when it is fresh and in memory, without a callback: for the hot path. Counts as
 *  a hit. NULL otherwise, and then nothing is counted. The value belongs to the cache; it is good
 *  until the next call. */
struct blob *cache_results_get(struct cache_results *r, const char *key, uint64_t *ret_age_ms);

/** What is asked for. All fetches of one key have the same policy and load alike: those of the
 *  first one serve all who wait with it. A load may begin after DONE, and again for others, so
 *  LOAD_ARG lives as long as the cache: it is nothing of the one who asks. */
struct cache_fetch {
    const char *key; /* at most CACHE_KEY_MAX bytes without control characters, else UV_EINVAL */
    const struct cache_policy *policy; /* copied */
    /* UINT64_MAX: what the policy allows. Else what is kept counts only when it is so young, and a
     * load under way only when it began so late: 0 is for who wants one that begins from now on.
     * All who come while one is under way share the next. What they get is kept for others. */
    uint64_t max_age_ms;
    cache_load_fn load;
    void *load_arg;
    cache_result_fn done;
    void *arg;
};
/** DONE comes exactly once: within the call when the answer is there, and then NULL is returned, or
 *  in a later turn. A fetch that comes after an invalidation is never answered by a load that began
 *  before it, nor by its failure. */
struct cache_wait *cache_results_fetch(struct cache_results *r, const struct cache_fetch *fetch);
/** The caller no longer waits: DONE does not come. The load goes on, for others and the cache. */
void cache_results_cancel(struct cache_wait *wait);
/** Keeps VALUE (its reference is taken over), made AGE_MS ago, without a load: what somebody learnt
 *  anyway. What a load under way makes is not kept then, it may be older. Returns 0, UV_EINVAL for
 * a bad key, UV_E2BIG when it does not fit the limits, or UV_ECANCELED when nothing is kept. */
int cache_results_put(struct cache_results *r, const char *key, const struct cache_policy *policy,
                      struct blob *value, uint64_t age_ms);

/** Each returns how many entries went. A load under way for one of them still answers those who
 *  wait, but is not kept: what it read may be what has changed. Remembered failures go as well. */

/** A pattern that does not pass cache_glob_check matches nothing. */
size_t cache_results_invalidate(struct cache_results *r, const char *pattern);
size_t cache_results_clear(struct cache_results *r);
/** What results are made from under NAME is now in STATE, a digest of all that they show of it.
 *  When that is another than before (0 to begin with), all that depends on NAME is forgotten; of
 *  the second tier, which outlives us, only what was made in this state is taken. */
size_t cache_results_change(struct cache_results *r, const char *name, uint64_t state);

/** New limits act at once: what is too much is evicted; disabled, all of memory is forgotten. */
void cache_results_configure(struct cache_results *r, const struct cache_results_options *options);
const struct cache_results_options *cache_results_options(const struct cache_results *r);

/** Figures since start or reset. Each answer is one of hits, misses, stale and bypassed, but for
 *  bad keys and a cache that closes. */
struct cache_results_stats {
    struct cache_lru_stats memory;
    uint64_t hits, misses, stale, bypassed;
    uint64_t tier_hits;            /* answered by the second tier, fresh or stale */
    uint64_t coalesced;            /* fetches that waited for a load of somebody else */
    uint64_t refreshes;            /* loads that nobody waited for when they began: stale answers */
    uint64_t loads, failed_loads;  /* that have ended; how many of them failed */
    uint64_t load_ms, max_load_ms; /* together; the longest */
    uint64_t refused;              /* fetches over max_waiters */
    uint64_t invalidated;          /* entries */
    unsigned loading, waiting;     /* now */
};
struct cache_results_stats cache_results_stats(const struct cache_results *r);
void cache_results_reset_stats(struct cache_results *r);
/** The entries in memory, most recently used first. */
const struct cache_lru *cache_results_memory(const struct cache_results *r);
/** NULL for memory alone. */
const struct cache_tier *cache_results_tier(const struct cache_results *r);

#endif
