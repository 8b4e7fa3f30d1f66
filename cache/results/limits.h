/* SPDX-License-Identifier: MIT */
#ifndef CACHE_LIMITS_H
#define CACHE_LIMITS_H

#include <stdint.h>

/** How much a cache keeps and for how long; each at least 1. */
struct cache_limits {
    uint64_t max_entries;
    uint64_t max_bytes; /* values, keys, tags and what keeping them takes */
    uint64_t ttl_ms;    /* of entries that are put without their own */
};

/** What somebody may set at most; of memory no more than the machine has either. */
enum { CACHE_MAX_ENTRIES = 10000000, CACHE_MAX_MEMORY_MB = 1048576, CACHE_MAX_TTL_S = 365 * 86400 };
/** No time of an entry is longer. */
#define CACHE_MAX_MS (UINT64_C(10) * 365 * 86400 * 1000)

#endif
