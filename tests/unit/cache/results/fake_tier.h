/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CACHE_FAKE_TIER_H
#define TESTS_UNIT_CACHE_FAKE_TIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/results/tier.h"

/** A second tier in an array, on the clock of results_fixture.h, that answers at once or when it is
 *  told to. */
enum { FAKE_TIER_ITEMS = 32, FAKE_TIER_GETS = 32 };

struct fake_tier {
    struct cache_tier base;
    struct {
        char key[64];
        struct cache_tier_item item; /* with a reference; its age as of kept_ms */
        uint64_t kept_ms;
    } items[FAKE_TIER_ITEMS];
    size_t n_items;
    struct {
        char key[64];
        cache_tier_got_fn done;
        void *arg;
    } gets[FAKE_TIER_GETS]; /* not answered yet */
    size_t n_gets;
    bool is_async;
    unsigned n_asked;
    char told[400]; /* patterns it was to invalidate, "a b " */
    bool is_closed;
};

void fake_tier_init(struct fake_tier *t);
/** After it was closed. */
void fake_tier_deinit(struct fake_tier *t);
/** Answers the get at INDEX of those under way. */
void fake_tier_answer(struct fake_tier *t, size_t index);
/** An item as a former process may have put it. */
void fake_tier_store(struct fake_tier *t, const char *key, const struct cache_tier_item *item);
/** NULL when there is none of KEY. */
const struct cache_tier_item *fake_tier_find(const struct fake_tier *t, const char *key);

#endif
