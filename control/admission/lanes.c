/* SPDX-License-Identifier: MIT */
#include "control/admission/lanes.h"

static const struct {
    const char *name;
    unsigned behind_ms; /* the interactive lane */
} table[CTL_LANE_COUNT] = {
    {"interactive", 0},
    {"watchdog", 60000},
    {"schedule", 120000},
    {"batch", 240000},
};

unsigned ctl_lane_of(enum ctl_priority priority)
{
    switch (priority) {
    case CTL_PRIORITY_INTERACTIVE:
        return 0;
    case CTL_PRIORITY_WATCHDOG:
        return 1;
    case CTL_PRIORITY_SCHEDULE:
        return 2;
    case CTL_PRIORITY_BATCH:
        break;
    }
    return 3;
}

const char *ctl_lane_name(unsigned lane)
{
    return table[lane].name;
}

/* One number says it all: the earlier it is, the sooner the lane's turn comes. Being served moves
 * it, and so a lane takes its turn once and not for as long as it is full. */
static uint64_t due_ms(const struct ctl_lane *lane, unsigned behind_ms)
{
    uint64_t since_ms = lane->since_ms > lane->served_ms ? lane->since_ms : lane->served_ms;
    return since_ms + behind_ms;
}

int ctl_lanes_next(const struct ctl_lane lanes[CTL_LANE_COUNT])
{
    int next = -1;
    for (int i = 0; i < CTL_LANE_COUNT; i++) {
        if (lanes[i].n > 0 && (next < 0 || due_ms(&lanes[i], table[i].behind_ms) <
                                               due_ms(&lanes[next], table[next].behind_ms)))
            next = i;
    }
    return next;
}

unsigned ctl_lanes_room(unsigned lane, unsigned max_open)
{
    return max_open - max_open / 16 * lane;
}
