/* SPDX-License-Identifier: MIT */
#ifndef API_FRESH_H
#define API_FRESH_H

#include "api/exchange.h"
#include "cache/snapshot.h"

/** Calls THEN with a snapshot that may be answered from: what there is, of any age, or with
 *  `?max_age_ms=` one that is young enough. Waits for the first survey when nothing is known yet.
 *  When there is no such snapshot X is answered with why (503, 504) and THEN is not called. */
void api_fresh_get(struct api_exchange *x, void (*then)(struct api_exchange *x));
/** X-Cache and Age for an answer from S. */
void api_fresh_headers(struct api_exchange *x, const struct cache_snapshot *s);
struct cache_snapshot *api_fresh_snapshot(const struct api_exchange *x);

enum api_ref { API_REF_FOUND, API_REF_MISSING, API_REF_AMBIGUOUS };
/** Finds the instance REF means: an index, `name:TITLE`, or an id. */
enum api_ref api_ref_find(const struct cache_snapshot *s, const char *ref,
                          const struct cache_entry **ret);
/** Fills PROBLEM with why REF (as OUTCOME says) was not found; DETAIL (SIZE bytes) holds its
 *  text. */
void api_ref_explain(enum api_ref outcome, const char *ref, struct api_problem *problem,
                     char *detail, size_t size);

#endif
