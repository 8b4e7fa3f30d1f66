/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_TIMELINE_H
#define SIMULATOR_TIMELINE_H

#include "run.h"
#include "settings.h"

/* Where an instance is on its way, from its record, the time and which of its processes live.
 *
 *     launch --visible--> 2,pid,-1 --vm--> 2,pid,vm --android--> 1,pid,vm --adb--> adb answers
 *                                                                --boot--> boot_completed
 *     quit --off--> 0,-1,-1 and the VM is gone (one of them later: row_late, vm_late)
 *          --tail--> the player is gone too --settle--> a launch is safe
 *     VM killed:     1,pid,-1 (2,pid,-1 when Android was not up yet), for ever
 *     player killed: 0,-1,-1, and the VM lives on
 */

/** What list2 tells of an instance. */
struct view {
    int state; /* 0 off, 1 Android up, 2 starting */
    int64_t top_window;
    int64_t bind_window;
    int64_t pid;      /* -1: none */
    int64_t vm_pid;   /* -1: none */
    bool is_left_out; /* list2 has no row of it just now */
};

/** A launch that begins now; the processes are not in it yet. */
struct run timeline_plan(const struct settings *settings, int index);

/** The whole timeline of the VM begins again now, as by a reboot or a crash. */
void timeline_restart(struct run *run, int64_t now);

/** `run` may be NULL: not started. */
struct view timeline_view(const struct run *run, bool hidden, int64_t now);

/** True from the moment Android is up until the VM ends. */
bool timeline_is_up(const struct run *run, int64_t now);

/** True when adbd inside the guest answers. */
bool timeline_adb_answers(const struct run *run, int64_t now);

bool timeline_boot_completed(const struct run *run, int64_t now);

#endif
