/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/memory/cleanup.h"
#include "control/observe/state.h"

enum { STUCK_MS = 120000 };

struct row {
    const char *what;
    struct ctl_facts facts;
    enum cache_state state;
    const char *reason; /* a part of it */
};

static const struct row rows[] = {
    /* Off. */
    {"nothing at all", {.android = 0}, CACHE_STATE_STOPPED, "list2 shows no process"},
    {"nothing, and the process table agrees",
     {.android = 0, .sees_players = true},
     CACHE_STATE_STOPPED,
     "and none is left"},
    {"launched, not shown yet",
     {.android = 0, .expect = CTL_EXPECT_START, .previous = CACHE_STATE_STOPPED},
     CACHE_STATE_STARTING,
     "launch was asked for"},
    {"launched, and the old player is still there",
     {.android = 0, .expect = CTL_EXPECT_START, .player = 5},
     CACHE_STATE_STARTING,
     "launch was asked for"},
    {"quit, player still ending",
     {.android = 0, .expect = CTL_EXPECT_STOP, .player = 5, .off_ms = 60000},
     CACHE_STATE_STOPPING,
     "process 5 is still ending"},
    {"quit, VM still ending",
     {.android = 0, .expect = CTL_EXPECT_STOP, .headless = 6, .off_ms = 60000},
     CACHE_STATE_STOPPING,
     "process 6 is still ending"},
    {"closed by hand, player still ending",
     {.android = 0, .player = 5, .off_ms = 29999, .previous = CACHE_STATE_RUNNING},
     CACHE_STATE_STOPPING,
     "process 5"},
    {"closed by hand, VM still ending",
     {.android = 0, .headless = 6, .off_ms = 9999, .previous = CACHE_STATE_STOPPING},
     CACHE_STATE_STOPPING,
     "process 6"},
    {"a player that does not end",
     {.android = 0, .player = 5, .off_ms = 30000, .previous = CACHE_STATE_STOPPING},
     CACHE_STATE_UNREACHABLE,
     "process 5 is alive"},
    {"a VM that does not end",
     {.android = 0, .headless = 6, .off_ms = 10000, .previous = CACHE_STATE_STOPPING},
     CACHE_STATE_UNREACHABLE,
     "process 6 is alive"},
    {"unreachable stays unreachable",
     {.android = 0, .player = 5, .previous = CACHE_STATE_UNREACHABLE},
     CACHE_STATE_UNREACHABLE,
     "ldconsole says the instance is off"},
    {"alive at the first look, though ldconsole says off",
     {.android = 0, .player = 5, .previous = CACHE_STATE_UNKNOWN},
     CACHE_STATE_UNREACHABLE,
     "process 5 is alive"},
    {"started by hand, not shown yet",
     {.android = 0, .player = 5, .off_ms = 999999, .previous = CACHE_STATE_STOPPED},
     CACHE_STATE_STARTING,
     "player process 5 appeared"},
    {"started by hand, still not shown",
     {.android = 0,
      .player = 5,
      .previous = CACHE_STATE_STARTING,
      .previous_ms = 9999,
      .off_ms = 999999},
     CACHE_STATE_STARTING,
     "player process 5 appeared"},
    {"started by hand, never shown",
     {.android = 0,
      .player = 5,
      .previous = CACHE_STATE_STARTING,
      .previous_ms = 10000,
      .off_ms = 999999},
     CACHE_STATE_UNREACHABLE,
     "process 5 is alive"},
    {"a VM alone appears",
     {.android = 0, .headless = 6, .previous = CACHE_STATE_STOPPED},
     CACHE_STATE_UNREACHABLE,
     "process 6 is alive"},

    /* Starting. */
    {"window without VM",
     {.android = 2, .pid = 5, .vbox_pid = -1},
     CACHE_STATE_STARTING,
     "the VM is not yet"},
    {"VM without Android",
     {.android = 2, .pid = 5, .vbox_pid = 6},
     CACHE_STATE_BOOTING,
     "Android is not yet"},
    {"starting for long",
     {.android = 2,
      .pid = 5,
      .vbox_pid = -1,
      .previous = CACHE_STATE_STARTING,
      .previous_ms = STUCK_MS - 1},
     CACHE_STATE_STARTING,
     "the VM is not yet"},
    {"starting for too long",
     {.android = 2,
      .pid = 5,
      .vbox_pid = -1,
      .previous = CACHE_STATE_STARTING,
      .previous_ms = STUCK_MS},
     CACHE_STATE_STUCK,
     "the player waits for its VM for more than 120 s"},
    {"booting for too long",
     {.android = 2,
      .pid = 5,
      .vbox_pid = 6,
      .previous = CACHE_STATE_BOOTING,
      .previous_ms = STUCK_MS},
     CACHE_STATE_STUCK,
     "without Android coming up"},
    {"stuck stays stuck",
     {.android = 2,
      .pid = 5,
      .vbox_pid = 6,
      .previous = CACHE_STATE_STUCK,
      .previous_ms = STUCK_MS * 2},
     CACHE_STATE_STUCK,
     "start it again"},
    {"a long run before is no long start",
     {.android = 2,
      .pid = 5,
      .vbox_pid = 6,
      .previous = CACHE_STATE_RUNNING,
      .previous_ms = STUCK_MS * 2},
     CACHE_STATE_BOOTING,
     "Android is not yet"},
    {"quit during the start",
     {.android = 2, .pid = 5, .vbox_pid = 6, .expect = CTL_EXPECT_STOP},
     CACHE_STATE_STOPPING,
     "during the start"},

    /* Up. */
    {"up", {.android = 1, .pid = 5, .vbox_pid = 6}, CACHE_STATE_RUNNING, "Android is up"},
    {"up, the guest answers",
     {.android = 1, .pid = 5, .vbox_pid = 6, .guest = CTL_GUEST_ANSWERS},
     CACHE_STATE_READY,
     "the guest answers"},
    {"up, the guest stopped answering",
     {.android = 1, .pid = 5, .vbox_pid = 6, .guest = CTL_GUEST_SILENT},
     CACHE_STATE_RUNNING,
     "the guest does not answer"},
    {"up, quit asked for",
     {.android = 1, .pid = 5, .vbox_pid = 6, .expect = CTL_EXPECT_STOP},
     CACHE_STATE_STOPPING,
     "Android is still up"},
    {"up, as the process table shows too",
     {.android = 1,
      .pid = 5,
      .vbox_pid = 6,
      .sees_players = true,
      .sees_vms = true,
      .player = 5,
      .headless = 6},
     CACHE_STATE_RUNNING,
     "Android is up"},
    {"window without VM in list2",
     {.android = 1, .pid = 5, .vbox_pid = -1},
     CACHE_STATE_ZOMBIE,
     "no VM process"},
    {"the VM of list2 is dead",
     {.android = 1, .pid = 5, .vbox_pid = 6, .sees_players = true, .sees_vms = true, .player = 5},
     CACHE_STATE_ZOMBIE,
     "no VM process"},
    {"VMs have a name we do not know",
     {.android = 1, .pid = 5, .vbox_pid = 6, .sees_players = true, .player = 5},
     CACHE_STATE_RUNNING,
     "Android is up"},
    {"a zombie that was asked to quit",
     {.android = 1, .pid = 5, .vbox_pid = -1, .expect = CTL_EXPECT_STOP},
     CACHE_STATE_ZOMBIE,
     "no VM process"},
    {"the window is dead, the VM is not",
     {.android = 1, .pid = 5, .vbox_pid = 6, .sees_players = true, .sees_vms = true, .headless = 6},
     CACHE_STATE_UNREACHABLE,
     "VM process 6 runs without"},
    {"both are dead",
     {.android = 1, .pid = 5, .vbox_pid = 6, .sees_players = true, .sees_vms = true},
     CACHE_STATE_UNKNOWN,
     "player process 5 does not exist"},

    {"a number nobody knows", {.android = 3}, CACHE_STATE_UNKNOWN, "list2 says 3"},
};

Test(ctl_state, follows_the_table)
{
    for (size_t i = 0; i < countof(rows); i++) {
        struct ctl_verdict verdict;
        struct ctl_facts facts = rows[i].facts;
        facts.stuck_ms = STUCK_MS;
        ctl_state_derive(&facts, &verdict);
        cr_expect_eq(verdict.state, rows[i].state, "%s: %s", rows[i].what,
                     cache_state_name(verdict.state));
        cr_expect(strstr(verdict.reason, rows[i].reason), "%s: %s", rows[i].what, verdict.reason);
    }
}

Test(ctl_state, moving_and_up_are_what_they_say)
{
    for (int s = 0; s < CACHE_STATE_COUNT; s++) {
        bool moves =
            s == CACHE_STATE_STARTING || s == CACHE_STATE_BOOTING || s == CACHE_STATE_STOPPING;
        bool is_up = s == CACHE_STATE_RUNNING || s == CACHE_STATE_READY;
        cr_expect_eq(ctl_state_is_moving((enum cache_state)s), moves);
        cr_expect_eq(ctl_state_is_up((enum cache_state)s), is_up);
    }
}

Test(ctl_state, guests_have_names)
{
    cr_expect_str_eq(ctl_guest_name(CTL_GUEST_UNKNOWN), "unknown");
    cr_expect_str_eq(ctl_guest_name(CTL_GUEST_ANSWERS), "answers");
    cr_expect_str_eq(ctl_guest_name(CTL_GUEST_SILENT), "silent");
}
