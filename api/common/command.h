/* SPDX-License-Identifier: MIT */
#ifndef API_COMMAND_H
#define API_COMMAND_H

#include "api/common/input.h"
#include "api/describe/field.h"
#include "api/exchange/exchange.h"
#include "control/operations/engine.h"

/** A command on its way to the engine; it is the exchange's state. */
struct api_pending {
    enum cache_op_kind kind;
    struct api_command command;
    char target[UUID_SIZE];             /* "" for create */
    char revision[CACHE_REVISION_SIZE]; /* that the target must still have; "" = any */
    char **targets;                     /* batch: owned ids */
    size_t n_targets;
    uint64_t wait_ms;
    bool has_wait;
    struct api_problem refusal; /* what to answer unless the key settles it */
    struct api_field_errors errors;
    char detail[400];
};

struct api_pending *api_pending_new(struct api_exchange *x, enum cache_op_kind kind);
bool api_pending_has_guest(const struct api_exchange *x);
/** Submits and answers: 202 with the operation, or 200 when it was waited for and has ended. */
void api_pending_submit(struct api_exchange *x);
/** Answers with p->refusal, unless the request repeats an earlier one by its key: that had its
 *  answer when the instance was still there. */
void api_pending_refuse(struct api_exchange *x);

#endif
