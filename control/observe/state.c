/* SPDX-License-Identifier: MIT */
/* list2 alone cannot be believed: it says "up" of a window whose VM died, and "off" of players it
 * lost sight of. So each of its three answers is held against the process table, as far as that
 * is visible, and against what we asked for a moment ago. */
#include "control/observe/state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "ldconsole/verbs/timing.h"

__attribute__((format(printf, 3, 4))) static void
decide(struct ctl_verdict *v, enum cache_state state, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(v->reason, sizeof(v->reason), fmt, args);
    va_end(args);
    v->state = state;
}

static void derive_up(const struct ctl_facts *f, struct ctl_verdict *v)
{
    bool has_vm = f->headless > 0 || (!f->sees_vms && f->vbox_pid > 0);
    bool has_player = f->player > 0 || !f->sees_players;

    if (!has_player && f->headless > 0)
        decide(v, CACHE_STATE_UNREACHABLE, "VM process %" PRId64 " runs without its player window",
               f->headless);
    else if (!has_player)
        decide(v, CACHE_STATE_UNKNOWN,
               "list2 says Android is up, but player process %" PRId64 " does not exist", f->pid);
    else if (!has_vm)
        decide(v, CACHE_STATE_ZOMBIE, "list2 says Android is up, but there is no VM process");
    else if (f->expect == CTL_EXPECT_STOP)
        decide(v, CACHE_STATE_STOPPING, "quit was asked for; Android is still up");
    else if (f->guest == CTL_GUEST_ANSWERS)
        decide(v, CACHE_STATE_READY, "Android is up and the guest answers");
    else if (f->guest == CTL_GUEST_SILENT)
        decide(v, CACHE_STATE_RUNNING, "Android is up, but the guest does not answer");
    else
        decide(v, CACHE_STATE_RUNNING, "Android is up");
}

static void derive_starting(const struct ctl_facts *f, struct ctl_verdict *v)
{
    bool has_vm = f->vbox_pid > 0;
    bool was_starting = f->previous == CACHE_STATE_STARTING || f->previous == CACHE_STATE_BOOTING ||
                        f->previous == CACHE_STATE_STUCK;

    if (f->expect == CTL_EXPECT_STOP)
        decide(v, CACHE_STATE_STOPPING, "quit was asked for during the start");
    else if (was_starting && f->previous_ms >= f->stuck_ms)
        decide(v, CACHE_STATE_STUCK, "%s for more than %u s: quit it and start it again",
               has_vm ? "the VM runs without Android coming up" : "the player waits for its VM",
               f->stuck_ms / 1000);
    else if (has_vm)
        decide(v, CACHE_STATE_BOOTING, "the VM is up, Android is not yet");
    else
        decide(v, CACHE_STATE_STARTING, "the player is up, the VM is not yet");
}

/* A stop by other hands than ours. */
static bool is_ending(const struct ctl_facts *f)
{
    bool was_on = f->previous != CACHE_STATE_UNKNOWN && f->previous != CACHE_STATE_STOPPED &&
                  f->previous != CACHE_STATE_UNREACHABLE;
    return was_on &&
           f->off_ms < (f->player > 0 ? LDC_TIMING_PLAYER_LINGER_MS : LDC_TIMING_VM_LINGER_MS);
}

/* A launch by other hands than ours. */
static bool is_appearing(const struct ctl_facts *f)
{
    return f->player > 0 &&
           (f->previous == CACHE_STATE_STOPPED ||
            (f->previous == CACHE_STATE_STARTING && f->previous_ms < LDC_TIMING_LAUNCH_LAG_MS));
}

static void derive_off(const struct ctl_facts *f, struct ctl_verdict *v)
{
    int64_t left = f->player > 0 ? f->player : f->headless;

    if (f->expect == CTL_EXPECT_START)
        decide(v, CACHE_STATE_STARTING, "launch was asked for; list2 does not show it yet");
    else if (left <= 0)
        decide(v, CACHE_STATE_STOPPED, "list2 shows no process%s",
               f->sees_players ? " and none is left" : "");
    else if (f->expect == CTL_EXPECT_STOP)
        decide(v, CACHE_STATE_STOPPING, "process %" PRId64 " is still ending", left);
    else if (is_appearing(f))
        decide(v, CACHE_STATE_STARTING,
               "player process %" PRId64 " appeared; list2 does not show it yet", left);
    else if (is_ending(f))
        decide(v, CACHE_STATE_STOPPING, "process %" PRId64 " is still ending", left);
    else
        decide(v, CACHE_STATE_UNREACHABLE,
               "process %" PRId64 " is alive, but ldconsole says the instance is off", left);
}

void ctl_state_derive(const struct ctl_facts *facts, struct ctl_verdict *ret)
{
    if (facts->android == 1)
        derive_up(facts, ret);
    else if (facts->android == 2)
        derive_starting(facts, ret);
    else if (facts->android == 0)
        derive_off(facts, ret);
    else
        decide(ret, CACHE_STATE_UNKNOWN, "list2 says %d where 0, 1 or 2 is known", facts->android);
}

bool ctl_state_is_moving(enum cache_state state)
{
    return state == CACHE_STATE_STARTING || state == CACHE_STATE_BOOTING ||
           state == CACHE_STATE_STOPPING;
}

bool ctl_state_is_up(enum cache_state state)
{
    return state == CACHE_STATE_RUNNING || state == CACHE_STATE_READY;
}

const char *ctl_guest_name(enum ctl_guest guest)
{
    return guest == CTL_GUEST_ANSWERS  ? "answers"
           : guest == CTL_GUEST_SILENT ? "silent"
                                       : "unknown";
}
