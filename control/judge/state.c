/* SPDX-License-Identifier: MIT */
/* list2 alone cannot be believed: it says "up" of a window whose VM died, and "off" of players it
 * lost sight of or whose start it does not show yet. So each of its three answers is held against
 * the process table, as far as that is visible, and first of all against what we asked for a moment
 * ago. What two witnesses of one look say that saw different moments is believed with the second.
 */
#include "control/judge/state.h"

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

/* A process that list2 names lives, unless the table would show it. */
static bool has_player(const struct ctl_facts *f)
{
    return f->player > 0 || (f->pid > 0 && !f->sees_players);
}

static bool has_vm(const struct ctl_facts *f)
{
    return f->headless > 0 || (f->vbox_pid > 0 && !f->sees_vms);
}

bool ctl_state_misses_vm(const struct ctl_facts *f)
{
    return !has_vm(f) && f->possible <= 0 && (f->android == 1 || (f->android == 2 && f->had_vm));
}

bool ctl_state_misses_all(const struct ctl_facts *f)
{
    return f->pid > 0 && !has_player(f) && !has_vm(f);
}

/* --- list2 says 1 --- */

static void derive_up(const struct ctl_facts *f, struct ctl_verdict *v)
{
    bool is_confirmed = f->n_without_vm >= LDC_TIMING_CONFIRMING_LOOKS;

    if (f->expect == CTL_EXPECT_STOP)
        decide(v, CACHE_STATE_STOPPING, "quit was asked for; list2 still says Android is up");
    else if (f->sees_players && !has_player(f) && has_vm(f))
        decide(v, CACHE_STATE_UNREACHABLE, "VM process %" PRId64 " runs without its player window",
               f->headless > 0 ? f->headless : f->vbox_pid);
    else if (f->sees_players && !has_player(f))
        decide(v, CACHE_STATE_UNKNOWN,
               "list2 says Android is up, but no process of the instance exists");
    else if (!has_vm(f) && f->possible > 0)
        decide(v, CACHE_STATE_UNKNOWN,
               "list2 says Android is up and names no VM; process %" PRId64
               " is its own or of another installation",
               f->possible);
    else if (!has_vm(f) && is_confirmed)
        decide(v, CACHE_STATE_ZOMBIE, "list2 says Android is up, but there is no VM process");
    else if (!has_vm(f))
        decide(v, CACHE_STATE_UNKNOWN,
               "list2 says Android is up, but no VM process was seen; looking again");
    else if (f->guest == CTL_GUEST_ANSWERS)
        decide(v, CACHE_STATE_READY, "Android is up and the guest answers");
    else if (f->guest_reason)
        decide(v, CACHE_STATE_RUNNING, "Android is up, but %s", f->guest_reason);
    else if (f->guest == CTL_GUEST_SILENT)
        decide(v, CACHE_STATE_RUNNING, "Android is up, but the guest does not answer");
    else
        decide(v, CACHE_STATE_RUNNING, "Android is up");
}

/* --- list2 says 2, or 0 beside a process --- */

static const char repairer[] =
    "LDPlayer's repairer is at work on it (from=repairer): it comes up within about 80 s";

/* Told early; it is called stuck, and something done about it, when nobody can mistake a slow boot
 * for it. */
static bool is_overdue(const struct ctl_facts *f)
{
    return f->longest_boot_ms > 0 && f->previous_ms >= LDC_TIMING_OVERDUE_MS &&
           f->previous_ms >= 3 * (uint64_t)f->longest_boot_ms;
}

static void derive_starting(const struct ctl_facts *f, struct ctl_verdict *v)
{
    bool was_starting = f->previous == CACHE_STATE_STARTING || f->previous == CACHE_STATE_BOOTING ||
                        f->previous == CACHE_STATE_STUCK;
    bool is_dead = f->had_vm && f->n_without_vm >= LDC_TIMING_CONFIRMING_LOOKS;
    unsigned no_vm_ms = f->stuck_ms < LDC_TIMING_NO_VM_MS ? f->stuck_ms : LDC_TIMING_NO_VM_MS;
    bool has_no_vm = !has_vm(f) && !f->is_repaired && f->without_vm_ms >= no_vm_ms;

    if (ctl_state_misses_all(f) && f->n_without_any >= LDC_TIMING_CONFIRMING_LOOKS)
        decide(v, CACHE_STATE_UNKNOWN,
               "list2 says it starts, but no process of the instance exists");
    else if (f->expect == CTL_EXPECT_STOP)
        decide(v, CACHE_STATE_STOPPING, "quit was asked for during the start");
    else if (ctl_state_misses_all(f))
        decide(v, CACHE_STATE_STARTING,
               "list2 says it starts, and its player was not seen; looking again");
    else if (is_dead)
        decide(v, CACHE_STATE_ZOMBIE, "the VM ended during the start; its window is left");
    else if (was_starting && has_no_vm)
        decide(v, CACHE_STATE_STUCK,
               "the player waits for its VM for more than %u s%s%s: quit it and start it again",
               no_vm_ms / 1000, f->flaw ? "; " : "", f->flaw ? f->flaw : "");
    else if (was_starting && f->previous_ms >= f->stuck_ms)
        decide(v, CACHE_STATE_STUCK, "%s for more than %u s: quit it and start it again",
               has_vm(f) ? "the VM runs without Android coming up" : "the player waits for its VM",
               f->stuck_ms / 1000);
    else if (f->is_repaired)
        decide(v, has_vm(f) ? CACHE_STATE_BOOTING : CACHE_STATE_STARTING, "%s", repairer);
    else if (has_vm(f) && is_overdue(f))
        decide(v, CACHE_STATE_BOOTING,
               "the VM is up and Android is overdue: none of its last boots took longer than %u s",
               f->longest_boot_ms / 1000);
    else if (has_vm(f))
        decide(v, CACHE_STATE_BOOTING, "the VM is up, Android is not yet");
    else
        decide(v, CACHE_STATE_STARTING, "the player is up, the VM is not yet");
}

/* --- list2 says 0 --- */

/* Some versions show the processes of a boot, and 0 until Android is up (reference 11). One that
 * was up a moment ago is on its way down. */
static bool is_closing(const struct ctl_facts *f)
{
    return (ctl_state_is_up(f->previous) || f->previous == CACHE_STATE_STOPPING) &&
           f->off_ms < LDC_TIMING_PLAYER_LINGER_MS;
}

/* A stop by other hands than ours. What list2 has called off all the time was not seen on. */
static bool is_ending(const struct ctl_facts *f)
{
    bool was_listed = f->previous != CACHE_STATE_STARTING || f->off_ms < f->previous_ms;
    bool was_on = f->previous != CACHE_STATE_UNKNOWN && f->previous != CACHE_STATE_STOPPED &&
                  f->previous != CACHE_STATE_UNREACHABLE;
    return was_on && was_listed &&
           f->off_ms < (f->player > 0 ? LDC_TIMING_PLAYER_LINGER_MS : LDC_TIMING_VM_LINGER_MS);
}

/* A launch by other hands than ours, or before we began to look. The age of the player decides;
 * where that is not known, that it was not there before. */
static bool is_appearing(const struct ctl_facts *f)
{
    /* One that list2 had shown in that start, and shows no longer, is on its way down. */
    bool is_unseen = f->previous == CACHE_STATE_STARTING && f->off_ms >= f->previous_ms;
    bool may_start = f->previous == CACHE_STATE_STOPPED || is_unseen ||
                     (f->previous == CACHE_STATE_UNKNOWN && f->player_age_ms > 0);
    uint64_t age_ms = f->player_age_ms                      ? f->player_age_ms
                      : f->previous == CACHE_STATE_STARTING ? f->previous_ms
                                                            : 0;
    return f->player > 0 && may_start && age_ms < LDC_TIMING_LAUNCH_LAG_MS;
}

static void derive_without_processes(const struct ctl_facts *f, struct ctl_verdict *v)
{
    if (f->possible > 0)
        decide(
            v, CACHE_STATE_UNKNOWN,
            "list2 says it is off, and a VM runs that is its own or of another installation: end "
            "process %" PRId64 " if it is its own",
            f->possible);
    else if (f->pid > 0)
        decide(v, CACHE_STATE_STOPPED,
               "process %" PRId64 " that list2 still names is none of its own any more", f->pid);
    else
        decide(v, CACHE_STATE_STOPPED, "list2 shows no process%s",
               f->sees_players ? " and none is left" : "");
}

/* The player of a repairer is as old as the pass (reference 5.2): also for who did not see it
 * begin. */
static bool is_in_repair(const struct ctl_facts *f)
{
    uint64_t ms = f->player_age_ms                     ? f->player_age_ms
                  : ctl_state_is_starting(f->previous) ? f->previous_ms
                                                       : f->stuck_ms;
    return f->is_repaired && f->player > 0 && ms < f->stuck_ms;
}

static void derive_off(const struct ctl_facts *f, struct ctl_verdict *v)
{
    bool is_named = f->pid > 0 && has_player(f);
    int64_t left = f->player > 0 ? f->player : is_named ? f->pid : f->headless;

    if (f->expect == CTL_EXPECT_STOP && left > 0)
        decide(v, CACHE_STATE_STOPPING,
               "quit was asked for, and process %" PRId64 " is still there", left);
    else if (is_named && !is_closing(f))
        derive_starting(f, v);
    else if (f->expect == CTL_EXPECT_START)
        decide(v, CACHE_STATE_STARTING, "launch was asked for; list2 does not show it yet");
    else if (is_in_repair(f))
        decide(v, CACHE_STATE_STARTING, "%s", repairer);
    else if (left <= 0)
        derive_without_processes(f, v);
    else if (is_appearing(f))
        decide(v, CACHE_STATE_STARTING,
               "player process %" PRId64 " appeared; list2 does not show it yet", left);
    else if (is_ending(f) && (f->player > 0 || is_named))
        decide(v, CACHE_STATE_STOPPING,
               "ldconsole says it is off, and player process %" PRId64 " is still there", left);
    else if (is_ending(f))
        decide(v, CACHE_STATE_STOPPING,
               "its player has ended, and VM process %" PRId64 " is still there", left);
    else if (f->player > 0 || is_named)
        decide(v, CACHE_STATE_UNREACHABLE,
               "process %" PRId64 " is alive, but ldconsole says the instance is off", left);
    else
        decide(v, CACHE_STATE_UNREACHABLE,
               "VM process %" PRId64 " is alive without a player, and ldconsole says the instance "
               "is off",
               left);
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

/* --- list2 says nothing --- */

/* Whether its processes say something else than that it is as it was. */
static bool is_contradicted(const struct ctl_facts *f)
{
    bool lives = f->player > 0 || f->headless > 0;
    if (f->previous == CACHE_STATE_STOPPED)
        return lives;
    if (ctl_state_is_up(f->previous))
        return (f->sees_players && f->player == 0) || (f->sees_vms && f->headless == 0);
    if (ctl_state_is_starting(f->previous))
        return f->sees_players && f->player == 0 && f->expect != CTL_EXPECT_START;
    return f->previous != CACHE_STATE_UNKNOWN && f->sees_players && f->sees_vms && !lives;
}

static void derive_from_processes(const struct ctl_facts *f, struct ctl_verdict *v)
{
    int64_t alive = f->player > 0 ? f->player : f->headless;
    /* What cannot be read says nothing against it: nobody may heal it for that. */
    if (alive > 0 && f->is_torn)
        decide(v, CACHE_STATE_UNKNOWN,
               "list2 printed a broken row, and none of this instance; its process %" PRId64
               " is alive",
               alive);
    else if (alive > 0)
        decide(v, CACHE_STATE_UNREACHABLE,
               "list2 does not show it, but its process %" PRId64 " is alive", alive);
    else if (f->possible > 0)
        decide(v, CACHE_STATE_UNKNOWN,
               "list2 does not show it, and process %" PRId64
               " is its own or of another installation",
               f->possible);
    else
        decide(v, CACHE_STATE_UNKNOWN, "list2 does not show it; its files are there%s",
               f->sees_players && f->sees_vms ? ", and none of its processes lives" : "");
}

/* A row is left out for a moment in an ordinary boot (reference 11), which goes on meanwhile: for
 * as long as a start may take. What else is left out is as it was while its row may only be late,
 * unless its processes say that it is not; when that takes longer only those are known. */
bool ctl_state_derive_unlisted(const struct ctl_facts *f, unsigned n_unlisted,
                               struct ctl_verdict *ret)
{
    bool was_off = f->previous == CACHE_STATE_STOPPED;
    bool is_other = is_contradicted(f);
    bool is_late = n_unlisted < LDC_TIMING_ABSENT_LOOKS;

    if (f->expect == CTL_EXPECT_START && was_off)
        decide(ret, CACHE_STATE_STARTING, "launch was asked for; list2 leaves its row out");
    else if (is_late && !is_other)
        return false;
    else if (was_off && is_appearing(f))
        decide(ret, CACHE_STATE_STARTING,
               "player process %" PRId64 " appeared; list2 leaves its row out", f->player);
    else if (ctl_state_is_starting(f->previous) && !is_other && f->previous_ms < f->stuck_ms)
        decide(ret, f->previous, "list2 leaves its row out, as it may during a boot");
    else
        derive_from_processes(f, ret);
    return true;
}

bool ctl_state_is_starting(enum cache_state state)
{
    return state == CACHE_STATE_STARTING || state == CACHE_STATE_BOOTING;
}

bool ctl_state_is_moving(enum cache_state state)
{
    return ctl_state_is_starting(state) || state == CACHE_STATE_STOPPING;
}

bool ctl_state_is_up(enum cache_state state)
{
    return state == CACHE_STATE_RUNNING || state == CACHE_STATE_READY;
}

const char *ctl_guest_name(enum ctl_guest guest)
{
    static const char *const names[] = {"unknown", "answers", "silent", "other", "closed"};
    return names[guest];
}
