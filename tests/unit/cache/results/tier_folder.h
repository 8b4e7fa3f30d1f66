/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CACHE_TIER_FOLDER_H
#define TESTS_UNIT_CACHE_TIER_FOLDER_H

#include "base/loop/loop.h"
#include "cache/results/tier.h"

/** An example of a tier, the one that docs/cache-backends.md explains: values as files in FOLDER,
 *  which exists. They outlive the process. */
struct cache_tier *tier_folder_new(struct loop *loop, const char *folder);

#endif
