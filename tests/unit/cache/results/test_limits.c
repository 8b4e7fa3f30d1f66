/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "cache/results/limits.h"

static const uint64_t memory = UINT64_C(8) << 30;

static const struct cache_limits good = {
    .max_entries = 1000, .max_bytes = 512 << 20, .ttl_ms = 86400000, .idle_ms = 0};

Test(cache_limits, accepts_what_can_be)
{
    const char *field = NULL, *rule = NULL;
    struct cache_limits least = {1, 1, 1, 0},
                        most = {100000000, memory, CACHE_MAX_MS, CACHE_MAX_MS};
    cr_assert_eq(cache_limits_check(&good, memory, &field, &rule), 0);
    cr_assert_eq(cache_limits_check(&least, memory, &field, &rule), 0);
    cr_assert_eq(cache_limits_check(&most, memory, &field, &rule), 0);
    most.max_bytes = INT64_MAX;
    cr_assert_eq(cache_limits_check(&most, 0, &field, &rule), 0, "the memory is not known");
    cr_assert_null(field);
    cr_assert_null(rule);
}

Test(cache_limits, names_the_field_and_the_rule)
{
    struct cache_limits limits;
    const struct {
        uint64_t *number;
        uint64_t value;
        const char *field, *rule;
    } rows[] = {
        {&limits.max_entries, 0, "max_entries", "must be at least 1"},
        {&limits.max_entries, (uint64_t)-1, "max_entries", "must not be negative"},
        {&limits.max_entries, (uint64_t)INT64_MIN, "max_entries", "must not be negative"},
        {&limits.max_entries, 100000001, "max_entries", "must be at most 100,000,000"},
        {&limits.max_bytes, 0, "max_bytes", "must be at least 1"},
        {&limits.max_bytes, (uint64_t)-512, "max_bytes", "must not be negative"},
        {&limits.max_bytes, memory + 1, "max_bytes",
         "must not be larger than the memory of this machine"},
        {&limits.ttl_ms, 0, "ttl_ms", "must be at least 1"},
        {&limits.ttl_ms, (uint64_t)-1, "ttl_ms", "must not be negative"},
        {&limits.ttl_ms, CACHE_MAX_MS + 1, "ttl_ms", "must be at most ten years"},
        {&limits.idle_ms, (uint64_t)-1, "idle_ms", "must not be negative"},
        {&limits.idle_ms, INT64_MAX, "idle_ms", "must be at most ten years"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        const char *field = NULL, *rule = NULL;
        limits = good;
        *rows[i].number = rows[i].value;
        cr_assert_eq(cache_limits_check(&limits, memory, &field, &rule), UV_EINVAL, "row %zu", i);
        cr_assert_str_eq(field, rows[i].field);
        cr_assert_str_eq(rule, rows[i].rule);
    }
}
