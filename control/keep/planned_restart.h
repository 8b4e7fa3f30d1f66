/* SPDX-License-Identifier: MIT */
#ifndef CTL_PLANNED_RESTART_H
#define CTL_PLANNED_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/observe/usage.h"

/** When an instance that is well is started anew all the same: it has run for so long, or its
 *  processes take more and more memory. Pure. */
struct ctl_planned_rules {
    unsigned after_h;          /* it has run for so long; 0 = never */
    unsigned leak_mb_per_h;    /* its private bytes grow so fast; 0 = never */
    unsigned idle_cpu_percent; /* and only while it takes less than this of one processor; 0 = it
                                  does not matter */
};

enum {
    CTL_RUN_SAMPLES = 13,
    CTL_RUN_SAMPLE_MS = 600000,      /* between two of them: so they reach back two hours */
    CTL_RUN_WARM_UP_MS = 30 * 60000, /* a guest that is filling its memory is no leak */
    CTL_RUN_SLOPE_MS = 3600000       /* over which growth says something */
};

/** What one run of an instance has used in the course of time; all zero = nothing is known. */
struct ctl_run {
    int64_t player;
    struct {
        uint64_t at_ms, cpu_ms, private_bytes;
    } samples[CTL_RUN_SAMPLES]; /* the oldest first */
    unsigned n_samples;
};

bool ctl_planned_is_wanted(const struct ctl_planned_rules *rules);
/** What was used by NOW (monotonic). Another player is another run. */
void ctl_run_note(struct ctl_run *run, uint64_t now, const struct ctl_usage *usage);
/** By how many MB the private bytes grow in an hour: the slope of the straight line through the
 *  samples; 0 while these do not reach back for CTL_RUN_SLOPE_MS. */
double ctl_run_leak_mb_per_h(const struct ctl_run *run);
/** Whether it is to be started anew now, with the reason as a sentence without its end in WHY. */
bool ctl_planned_is_due(const struct ctl_planned_rules *rules, const struct ctl_run *run,
                        uint64_t now, const struct ctl_usage *usage, char *why, size_t size);

#endif
