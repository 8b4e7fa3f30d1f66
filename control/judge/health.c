/* SPDX-License-Identifier: MIT */
#include "control/judge/health.h"

enum { CRASHES_OF_A_LOOP = 3, CRASHES_BELOW_FLOOR = 1 };

const char *const ctl_illness_names[] = {
    [CTL_ILLNESS_NONE] = "none",
    [CTL_ILLNESS_STUCK] = "stuck",
    [CTL_ILLNESS_ZOMBIE] = "zombie",
    [CTL_ILLNESS_UNREACHABLE] = "unreachable",
    [CTL_ILLNESS_SILENT] = "silent",
    [CTL_ILLNESS_CRASH_LOOP] = "crash_loop",
    [CTL_ILLNESS_FOREIGN_GUEST] = "foreign_guest",
    [CTL_ILLNESS_CONFIG_LOST] = "config_lost",
    [CTL_ILLNESS_NOT_STARTING] = "not_starting",
};

uint64_t ctl_health_grace_ms(unsigned longest_boot_ms, unsigned stuck_ms)
{
    uint64_t twice = 2 * (uint64_t)longest_boot_ms;
    return twice > stuck_ms ? twice : stuck_ms;
}

/* A guest that never answered proves nothing: there may be no way to it (reference 4). */
static bool is_silent(const struct ctl_vitals *v, uint64_t grace_ms)
{
    return v->guest == CTL_GUEST_SILENT ||
           (v->guest == CTL_GUEST_UNKNOWN && v->has_answered && v->state_ms >= grace_ms);
}

bool ctl_illness_is_curable(enum ctl_illness illness)
{
    return illness != CTL_ILLNESS_NONE && illness != CTL_ILLNESS_FOREIGN_GUEST;
}

enum ctl_illness ctl_health_judge(const struct ctl_vitals *v)
{
    uint64_t grace_ms = ctl_health_grace_ms(v->longest_boot_ms, v->stuck_ms);
    /* In a repairer's pass list2 says 0 in the middle of a boot that ends well (reference 5.2). How
     * long a boot takes says nothing of a player that has no VM at all. */
    bool is_in_grace = v->starting_ms > 0 && v->starting_ms < grace_ms;

    bool is_on = v->state != CACHE_STATE_STOPPED && v->state != CACHE_STATE_STOPPING &&
                 v->state != CACHE_STATE_UNKNOWN;
    if (is_on && v->n_vm_restarts >= (v->is_below_floor ? CRASHES_BELOW_FLOOR : CRASHES_OF_A_LOOP))
        return CTL_ILLNESS_CRASH_LOOP;
    switch (v->state) {
    case CACHE_STATE_STUCK:
        return is_in_grace && !v->waits_for_vm ? CTL_ILLNESS_NONE : CTL_ILLNESS_STUCK;
    case CACHE_STATE_UNREACHABLE:
        return is_in_grace ? CTL_ILLNESS_NONE : CTL_ILLNESS_UNREACHABLE;
    case CACHE_STATE_ZOMBIE:
        return CTL_ILLNESS_ZOMBIE;
    case CACHE_STATE_RUNNING:
        if (v->guest == CTL_GUEST_OTHER)
            return CTL_ILLNESS_FOREIGN_GUEST;
        if (is_silent(v, grace_ms))
            return CTL_ILLNESS_SILENT;
        break;
    case CACHE_STATE_READY:
        break;
    default:
        return CTL_ILLNESS_NONE;
    }
    return v->has_lost_config ? CTL_ILLNESS_CONFIG_LOST : CTL_ILLNESS_NONE;
}
