/* SPDX-License-Identifier: MIT */
#ifndef CACHE_LIMITS_H
#define CACHE_LIMITS_H

#include <stdint.h>

/** How much a cache keeps and for how long. */
struct cache_limits {
    uint64_t max_entries;
    uint64_t max_bytes; /* values, keys, tags and what keeping them takes */
    uint64_t ttl_ms;    /* of entries that are put without their own */
    uint64_t idle_ms;   /* gone when not used for so long; 0 = never for that reason */
};

/** No time is longer. */
#define CACHE_MAX_MS (UINT64_C(10) * 365 * 86400 * 1000)

/** MEMORY_BYTES: what the machine has; 0 = not known. Returns 0, or UV_EINVAL with the name of the
 *  first field that is wrong and what it must be: "must be at least 1". A negative number that was
 *  cast is told as one. */
int cache_limits_check(const struct cache_limits *limits, uint64_t memory_bytes,
                       const char **reterr_field, const char **reterr_rule);

#endif
