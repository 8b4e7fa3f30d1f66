/* SPDX-License-Identifier: MIT */
#ifndef CTL_LANES_H
#define CTL_LANES_H

#include <stdbool.h>
#include <stdint.h>

/** Who goes first where operations wait for the same thing: a gate, or a place at ldconsole. Each
 *  waits in the lane of who asked for it. An upper lane goes before a lower one, but a lane that
 * was passed over for long enough has its turn: nobody waits for ever. Pure. */

/** From the upper to the lower. The numbers are in the database, in what was asked of an
 *  operation. */
enum ctl_priority {
    CTL_PRIORITY_INTERACTIVE = 0, /* somebody waits for it */
    CTL_PRIORITY_WATCHDOG = 1,    /* desired state and repairs */
    CTL_PRIORITY_SCHEDULE = 3,    /* what a calendar asks for */
    CTL_PRIORITY_BATCH = 2        /* one of many */
};
enum { CTL_LANE_COUNT = 4 };

/** The place of PRIORITY from above: 0 is the first. */
unsigned ctl_lane_of(enum ctl_priority priority);
/** "interactive", "watchdog", "schedule", "batch". */
const char *ctl_lane_name(unsigned lane);

/** Those of one lane that wait for the same thing. */
struct ctl_lane {
    unsigned n;
    uint64_t since_ms;  /* that the first of them waits */
    uint64_t served_ms; /* the last time that one of the lane was let through; 0 = never */
};

/** The lane whose turn it is, or -1 when nobody waits. Times are monotonic. A lane counts as passed
 *  over since it was served last or its first one waits, whichever is later; it goes before the
 *  others when that is longer ago than theirs by what is between them: the watchdog stands 60 s
 *  behind the interactive lane, schedules 120 s, batches 240 s. */
int ctl_lanes_next(const struct ctl_lane lanes[CTL_LANE_COUNT]);

/** How many operations may be open, of MAX_OPEN altogether, for one more of LANE to be accepted:
 *  each lane leaves a sixteenth more for those above it. */
unsigned ctl_lanes_room(unsigned lane, unsigned max_open);

#endif
