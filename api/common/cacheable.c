/* SPDX-License-Identifier: MIT */
#include "api/common/cacheable.h"

#include <stdio.h>
#include <string.h>

#include "base/text/str.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, DAY = 24 * 60 * MINUTE };

static const char *const on_workstations[] = {API_DEPENDS_WORKSTATIONS, API_DEPENDS_INSTANCES,
                                              NULL};

/* The list and each of them live and die together. */
#define LIKE_WORKSTATIONS                                                                          \
    {.ttl_ms = 300 * SECOND,                                                                       \
     .error_ms = DAY,                                                                              \
     .failure_ms = SECOND,                                                                         \
     .dependencies = on_workstations},                                                             \
        "a workstation is made, changed or removed, its status changes, or what it shows of its "  \
        "instances does"

const struct api_cacheable api_cacheable_table[API_CACHEABLE_COUNT] = {
    /* What is kept is the observation: the bodies are rendered from it with their true age. Every
     * good survey keeps a new one, so the TTL ends only while nobody looks, or while ldconsole
     * hangs. Then the last one is given at once for a while, because a look may take its whole
     * deadline; and a last good one is better than none for as long as there is no other. */
    [API_CACHEABLE_INSTANCES] =
        {"instances_list",
         {.stale_ms = MINUTE, .error_ms = CACHE_MAX_MS, .failure_ms = SECOND, .is_local = true},
         "another look at the instances takes its place"},
    [API_CACHEABLE_WORKSTATIONS] = {"workstations_list", LIKE_WORKSTATIONS},
    [API_CACHEABLE_WORKSTATION] = {"workstations_{id}", LIKE_WORKSTATIONS},
};

/* Whether KEY is TEMPLATE with something in the place of "{id}". */
static bool fits(const char *template, const char *key, char *ret_param, size_t size)
{
    const char *hole = strstr(template, "{id}");
    size_t before = hole ? (size_t)(hole - template) : 0;
    *ret_param = '\0';
    if (!hole)
        return strcmp(template, key) == 0;
    if (strncmp(template, key, before) != 0 || !str_has_suffix(key, hole + strlen("{id}")))
        return false;
    str_copy(ret_param, size, key + before);
    ret_param[strlen(ret_param) - strlen(hole + strlen("{id}"))] = '\0';
    return true;
}

enum api_cacheable_kind api_cacheable_of_key(const char *key, char *ret_param, size_t size)
{
    for (int i = 0; i < API_CACHEABLE_COUNT; i++) {
        if (fits(api_cacheable_table[i].key, key, ret_param, size))
            return (enum api_cacheable_kind)i;
    }
    return API_CACHEABLE_COUNT;
}

char *api_cacheable_key(const struct api_cacheable *row, const char *param, char *out)
{
    const char *hole = strstr(row->key, "{id}");
    if (hole)
        snprintf(out, CACHE_KEY_MAX + 1, "%.*s%s%s", (int)(hole - row->key), row->key, param,
                 hole + strlen("{id}"));
    else
        snprintf(out, CACHE_KEY_MAX + 1, "%s", row->key);
    return out;
}
