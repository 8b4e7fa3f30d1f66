/* SPDX-License-Identifier: MIT */
#include "cache/results/results_json.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"

enum { MB = 1 << 20, SECOND = 1000 };

static const struct member {
    const char *name;
    size_t offset; /* of a uint64_t in the limits */
    uint64_t unit;
    uint64_t min, max;
    const char *rule;
} members[] = {
    {"max_entries", offsetof(struct cache_limits, max_entries), 1, 1, 10000000,
     "must be a whole number from 1 to 10000000"},
    {"max_memory_mb", offsetof(struct cache_limits, max_bytes), MB, 1, 1048576,
     "must be a whole number from 1 to 1048576"},
    {"default_ttl_seconds", offsetof(struct cache_limits, ttl_ms), SECOND, 1, 31536000,
     "must be a whole number from 1 to 31536000"},
    {"idle_seconds", offsetof(struct cache_limits, idle_ms), SECOND, 0, 31536000,
     "must be a whole number from 0 (never) to 31536000"},
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

/* Returns the rule that VALUE breaks, or NULL. */
static const char *read_number(const struct member *m, yyjson_val *value,
                               struct cache_limits *limits)
{
    if (!yyjson_is_uint(value) || yyjson_get_uint(value) < m->min ||
        yyjson_get_uint(value) > m->max)
        return m->rule;
    *(uint64_t *)((char *)limits + m->offset) = yyjson_get_uint(value) * m->unit;
    return NULL;
}

static const char *read_member(const char *name, yyjson_val *value,
                               struct cache_results_options *options)
{
    if (strcmp(name, "enabled") == 0) {
        options->is_enabled = yyjson_get_bool(value);
        return yyjson_is_bool(value) ? NULL : "must be true or false";
    }
    for (size_t i = 0; i < countof(members); i++) {
        if (strcmp(name, members[i].name) == 0)
            return read_number(&members[i], value, &options->limits);
    }
    return "is not known here";
}

static const char *memory_rule(const struct cache_limits *limits, char *out, size_t size)
{
    uint64_t memory = uv_get_total_memory();
    if (memory == 0 || limits->max_bytes <= memory)
        return NULL;
    snprintf(out, size, "must not be more than the %u MB that this machine has",
             (unsigned)(memory / MB));
    return out;
}

bool cache_results_options_read(yyjson_val *object, struct cache_results_options *options,
                                cache_results_refusal_fn refuse, void *arg)
{
    size_t i, max;
    yyjson_val *key, *value;
    bool is_good = true;
    char text[100];
    yyjson_obj_foreach(object, i, max, key, value) {
        const char *rule = read_member(yyjson_get_str(key), value, options);
        if (!rule && strcmp(yyjson_get_str(key), "max_memory_mb") == 0)
            rule = memory_rule(&options->limits, text, sizeof(text));
        is_good &= !rule;
        if (rule && refuse)
            refuse(arg, yyjson_get_str(key), rule);
    }
    return is_good;
}
