/* SPDX-License-Identifier: MIT */
#ifndef CTL_FLOW_H
#define CTL_FLOW_H

#include "control/steps/steps.h"

/** What each kind of operation does, as a table of steps; when it can be accepted; and how long it
 *  may take. */

/** NULL for a batch. */
const struct ctl_flow *ctl_flow_of(enum cache_op_kind kind);
/** The time an operation may take, without waiting in the line and at gates. */
unsigned ctl_flow_timeout_ms(const struct ctl_job *job);
/** The part of it that its present step may use. */
unsigned ctl_flow_step_timeout_ms(const struct ctl_job *job);
/** What is left of that, for the command of the step; at least 1. */
unsigned ctl_flow_left_ms(const struct ctl_job *job, uint64_t now);
/** Whether the time that its caller gave it is over, in which waiting in the line and at gates
 *  counts; not for a part of a batch, whose parts wait for each other. */
bool ctl_flow_is_over(const struct ctl_job *job, uint64_t now);
/** How long it bears that nothing can be seen. */
unsigned ctl_flow_blind_ms(const struct ctl_job *job);
/** Whether FLOW launches an instance in the step STEP_INDEX or behind it. */
bool ctl_flow_will_launch(const struct ctl_flow *flow, int step_index);
/** Why REQUEST cannot be accepted in the present state of its target (I may be NULL): false with
 *  RETERR filled. */
bool ctl_flow_accepts(const struct ctl_request *request, const struct cache_instance *i,
                      struct ctl_refusal *reterr);

#endif
