/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FAKE_TIMERS_H
#define TESTS_SUPPORT_FAKE_TIMERS_H

#include <stdbool.h>

#include "base/loop/loop.h"

/** Timers by the fake clock, in a program that is linked with --wrap for uv_timer_start,
 *  uv_timer_stop and uv_close: hours pass in no time, and each timer comes at its own moment. While
 *  something is under way elsewhere (a thread, the disk) time stands still. Loop thread. */
void fake_timers_begin(struct loop *loop);
void fake_timers_end(struct loop *loop);
bool fake_timers_are_on(void);
/** Whether only timers are left to come. */
bool fake_timers_are_at_rest(struct loop *loop);
/** The clock jumps to the next timer, and that comes; nothing without one. */
void fake_timers_let_next_come(void);
/** What has come is dealt with; when nothing has, and nothing IS_UNDER_WAY, the clock jumps to the
 *  next timer, and that comes. */
void fake_timers_turn(struct loop *loop, bool is_under_way);

#endif
