/* SPDX-License-Identifier: MIT */
#ifndef API_OPERATION_ANSWER_H
#define API_OPERATION_ANSWER_H

#include "api/exchange/exchange.h"
#include "cache/tables/operation.h"

/** Answers that are an operation. The status is 200 when it has ended, else STATUS_OPEN. */

/** OP as it is now; a batch with its children. OP is not needed after the call. */
void api_operation_respond(struct api_exchange *x, const struct cache_operation *op,
                           int status_open);
/** Appends OP, with what it waits for, to the reply of X. CHILDREN as in
 *  cache_operation_append_json. */
void api_operation_append(struct api_exchange *x, const struct cache_operation *op,
                          const char *children);
/** The operation ID as the engine or the store has it, or 404. */
void api_operation_respond_by_id(struct api_exchange *x, const char *id, int status_open);
/** The same once it has ended, or when TIMEOUT_MS have passed. */
void api_operation_await(struct api_exchange *x, const char *id, uint64_t timeout_ms,
                         int status_open);

#endif
