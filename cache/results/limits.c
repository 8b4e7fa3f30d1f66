/* SPDX-License-Identifier: MIT */
#include "cache/results/limits.h"

#include <stddef.h>

#include <uv.h>

#include "base/memory/cleanup.h"

static const uint64_t most_entries = 100000000;

static const char *check_number(uint64_t n, uint64_t min, uint64_t max, const char *too_large)
{
    if (n > INT64_MAX)
        return "must not be negative";
    if (n < min)
        return "must be at least 1";
    return n > max ? too_large : NULL;
}

int cache_limits_check(const struct cache_limits *limits, uint64_t memory_bytes,
                       const char **reterr_field, const char **reterr_rule)
{
    uint64_t most_bytes = memory_bytes ? memory_bytes : INT64_MAX;
    static const char *const too_long = "must be at most ten years";
    const struct {
        const char *field, *rule;
    } checks[] = {
        {"max_entries",
         check_number(limits->max_entries, 1, most_entries, "must be at most 100,000,000")},
        {"max_bytes", check_number(limits->max_bytes, 1, most_bytes,
                                   "must not be larger than the memory of this machine")},
        {"ttl_ms", check_number(limits->ttl_ms, 1, CACHE_MAX_MS, too_long)},
        {"idle_ms", check_number(limits->idle_ms, 0, CACHE_MAX_MS, too_long)},
    };
    for (size_t i = 0; i < countof(checks); i++) {
        if (!checks[i].rule)
            continue;
        *reterr_field = checks[i].field;
        *reterr_rule = checks[i].rule;
        return UV_EINVAL;
    }
    return 0;
}
