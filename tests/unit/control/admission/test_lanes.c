/* SPDX-License-Identifier: MIT */
#include "control/admission/lanes.h"

#include <criterion/criterion.h>

enum { INTERACTIVE, WATCHDOG, SCHEDULE, BATCH, NOBODY = -1 };

Test(ctl_lanes, the_upper_goes_first_until_a_lower_one_was_passed_over_for_long)
{
    static const struct {
        const char *what;
        struct ctl_lane lanes[CTL_LANE_COUNT];
        int next;
    } table[] = {
        {"nobody waits", {{0}, {0}, {0}, {0}}, NOBODY},
        {"one alone", {{0}, {0}, {0}, {.n = 1, .since_ms = 1000000}}, BATCH},
        {"all at once", {{1, 9, 0}, {1, 9, 0}, {1, 9, 0}, {1, 9, 0}}, INTERACTIVE},
        {"without the first", {{0, 9, 0}, {1, 9, 0}, {1, 9, 0}, {1, 9, 0}}, WATCHDOG},
        {"without two", {{0, 9, 0}, {0, 9, 0}, {1, 9, 0}, {1, 9, 0}}, SCHEDULE},
        {"59 s are not long enough for the watchdog",
         {{1, 1059000, 0}, {1, 1000000, 0}, {0}, {0}},
         INTERACTIVE},
        {"60 s neither", {{1, 1060000, 0}, {1, 1000000, 0}, {0}, {0}}, INTERACTIVE},
        {"more are", {{1, 1060001, 0}, {1, 1000000, 0}, {0}, {0}}, WATCHDOG},
        {"a schedule needs 120 s", {{1, 1120000, 0}, {0}, {1, 1000000, 0}, {0}}, INTERACTIVE},
        {"and gets its turn then", {{1, 1120001, 0}, {0}, {1, 1000000, 0}, {0}}, SCHEDULE},
        {"a batch needs 240 s", {{1, 1240000, 0}, {0}, {0}, {1, 1000000, 0}}, INTERACTIVE},
        {"and gets its turn then", {{1, 1240001, 0}, {0}, {0}, {1, 1000000, 0}}, BATCH},
        {"a batch that was served a moment ago is not passed over, however long it is",
         {{1, 2000000, 0}, {0}, {0}, {50, 1000000, 1999000}},
         INTERACTIVE},
        {"somebody has waited since before, and was served",
         {{3, 1000000, 1990000}, {0}, {0}, {50, 1000000, 1700000}},
         BATCH},
        {"the longer one of two that were passed over",
         {{1, 2000000, 0}, {1, 1930000, 0}, {0}, {1, 1000000, 0}},
         BATCH},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        int next = ctl_lanes_next(table[i].lanes);
        cr_expect_eq(next, table[i].next, "%s: %d instead of %d", table[i].what, next,
                     table[i].next);
    }
}

/* One is served every SECONDS, and all lanes are always full. */
static void serve(unsigned seconds, unsigned n, unsigned served[CTL_LANE_COUNT])
{
    struct ctl_lane lanes[CTL_LANE_COUNT] = {{1, 1, 0}, {1, 1, 0}, {1, 1, 0}, {1, 1, 0}};
    for (unsigned i = 0; i < n; i++) {
        int next = ctl_lanes_next(lanes);
        lanes[next].served_ms = 1 + (uint64_t)i * seconds * 1000;
        served[next]++;
    }
}

Test(ctl_lanes, nobody_starves_and_the_upper_gets_the_most)
{
    unsigned served[CTL_LANE_COUNT] = {0};
    serve(15, 1000, served);
    for (int i = 1; i < CTL_LANE_COUNT; i++) {
        cr_expect_gt(served[i], 0, "%s", ctl_lane_name((unsigned)i));
        cr_expect_gt(served[i - 1], served[i], "%s", ctl_lane_name((unsigned)i));
    }
    cr_expect_gt(served[INTERACTIVE], 500);
}

Test(ctl_lanes, each_priority_has_its_lane_and_name)
{
    cr_expect_str_eq(ctl_lane_name(ctl_lane_of(CTL_PRIORITY_INTERACTIVE)), "interactive");
    cr_expect_str_eq(ctl_lane_name(ctl_lane_of(CTL_PRIORITY_WATCHDOG)), "watchdog");
    cr_expect_str_eq(ctl_lane_name(ctl_lane_of(CTL_PRIORITY_SCHEDULE)), "schedule");
    cr_expect_str_eq(ctl_lane_name(ctl_lane_of(CTL_PRIORITY_BATCH)), "batch");
    cr_expect_eq(ctl_lane_of((enum ctl_priority)77), BATCH, "from another version's database");
}

Test(ctl_lanes, each_leaves_room_for_those_above_it)
{
    cr_expect_eq(ctl_lanes_room(INTERACTIVE, 10000), 10000);
    cr_expect_eq(ctl_lanes_room(WATCHDOG, 10000), 9375);
    cr_expect_eq(ctl_lanes_room(SCHEDULE, 10000), 8750);
    cr_expect_eq(ctl_lanes_room(BATCH, 10000), 8125);
    cr_expect_eq(ctl_lanes_room(BATCH, 1), 1);
}
