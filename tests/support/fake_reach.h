/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FAKE_REACH_H
#define TESTS_SUPPORT_FAKE_REACH_H

#include <stddef.h>

#include "control/workstations/reach.h"

/** Looks that go nowhere: the test says what they find. One loop at a time. */
extern const struct ctl_reach_ops fake_reach_ops;

/** Looks begun since fake_reach_reset, and those without an answer yet. */
unsigned fake_reach_n_begun(void);
unsigned fake_reach_n_open(void);
/** Address and deadline of the one begun last. */
const char *fake_reach_address(void);
unsigned fake_reach_deadline_ms(void);
/** The oldest one without an answer gets this one, now. */
void fake_reach_answer(bool is_reachable, const char *detail);
/** From now on looks are answered by themselves in the next turn; NULL = no more. */
void fake_reach_answer_all(bool is_reachable, const char *detail);
void fake_reach_reset(void);

#endif
