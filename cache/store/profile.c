/* SPDX-License-Identifier: MIT */
#include "cache/store/profile.h"

#include <string.h>

#include "base/memory/cleanup.h"

/* dev forgives a lost last second after a power cut and a leftover lock quickly; staging is prod on
 * a smaller machine; prod lets slow reads pass beside the writer and spreads checkpoints. */
const struct cache_profile cache_profiles[] = {
    {"dev", "NORMAL", 1, 16, 1000, 250, 512},
    {"staging", "FULL", 1, 32, 5000, 1000, 1024},
    {"prod", "FULL", 2, 64, 5000, 1000, 1024},
};

const size_t cache_n_profiles = countof(cache_profiles);
const struct cache_profile *const cache_profile_default =
    &cache_profiles[countof(cache_profiles) - 1];

const struct cache_profile *cache_profile_find(const char *name)
{
    for (size_t i = 0; i < cache_n_profiles; i++) {
        if (strcmp(cache_profiles[i].name, name) == 0)
            return &cache_profiles[i];
    }
    return NULL;
}
