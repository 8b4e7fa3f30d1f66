/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CACHE_TIER_SUITE_H
#define TESTS_UNIT_CACHE_TIER_SUITE_H

#include "base/loop/loop.h"
#include "cache/results/tier.h"

/** What every tier promises in cache/results/tier.h, as tests that any of them can be put to. */

struct tier_suite {
    /** A tier on what ARG stands for. It may need a while until it is up. */
    struct cache_tier *(*open)(struct loop *loop, void *arg);
    void *arg;
};

/** Runs all of it; the first thing that is wrong fails the Criterion test that is running. */
void tier_suite_run(const struct tier_suite *suite);

/** A tier with a loop of its own, for the suite and for what a test adds to it. */
struct tier_node {
    struct loop *loop;
    uv_timer_t tick; /* lets a loop that is waited in look again */
    struct cache_tier *tier;
    bool is_closed;
};

/** What a get gave. */
struct tier_got {
    unsigned n_done;
    bool is_hit;
    struct cache_tier_item item; /* without its value */
    struct blob *value;          /* with a reference, or NULL */
};

/** Takes TIER over. */
void tier_node_init(struct tier_node *n, struct loop *loop, struct cache_tier *tier);
/** Closes the tier and waits until it is closed. */
void tier_node_deinit(struct tier_node *n);
/** Runs the loop until IS_TRUE(ARG). */
void tier_node_wait(struct tier_node *n, bool (*is_true)(void *arg), void *arg);
void tier_node_wait_up(struct tier_node *n);
void tier_node_wait_down(struct tier_node *n);
struct cache_tier_health tier_node_health(const struct tier_node *n);

/** As made now. */
void tier_node_put(struct tier_node *n, const char *key, const char *text, uint64_t ttl_ms,
                   uint64_t stale_ms);
/** Waits for the answer. Good for one more call; tier_got_clear gives the value back. */
struct tier_got tier_node_get(struct tier_node *n, const char *key);
void tier_got_clear(struct tier_got *got);
/** For cache_tier_got_fn: ARG is a struct tier_got. */
void tier_got_note(void *arg, const struct cache_tier_item *item);
/** Waits for the answer and checks that it is TEXT, or a miss for NULL. */
void tier_node_expect(struct tier_node *n, const char *key, const char *text);

#endif
