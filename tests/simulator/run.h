/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_RUN_H
#define SIMULATOR_RUN_H

#include "home.h"
#include "kv.h"
#include "process.h"

#include <stdbool.h>
#include <stdint.h>

/* The record of one started instance, sim/run/<N>: written by `launch`, by `quit` and by the
 * player process, always under the lock of the home.  There is none for a stopped instance.
 * Times are os_now_ms, durations milliseconds that the speed has gone into: the timeline of a
 * launch is fixed when it is launched. */
struct run {
    int index;
    int64_t id; /* differs for every launch */

    int64_t launched_at;
    int64_t visible_at;   /* list2 shows nothing before */
    int64_t vm_at;        /* the VM is due */
    int64_t boot_ms;      /* VM until state 1 */
    int64_t adb_ms;       /* state 1 until adb answers */
    int64_t done_ms;      /* adb until boot_completed */
    int64_t column5_at;   /* column 5 of list2 is 0 before */
    bool has_no_starting; /* and stays 0 until Android is up */
    int64_t row_gap_ms;   /* the row is missing for so long behind the start of the VM */
    int64_t off_ms;       /* quit until state 0 or the end of the VM, whichever comes first */
    int64_t row_late_ms;  /* by how much the row comes later than that */
    int64_t vm_late_ms;   /* by how much the VM does */
    int64_t tail_ms;      /* state 0 until the player is gone */
    int64_t settle_ms;    /* player gone until a launch is safe */
    int64_t crash_ms;     /* crash_loop: state 1 until the VM dies */
    int64_t repair_at;    /* repairer: the first player gives way to the second; 0: no repairer */
    int64_t end_at;       /* the processes end by themselves */
    int64_t poll_ms;

    struct process player;
    struct process vm;
    int64_t vm_started_at; /* 0: not yet */
    int64_t vm_died_at;    /* 0: as far as the player knows it lives */
    int64_t quit_at;       /* 0: nobody asked */
    int64_t restart_at;    /* reboot was asked for; 0: not */
    bool vm_stopped;       /* the player has ended the VM, as quit asked */
    bool off;              /* the row says so; the player is in its tail */
    bool stuck;            /* there will be no VM */

    const char *faults; /* those that count from the launch on, comma list */
    int adb_debug;      /* basicSettings.adbDebug: 0 off, 1 local, 2 remote */
    const char *window; /* normal, mini or hide, as launch was asked */
    int width;
    int height;
    int dpi;
    const char *mac, *imei, *sim_serial, *android_id; /* as its VM began with them */
    const char *app; /* launchex: package that opens once Android is up, "" for none */
};

/** Returns 0, or -1 when the instance was not started. */
int run_load(const struct home *home, int index, struct run *ret_run);
int run_save(const struct home *home, const struct run *run);

/** Take the record and the player's copy of the configuration away. */
void run_remove(const struct home *home, int index);

/** All records there are. */
struct run_list {
    struct run *items;
    size_t n_items;
    size_t capacity;
};
struct run_list run_load_all(const struct home *home);

/** The one of an index, or NULL. */
const struct run *run_list_find(const struct run_list *list, int index);

#endif
