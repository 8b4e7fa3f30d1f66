/* SPDX-License-Identifier: MIT */
#ifndef API_INPUT_H
#define API_INPUT_H

#include "api/describe/field.h"
#include "api/exchange/exchange.h"

/** Short ways for handlers to read a request. All that return bool have answered X with the
 *  refusal when they return false; the handler then returns. */

/** The body as JSON, with or without a byte order mark; an empty one gives NULL. The document is
 *  for yyjson_doc_free. */
bool api_input_body(struct api_exchange *x, yyjson_doc **ret_doc);
/** A whole number of the query; FALLBACK when it is not there. */
bool api_input_number(struct api_exchange *x, const char *name, uint64_t min, uint64_t max,
                      uint64_t fallback, uint64_t *ret);
/** "true" or "false" of the query; false when it is not there. */
bool api_input_bool(struct api_exchange *x, const char *name, bool *ret);
/** `?wait=SECONDS`, 0 to 3600; *RET_HAS says whether it is there. */
bool api_input_wait(struct api_exchange *x, uint64_t *ret_ms, bool *ret_has);
/** `?limit=`, 1 to 1000. */
bool api_input_limit(struct api_exchange *x, unsigned fallback, unsigned *ret);
/** Names of a comma-separated list; calls TAKE for each until it returns false. Returns false
 *  then. */
bool api_input_each(const char *list, bool (*take)(void *arg, const char *name), void *arg);
#endif
