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
     "ldconsole says it is off, and player process 5 is still there"},
    {"closed by hand, VM still ending",
     {.android = 0, .headless = 6, .off_ms = 9999, .previous = CACHE_STATE_STOPPING},
     CACHE_STATE_STOPPING,
     "its player has ended, and VM process 6 is still there"},
    {"a player that does not end",
     {.android = 0, .player = 5, .off_ms = 30000, .previous = CACHE_STATE_STOPPING},
     CACHE_STATE_UNREACHABLE,
     "process 5 is alive"},
    {"a VM that does not end",
     {.android = 0, .headless = 6, .off_ms = 10000, .previous = CACHE_STATE_STOPPING},
     CACHE_STATE_UNREACHABLE,
     "VM process 6 is alive without a player"},
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
    {"started right before the first look",
     {.android = 0, .player = 5, .player_age_ms = 9999, .previous = CACHE_STATE_UNKNOWN},
     CACHE_STATE_STARTING,
     "player process 5 appeared"},
    {"old at the first look",
     {.android = 0, .player = 5, .player_age_ms = 10000, .previous = CACHE_STATE_UNKNOWN},
     CACHE_STATE_UNREACHABLE,
     "process 5 is alive"},
    {"shown by the system again, and old",
     {.android = 0, .player = 5, .player_age_ms = 10000, .previous = CACHE_STATE_STOPPED},
     CACHE_STATE_UNREACHABLE,
     "process 5 is alive"},
    {"seen starting for long, and young",
     {.android = 0,
      .player = 5,
      .player_age_ms = 9999,
      .previous = CACHE_STATE_STARTING,
      .previous_ms = 10000,
      .off_ms = 11000},
     CACHE_STATE_STARTING,
     "player process 5 appeared"},
    {"list2 had shown its start, and quit by hand",
     {.android = 0,
      .player = 5,
      .player_age_ms = 3000,
      .previous = CACHE_STATE_STARTING,
      .previous_ms = 2500,
      .off_ms = 500},
     CACHE_STATE_STOPPING,
     "ldconsole says it is off, and player process 5 is still there"},
    {"young, of one that was up",
     {.android = 0, .player = 5, .player_age_ms = 9999, .previous = CACHE_STATE_RUNNING},
     CACHE_STATE_STOPPING,
     "player process 5 is still there"},
    {"a VM alone appears",
     {.android = 0, .headless = 6, .previous = CACHE_STATE_STOPPED},
     CACHE_STATE_UNREACHABLE,
     "process 6 is alive"},

    {"a VM that may be another installation's",
     {.android = 0, .possible = 6, .previous = CACHE_STATE_STOPPED},
     CACHE_STATE_UNKNOWN,
     "its own or of another installation: end process 6"},

    /* Off, with processes: a version whose column follows late. */
    {"0 beside the pids of a boot",
     {.android = 0, .pid = 5, .vbox_pid = 6, .previous = CACHE_STATE_STOPPED},
     CACHE_STATE_BOOTING,
     "Android is not yet"},
    {"0 beside a player",
     {.android = 0, .pid = 5, .vbox_pid = -1, .sees_players = true, .player = 5},
     CACHE_STATE_STARTING,
     "the VM is not yet"},
    {"0 beside pids, launch was asked for",
     {.android = 0, .pid = 5, .vbox_pid = 6, .expect = CTL_EXPECT_START},
     CACHE_STATE_BOOTING,
     "Android is not yet"},
    {"0 beside pids, quit was asked for",
     {.android = 0, .pid = 5, .vbox_pid = 6, .expect = CTL_EXPECT_STOP},
     CACHE_STATE_STOPPING,
     "process 5 is still ending"},
    {"0 beside pids for too long",
     {.android = 0,
      .pid = 5,
      .vbox_pid = 6,
      .previous = CACHE_STATE_BOOTING,
      .previous_ms = STUCK_MS},
     CACHE_STATE_STUCK,
     "without Android coming up"},
    {"0 beside pids right after it was up",
     {.android = 0, .pid = 5, .vbox_pid = 6, .previous = CACHE_STATE_RUNNING, .off_ms = 500},
     CACHE_STATE_STOPPING,
     "process 5 is still there"},
    {"0 beside a pid that has ended",
     {.android = 0, .pid = 5, .vbox_pid = -1, .sees_players = true},
     CACHE_STATE_STOPPED,
     "process 5 that list2 still names has ended"},

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
    {"the VM is missed once in a boot",
     {.android = 2, .pid = 5, .vbox_pid = -1, .had_vm = true, .n_without_vm = 1},
     CACHE_STATE_STARTING,
     "the VM is not yet"},
    {"the VM ended in the boot",
     {.android = 2, .pid = 5, .vbox_pid = -1, .had_vm = true, .n_without_vm = 2},
     CACHE_STATE_ZOMBIE,
     "the VM ended during the start"},
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
    {"up, somebody else's guest answers",
     {.android = 1,
      .pid = 5,
      .vbox_pid = 6,
      .guest = CTL_GUEST_OTHER,
      .guest_reason = "another guest answers"},
     CACHE_STATE_RUNNING,
     "Android is up, but another guest answers"},
    {"up, no way in",
     {.android = 1,
      .pid = 5,
      .vbox_pid = 6,
      .guest = CTL_GUEST_CLOSED,
      .guest_reason = "ADB is off"},
     CACHE_STATE_RUNNING,
     "Android is up, but ADB is off"},
    {"up, quit asked for",
     {.android = 1, .pid = 5, .vbox_pid = 6, .expect = CTL_EXPECT_STOP},
     CACHE_STATE_STOPPING,
     "still says Android is up"},
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
    {"window without VM, seen once",
     {.android = 1, .pid = 5, .vbox_pid = -1, .n_without_vm = 1},
     CACHE_STATE_UNKNOWN,
     "looking again"},
    {"window without VM, seen once after it was up",
     {.android = 1, .pid = 5, .vbox_pid = -1, .n_without_vm = 1, .previous = CACHE_STATE_READY},
     CACHE_STATE_READY,
     "looking again"},
    {"up without any pid, and a player lives",
     {.android = 1,
      .pid = -1,
      .vbox_pid = -1,
      .sees_players = true,
      .player = 5,
      .n_without_vm = 2},
     CACHE_STATE_ZOMBIE,
     "no VM process"},
    {"up without any pid, and nothing lives",
     {.android = 1, .pid = -1, .vbox_pid = -1, .sees_players = true},
     CACHE_STATE_UNKNOWN,
     "no process of the instance exists"},
    {"window without VM in list2",
     {.android = 1, .pid = 5, .vbox_pid = -1, .n_without_vm = 2},
     CACHE_STATE_ZOMBIE,
     "no VM process"},
    {"the VM of list2 is dead",
     {.android = 1,
      .pid = 5,
      .vbox_pid = 6,
      .sees_players = true,
      .sees_vms = true,
      .player = 5,
      .n_without_vm = 2},
     CACHE_STATE_ZOMBIE,
     "no VM process"},
    {"VMs have a name we do not know",
     {.android = 1, .pid = 5, .vbox_pid = 6, .sees_players = true, .player = 5},
     CACHE_STATE_RUNNING,
     "Android is up"},
    {"the VM goes before the window after our quit",
     {.android = 1, .pid = 5, .vbox_pid = -1, .expect = CTL_EXPECT_STOP, .n_without_vm = 9},
     CACHE_STATE_STOPPING,
     "quit was asked for"},
    {"the window is dead, the VM is not",
     {.android = 1, .pid = 5, .vbox_pid = 6, .sees_players = true, .sees_vms = true, .headless = 6},
     CACHE_STATE_UNREACHABLE,
     "VM process 6 runs without"},
    {"both are dead",
     {.android = 1, .pid = 5, .vbox_pid = 6, .sees_players = true, .sees_vms = true},
     CACHE_STATE_UNKNOWN,
     "no process of the instance exists"},

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

/* By its state, how long that lasts, for which look in a row list2 leaves it out. */
static const struct {
    const char *what;
    enum cache_state previous;
    uint64_t previous_ms;
    unsigned n_absent;
    enum ctl_expect expect;
    enum cache_state state; /* COUNT: it stays as it was */
} unlisted[] = {
    {"off, its row may be late", CACHE_STATE_STOPPED, 0, 2, 0, CACHE_STATE_COUNT},
    {"off, for long", CACHE_STATE_STOPPED, 0, 3, 0, CACHE_STATE_UNKNOWN},
    {"up, its row may be late", CACHE_STATE_READY, 0, 2, 0, CACHE_STATE_COUNT},
    {"up, for long", CACHE_STATE_READY, 0, 3, 0, CACHE_STATE_UNKNOWN},
    {"on its way up", CACHE_STATE_STARTING, 1000, 2, 0, CACHE_STATE_COUNT},
    {"on its way up, for long", CACHE_STATE_STARTING, 1500, 3, 0, CACHE_STATE_STARTING},
    {"booting, for long", CACHE_STATE_BOOTING, STUCK_MS - 1, 200, 0, CACHE_STATE_BOOTING},
    {"booting, for too long", CACHE_STATE_BOOTING, STUCK_MS, 200, 0, CACHE_STATE_UNKNOWN},
    {"launched, not seen since", CACHE_STATE_STOPPED, 0, 1, CTL_EXPECT_START, CACHE_STATE_STARTING},
    {"quit, not seen since", CACHE_STATE_RUNNING, 0, 1, CTL_EXPECT_STOP, CACHE_STATE_COUNT},
    {"not known, for long", CACHE_STATE_UNKNOWN, 0, 9, 0, CACHE_STATE_UNKNOWN},
    {"stuck", CACHE_STATE_STUCK, STUCK_MS, 9, 0, CACHE_STATE_UNKNOWN},
};

Test(ctl_state, what_list2_leaves_out_follows_the_table)
{
    for (size_t i = 0; i < countof(unlisted); i++) {
        struct ctl_verdict verdict = {.state = CACHE_STATE_COUNT};
        struct ctl_facts facts = {
            .expect = unlisted[i].expect,
            .previous = unlisted[i].previous,
            .previous_ms = unlisted[i].previous_ms,
            .stuck_ms = STUCK_MS,
        };
        bool is_told = ctl_state_derive_unlisted(&facts, unlisted[i].n_absent, &verdict);
        cr_expect_eq(verdict.state, unlisted[i].state, "%s", unlisted[i].what);
        cr_expect_eq(is_told, unlisted[i].state != CACHE_STATE_COUNT, "%s", unlisted[i].what);
    }
}

Test(ctl_state, a_vm_is_missed_where_one_should_be)
{
    static const struct {
        struct ctl_facts facts;
        bool is_missed;
    } cases[] = {
        {{.android = 0}, false},
        {{.android = 2, .pid = 5, .vbox_pid = -1}, false},
        {{.android = 2, .pid = 5, .vbox_pid = -1, .had_vm = true}, true},
        {{.android = 1, .pid = 5, .vbox_pid = -1}, true},
        {{.android = 1, .pid = 5, .vbox_pid = 6}, false},
        {{.android = 1, .pid = 5, .vbox_pid = 6, .sees_vms = true}, true},
        {{.android = 1, .pid = 5, .vbox_pid = -1, .headless = 6}, false},
    };
    for (size_t i = 0; i < countof(cases); i++)
        cr_expect_eq(ctl_state_misses_vm(&cases[i].facts), cases[i].is_missed, "%zu", i);
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
    cr_expect_str_eq(ctl_guest_name(CTL_GUEST_OTHER), "other");
    cr_expect_str_eq(ctl_guest_name(CTL_GUEST_CLOSED), "closed");
}
