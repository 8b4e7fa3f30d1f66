/* SPDX-License-Identifier: MIT */
#ifndef API_CACHEABLE_H
#define API_CACHEABLE_H

#include "cache/results/results.h"

/** The results that are kept: one table. What the routes do and what the documents say come from
 *  it; a route says which row is its own. Every good answer of such a route has the headers X-Cache
 *  and Age. */

/** What a result is made from, as cache_results_change knows it; cached.c tells it what state each
 * is in. */
#define API_DEPENDS_INSTANCES "instances"       /* what a workstation shows of them */
#define API_DEPENDS_WORKSTATIONS "workstations" /* all that a workstation shows of itself */

/** Of the bytes of kept bodies: counts up when they change their shape, so that those of another
 *  version that outlived it in a second tier are not taken. A test knows the shape. */
enum { API_CACHEABLE_VERSION = 2 };

enum api_cacheable_kind {
    API_CACHEABLE_INSTANCES, /* lists and single ones: both are read from one observation */
    API_CACHEABLE_WORKSTATIONS,
    API_CACHEABLE_WORKSTATION,
    API_CACHEABLE_COUNT
};

struct api_cacheable {
    const char *key; /* "{id}" stands for the parameter */
    struct cache_policy policy;
    const char *forgotten; /* completes "It is forgotten when ..." */
};
extern const struct api_cacheable api_cacheable_table[API_CACHEABLE_COUNT];

/** The row whose key KEY is; what stands in the place of "{id}" goes to RET_PARAM (SIZE bytes).
 *  API_CACHEABLE_COUNT when it is none. */
enum api_cacheable_kind api_cacheable_of_key(const char *key, char *ret_param, size_t size);
/** The key with PARAM in the place of "{id}"; OUT has CACHE_KEY_MAX + 1 bytes and is returned. */
char *api_cacheable_key(const struct api_cacheable *row, const char *param, char *out);

#endif
