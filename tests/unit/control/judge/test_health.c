/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "control/judge/health.h"

enum { STUCK_MS = 120000 };

static const struct row {
    const char *what;
    struct ctl_vitals vitals;
    enum ctl_illness illness;
} rows[] = {
    {"off", {.state = CACHE_STATE_STOPPED, .has_lost_config = true}, CTL_ILLNESS_NONE},
    {"on its way", {.state = CACHE_STATE_STARTING, .starting_ms = 10}, CTL_ILLNESS_NONE},
    {"booting", {.state = CACHE_STATE_BOOTING, .starting_ms = 10}, CTL_ILLNESS_NONE},
    {"on its way down", {.state = CACHE_STATE_STOPPING}, CTL_ILLNESS_NONE},
    {"nobody knows", {.state = CACHE_STATE_UNKNOWN}, CTL_ILLNESS_NONE},
    {"up", {.state = CACHE_STATE_RUNNING}, CTL_ILLNESS_NONE},
    {"well", {.state = CACHE_STATE_READY, .guest = CTL_GUEST_ANSWERS}, CTL_ILLNESS_NONE},

    {"stuck", {.state = CACHE_STATE_STUCK, .starting_ms = STUCK_MS}, CTL_ILLNESS_STUCK},
    {"stuck, and nobody saw it start", {.state = CACHE_STATE_STUCK}, CTL_ILLNESS_STUCK},
    {"slow, as it always is",
     {.state = CACHE_STATE_STUCK, .starting_ms = 199999, .longest_boot_ms = 100000},
     CTL_ILLNESS_NONE},
    {"slower than it ever was",
     {.state = CACHE_STATE_STUCK, .starting_ms = 200000, .longest_boot_ms = 100000},
     CTL_ILLNESS_STUCK},
    {"a quick one has the time of all",
     {.state = CACHE_STATE_STUCK, .starting_ms = 119999, .longest_boot_ms = 1000},
     CTL_ILLNESS_NONE},

    {"a player without a VM, which has nothing to do with how long a boot takes",
     {.state = CACHE_STATE_STUCK, .starting_ms = 50000, .waits_for_vm = true},
     CTL_ILLNESS_STUCK},

    {"a window without VM", {.state = CACHE_STATE_ZOMBIE}, CTL_ILLNESS_ZOMBIE},
    {"the same during a start, which is over with that",
     {.state = CACHE_STATE_ZOMBIE, .starting_ms = 10},
     CTL_ILLNESS_ZOMBIE},
    {"unknown to ldconsole", {.state = CACHE_STATE_UNREACHABLE}, CTL_ILLNESS_UNREACHABLE},
    {"the 0 in the middle of a repairer's pass",
     {.state = CACHE_STATE_UNREACHABLE, .starting_ms = 60000},
     CTL_ILLNESS_NONE},

    {"a guest that answered and does not any more",
     {.state = CACHE_STATE_RUNNING, .guest = CTL_GUEST_SILENT},
     CTL_ILLNESS_SILENT},
    {"a guest that never answered",
     {.state = CACHE_STATE_RUNNING, .state_ms = 9999999},
     CTL_ILLNESS_NONE},
    {"a guest that answered in an earlier run",
     {.state = CACHE_STATE_RUNNING, .state_ms = STUCK_MS, .has_answered = true},
     CTL_ILLNESS_SILENT},
    {"the same, a moment after its boot",
     {.state = CACHE_STATE_RUNNING, .state_ms = STUCK_MS - 1, .has_answered = true},
     CTL_ILLNESS_NONE},
    {"a guest that cannot be asked",
     {.state = CACHE_STATE_RUNNING,
      .state_ms = 9999999,
      .guest = CTL_GUEST_CLOSED,
      .has_answered = true},
     CTL_ILLNESS_NONE},
    {"somebody else's guest",
     {.state = CACHE_STATE_RUNNING, .guest = CTL_GUEST_OTHER},
     CTL_ILLNESS_FOREIGN_GUEST},

    {"its VM crashed twice", {.state = CACHE_STATE_RUNNING, .n_vm_restarts = 2}, CTL_ILLNESS_NONE},
    {"and a third time",
     {.state = CACHE_STATE_BOOTING, .n_vm_restarts = 3},
     CTL_ILLNESS_CRASH_LOOP},

    {"once, with too little memory to live",
     {.state = CACHE_STATE_RUNNING, .n_vm_restarts = 1, .is_below_floor = true},
     CTL_ILLNESS_CRASH_LOOP},

    {"and is off now", {.state = CACHE_STATE_STOPPED, .n_vm_restarts = 3}, CTL_ILLNESS_NONE},

    {"up without its settings",
     {.state = CACHE_STATE_READY, .guest = CTL_GUEST_ANSWERS, .has_lost_config = true},
     CTL_ILLNESS_CONFIG_LOST},
    {"what is worse is told",
     {.state = CACHE_STATE_RUNNING, .guest = CTL_GUEST_SILENT, .has_lost_config = true},
     CTL_ILLNESS_SILENT},
};

Test(ctl_health, the_table)
{
    for (size_t i = 0; i < countof(rows); i++) {
        struct ctl_vitals v = rows[i].vitals;
        v.stuck_ms = STUCK_MS;
        enum ctl_illness illness = ctl_health_judge(&v);
        cr_expect_eq(illness, rows[i].illness, "%s: %s", rows[i].what, ctl_illness_names[illness]);
    }
}
