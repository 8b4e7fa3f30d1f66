/* SPDX-License-Identifier: MIT */
#ifndef CACHE_RESULTS_PRIVATE_H
#define CACHE_RESULTS_PRIVATE_H

#include "cache/results/results.h"

/** Shared by results.c (asking and keeping), results_load.c (one load from its first reader to its
 *  end), results_forget.c (invalidation) and results_tier.c (to and from the second tier). */

struct cache_results {
    struct loop *loop;
    struct cache_results_options options;
    struct cache_lru *memory;
    struct cache_lru *failures; /* the status of a load, by key */
    struct map states;          /* of dependencies, by name */
    struct map loads;           /* by key, until they have ended */
    struct cache_results_stats stats;
    struct cache_tier *tier; /* NULL = none, or closing */

    uv_timer_t sweep;
    unsigned n_open; /* timer, tier, loads */
    bool is_closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

struct cache_load {
    struct map_node by_key;
    struct cache_results *r;
    struct cache_policy policy;
    cache_load_fn fn;
    void *arg;
    struct list waits; /* oldest first */
    unsigned n_waiting;
    unsigned round; /* how often it has begun; 0 while the tier is asked */
    uint64_t began_ms;
    uint64_t max_age_ms; /* of what this round is made from, as of its begin */
    bool is_outdated;    /* what it has read may have changed since */
    char key[];
};

struct cache_wait {
    struct list link; /* of its load, or of those that are being answered */
    struct cache_results *r;
    struct cache_load *load;     /* NULL = being answered */
    struct cache_wait **in_call; /* where the fetch that has not returned yet looks, or NULL */
    unsigned round;              /* of the load: the first that will do */
    uint64_t max_age_ms;
    cache_result_fn done;
    void *arg;
};

static inline uint64_t cache_results_now(const struct cache_results *r)
{
    return uv_now(&r->loop->uv);
}

/** Whether something of AGE_MS will do for who asks for MAX_AGE_MS. */
static inline bool cache_results_is_young(uint64_t age_ms, uint64_t max_age_ms)
{
    return max_age_ms > 0 && age_ms <= max_age_ms;
}

/** After each change of n_open: frees R when it is closing and nothing is left. */
void cache_results_settle(struct cache_results *r);

/** Keeps VALUE in memory and in the tier; its reference is taken over. Returns as
 *  cache_results_put. */
int cache_results_keep(struct cache_results *r, const char *key, const struct cache_policy *policy,
                       struct blob *value, uint64_t age_ms);
/** How long beyond its TTL an entry can be of use. */
uint64_t cache_results_stale_ms(const struct cache_policy *policy);
/** The status that is remembered for KEY, or 0. */
int cache_results_failure(struct cache_results *r, const char *key);
/** The answer to who cannot have a new value because of STATUS: what is kept as long as POLICY
 *  bridges errors, else STATUS itself. The caller has a reference to the value. */
struct cache_result cache_results_bridge(struct cache_results *r, const char *key,
                                         const struct cache_policy *policy, int status);
/** What an answer is called that needed a load. */
enum cache_outcome cache_results_loaded(const struct cache_results *r, uint64_t max_age_ms);
/** Counts RESULT and hands it over. */
void cache_results_answer(struct cache_results *r, const struct cache_result *result,
                          cache_result_fn done, void *arg);

/* --- results_load.c --- */

struct cache_load *cache_load_find(const struct cache_results *r, const char *key);
/** There is none of FETCH's key. It has begun nothing and has nobody who waits. */
struct cache_load *cache_load_new(struct cache_results *r, const struct cache_fetch *fetch);
struct cache_wait *cache_load_join(struct cache_load *load, const struct cache_fetch *fetch);
/** Asks the tier, when there is one, before it begins. LOAD may have ended when this returns, and
 *  when cache_load_begin does. */
void cache_load_ask(struct cache_load *load);
void cache_load_begin(struct cache_load *load);

/** Ends everything that waits for any load. */
void cache_load_cancel_waits(struct cache_results *r);

/* --- results_forget.c --- */

/** A digest of the states of NAMES; 0 for none. */
uint64_t cache_results_state_of(const struct cache_results *r, const char *const *names);
void cache_results_free_states(struct cache_results *r);

/* --- results_tier.c --- */

void cache_results_tier_put(struct cache_results *r, const struct cache_item *item);
/** KEY_PATTERN: a glob that passed the check. */
void cache_results_tier_forget(struct cache_results *r, const char *key_pattern);
void cache_results_tier_forget_key(struct cache_results *r, const char *key);
/** Keeps what the tier has for LOAD in memory. Returns whether it answers those who wait; then RET
 *  is the answer, with a reference of the caller's. */
bool cache_results_tier_take(struct cache_load *load, const struct cache_tier_item *item,
                             struct cache_result *ret);

#endif
