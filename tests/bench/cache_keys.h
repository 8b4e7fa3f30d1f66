/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CACHE_KEYS_H
#define BENCH_CACHE_KEYS_H

#include <stddef.h>

/** Keys as the API has them, and the order in which they are asked for: the same for both sides of
 *  a measure. Each hundredth begins with "workstations_" and ends with "_list". */
enum { CACHE_KEYS_ASKED = 400000 };

struct cache_keys {
    size_t n;
    char **stored;
    const char **asked; /* CACHE_KEYS_ASKED of them at random, in memory of their own */
};

void cache_keys_init(struct cache_keys *keys, size_t n);

#endif
