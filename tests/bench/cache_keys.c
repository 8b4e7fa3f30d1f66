/* SPDX-License-Identifier: MIT */
#include "tests/bench/cache_keys.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/timing.h"

static char *make_key(size_t i)
{
    char *key;
    const char *shape =
        i % 100 ? "instances/%08x?fields=name,state" : "workstations_%08x_of_all_list";
    if (asprintf(&key, shape, (unsigned)i * 2654435761u) < 0)
        timing_fail("asprintf");
    return key;
}

void cache_keys_init(struct cache_keys *keys, size_t n)
{
    char **copies = calloc(n, sizeof(*copies));
    uint64_t state = 1;
    keys->n = n;
    keys->stored = calloc(n, sizeof(*keys->stored));
    keys->asked = calloc(CACHE_KEYS_ASKED, sizeof(*keys->asked));
    for (size_t i = 0; i < n; i++) {
        keys->stored[i] = make_key(i);
        copies[i] = make_key(i);
    }
    for (size_t i = 0; i < CACHE_KEYS_ASKED; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        keys->asked[i] = copies[(state >> 33) % n];
    }
    free(copies);
}
