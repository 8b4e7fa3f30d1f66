/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CACHE_DICE_H
#define TESTS_UNIT_CACHE_DICE_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/system/random.h"

/** Numbers that can be thrown again: the seed is printed, and LDPLAYERD_TEST_SEED sets it. */
struct dice {
    uint64_t seed, state;
};

static inline void dice_init(struct dice *d)
{
    const char *given = getenv("LDPLAYERD_TEST_SEED");
    if (given)
        d->seed = strtoull(given, NULL, 10);
    else
        random_bytes(&d->seed, sizeof(d->seed));
    d->state = d->seed;
    fprintf(stderr, "LDPLAYERD_TEST_SEED=%" PRIu64 "\n", d->seed);
}

/** SplitMix64. */
static inline uint64_t dice_throw(struct dice *d)
{
    uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/** From 0 to N - 1. */
static inline uint64_t dice_below(struct dice *d, uint64_t n)
{
    return dice_throw(d) % n;
}

#endif
