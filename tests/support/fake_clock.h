/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FAKE_CLOCK_H
#define TESTS_SUPPORT_FAKE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/** Lets both clocks jump, in a program that is linked with --wrap for clock_mono_ms and
 *  clock_wall_ms. They go on by themselves otherwise. Timers of the loop do not follow. */
void fake_clock_skip(uint64_t ms);
/** Somebody sets the wall clock MS ahead, or back. */
void fake_clock_set_wall(int64_t ms);
/** From now on each reading of the monotonic clock is MS later than the one before. */
void fake_clock_creep(uint64_t ms);
/** From now on both stand still but for what lets them jump; or go on from there. */
void fake_clock_stop(bool is_stopped);

#endif
