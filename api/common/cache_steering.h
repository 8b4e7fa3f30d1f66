/* SPDX-License-Identifier: MIT */
#ifndef API_CACHE_STEERING_H
#define API_CACHE_STEERING_H

#include "api/http/exchange.h"

/** What /api/cache and /api/performance have in common. */

/** Empties the result cache, or forgets what PATTERN (which passed cache_glob_check) matches; tells
 *  it as an event in the name of the caller. Returns how many entries went. */
size_t api_cache_clear(struct api_exchange *x);
size_t api_cache_invalidate(struct api_exchange *x, const char *pattern);
/** Of all answers, those that needed no load. */
double api_cache_hit_rate(const struct cache_results_stats *s);

#endif
