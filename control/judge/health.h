/* SPDX-License-Identifier: MIT */
#ifndef CTL_HEALTH_H
#define CTL_HEALTH_H

#include "control/judge/state.h"

/** Whether an instance is ill: in a condition that does not pass by itself and has a cure, as far
 * as one look at what the three witnesses say tells (reference 5.2, 5.3). How many looks in a row
 * it takes to be sure is the reconciler's to say. Pure. */
enum ctl_illness {
    CTL_ILLNESS_NONE,
    CTL_ILLNESS_STUCK,         /* its start does not get on: no VM, or no Android */
    CTL_ILLNESS_ZOMBIE,        /* its window is left, its VM is not */
    CTL_ILLNESS_UNREACHABLE,   /* its processes live, ldconsole does not know it */
    CTL_ILLNESS_SILENT,        /* Android is up, the guest does not answer */
    CTL_ILLNESS_CRASH_LOOP,    /* its VM ends and begins anew, again and again */
    CTL_ILLNESS_FOREIGN_GUEST, /* what answers for it is not its own guest */
    CTL_ILLNESS_CONFIG_LOST,   /* it runs with a config file that has lost what we keep a copy of */
    CTL_ILLNESS_NOT_STARTING,  /* its starts fail, which only the reconciler knows */
    CTL_ILLNESS_COUNT
};

struct ctl_vitals {
    enum cache_state state;
    uint64_t state_ms;    /* how long it is in it; starting, booting and stuck are one */
    uint64_t starting_ms; /* how long ago a start began that has not come up; 0 = none */
    enum ctl_guest guest;
    bool waits_for_vm;      /* its player had no VM yet, and no repairer is at work */
    bool has_answered;      /* its guest did, in this or an earlier run */
    bool is_below_floor;    /* it has so little memory that its guest crashes (5.2: RAM floor) */
    unsigned n_vm_restarts; /* under the same window, lately */
    bool has_lost_config;
    unsigned stuck_ms;
    unsigned longest_boot_ms; /* of its last ones; 0 = none is known */
};

enum ctl_illness ctl_health_judge(const struct ctl_vitals *vitals);
/** Whether a restart may cure it. The others are told. */
bool ctl_illness_is_curable(enum ctl_illness illness);
/** How long a start may take before anything is held against it: twice the longest boot of this
 *  instance that is known, and at least STUCK_MS. */
uint64_t ctl_health_grace_ms(unsigned longest_boot_ms, unsigned stuck_ms);
/** In JSON: "stuck", "zombie", ...; "none". */
extern const char *const ctl_illness_names[CTL_ILLNESS_COUNT];

#endif
