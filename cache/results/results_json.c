/* SPDX-License-Identifier: MIT */
#include "cache/results/results_json.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"

enum { MB = 1 << 20, SECOND = 1000, RULE_SIZE = 100 };

static const struct member {
    const char *name;
    size_t offset; /* of a uint64_t in the limits */
    uint64_t unit, max;
} members[] = {
    {"max_entries", offsetof(struct cache_limits, max_entries), 1, CACHE_MAX_ENTRIES},
    {"max_memory_mb", offsetof(struct cache_limits, max_bytes), MB, CACHE_MAX_MEMORY_MB},
    {"default_ttl_seconds", offsetof(struct cache_limits, ttl_ms), SECOND, CACHE_MAX_TTL_S},
};

void cache_results_options_add(yyjson_mut_doc *doc, yyjson_mut_val *object,
                               const struct cache_results_options *options)
{
    for (size_t i = 0; i < countof(members); i++) {
        const char *at = (const char *)&options->limits + members[i].offset;
        yyjson_mut_obj_add_uint(doc, object, members[i].name,
                                *(const uint64_t *)at / members[i].unit);
    }
    yyjson_mut_obj_add_bool(doc, object, "enabled", options->is_enabled);
}

/* Each reader returns whether VALUE is good; else RULE says what it must be. */

static bool read_number(const struct member *m, yyjson_val *value, struct cache_limits *limits,
                        char *rule)
{
    uint64_t number = yyjson_get_uint(value), memory = uv_get_total_memory();
    if (!yyjson_is_uint(value) || number < 1 || number > m->max) {
        snprintf(rule, RULE_SIZE, "must be a whole number from 1 to %" PRIu64, m->max);
        return false;
    }
    if (m->unit == MB && memory > 0 && number > memory / MB) {
        snprintf(rule, RULE_SIZE, "must not be more than the %" PRIu64 " MB that this machine has",
                 memory / MB);
        return false;
    }
    *(uint64_t *)((char *)limits + m->offset) = number * m->unit;
    return true;
}

static bool read_member(const char *name, yyjson_val *value, struct cache_results_options *options,
                        char *rule)
{
    for (size_t i = 0; i < countof(members); i++) {
        if (strcmp(name, members[i].name) == 0)
            return read_number(&members[i], value, &options->limits, rule);
    }
    bool is_known = strcmp(name, "enabled") == 0;
    snprintf(rule, RULE_SIZE, "%s", is_known ? "must be true or false" : "is not known here");
    if (is_known)
        options->is_enabled = yyjson_get_bool(value);
    return is_known && yyjson_is_bool(value);
}

bool cache_results_options_read(yyjson_val *object, struct cache_results_options *options,
                                cache_results_refusal_fn refuse, void *arg)
{
    size_t i, max;
    yyjson_val *key, *value;
    bool is_good = true;
    yyjson_obj_foreach(object, i, max, key, value) {
        char rule[RULE_SIZE];
        if (read_member(yyjson_get_str(key), value, options, rule))
            continue;
        is_good = false;
        if (refuse)
            refuse(arg, yyjson_get_str(key), rule);
    }
    return is_good;
}
