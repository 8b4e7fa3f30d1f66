/* SPDX-License-Identifier: MIT */
#ifndef CTL_RETRY_H
#define CTL_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/** Whether a command that never ran is given once more, and when. Pure.
 *
 *  Only what certainly did nothing is repeated: no child was started, for a reason that passes.
 *  What ran is never repeated here; its effect is looked for instead. */

/** What all operations together may repeat: as many as fit in, and one more for every fifth command
 *  that is given, so that a machine that can start nothing is not kept busy with trying. */
struct ctl_retry_budget {
    unsigned fifths; /* of retries that are left */
};

enum { CTL_RETRY_MAX = 3 /* of one step */, CTL_RETRY_BURST = 10 /* in the budget at most */ };

void ctl_retry_init(struct ctl_retry_budget *budget);
/** A command was given that is no retry. */
void ctl_retry_earn(struct ctl_retry_budget *budget);
/** Takes one retry out; false when there is none left. */
bool ctl_retry_spend(struct ctl_retry_budget *budget);

/** Whether ERROR of a start of a child (a negative UV_E*) passes by itself. */
bool ctl_retry_is_passing(int error);
/** The pause before retry N (from 0) of a step: 0.5 s, doubling up to 10 s, of which RANDOM takes
 * up to a half, so that those who failed together do not come back together. */
uint64_t ctl_retry_pause_ms(unsigned n, uint32_t random);

#endif
