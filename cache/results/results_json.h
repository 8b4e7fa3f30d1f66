/* SPDX-License-Identifier: MIT */
#ifndef CACHE_RESULTS_JSON_H
#define CACHE_RESULTS_JSON_H

#include <yyjson.h>

#include "cache/results/results.h"

/** The options of the result cache as JSON: in answers, in requests, and as what is remembered of
 *  a change. Members: max_entries, max_memory_mb, default_ttl_seconds, enabled. */

/** Under which name cache/tables/preferences.h remembers them. */
#define CACHE_RESULTS_PREFERENCE "result_cache"

/** Adds the members to OBJECT. */
void cache_results_options_add(yyjson_mut_doc *doc, yyjson_mut_val *object,
                               const struct cache_results_options *options);
/** Told of each member that is refused. */
typedef void (*cache_results_refusal_fn)(void *arg, const char *member, const char *rule);
/** Changes OPTIONS by the members that OBJECT has; others are refused as unknown. OPTIONS that were
 *  refused in part are of no use. Returns whether nothing was refused. REFUSE may be NULL. */
bool cache_results_options_read(yyjson_val *object, struct cache_results_options *options,
                                cache_results_refusal_fn refuse, void *arg);

#endif
