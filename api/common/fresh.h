/* SPDX-License-Identifier: MIT */
#ifndef API_FRESH_H
#define API_FRESH_H

#include "api/http/exchange.h"
#include "cache/snapshot/snapshot.h"

struct api_server;

/** Keeps each observation in the result cache under the key of the instances. */
void api_fresh_start(struct api_server *server);
void api_fresh_stop(struct api_server *server);

/** For reads: calls THEN with a snapshot that may be answered from. That is what is kept, or with
 *  `?max_age_ms=` one that is young enough, or for 0 and for `Cache-Control: no-cache` (operators
 *  and up) a new one; who waits shares one look. While ldconsole fails, what there is serves those
 *  who did not ask for an age. When there is no such snapshot X is answered with why (403, 503,
 *  504) and THEN is not called. */
void api_fresh_get(struct api_exchange *x, void (*then)(struct api_exchange *x));
/** For commands, which only have to know whom they are for: any snapshot will do. */
void api_fresh_any(struct api_exchange *x, void (*then)(struct api_exchange *x));
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
