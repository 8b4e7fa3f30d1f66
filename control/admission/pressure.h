/* SPDX-License-Identifier: MIT */
#ifndef CTL_PRESSURE_H
#define CTL_PRESSURE_H

#include "control/admission/figures.h"

/** Whether this machine can bear one more instance now. Pure. */

/** What must be left when one is launched. 0 = that is not looked at. */
struct ctl_pressure_limits {
    unsigned min_memory_mb;      /* physical memory, beside what the instance is configured for */
    unsigned max_commit_percent; /* of the commit limit, with what the instance is configured for */
    unsigned max_cpu_percent;    /* before it is launched */
    unsigned min_disk_mb;        /* on the disk with the instances */
};

enum ctl_pressure {
    CTL_PRESSURE_NONE,
    CTL_PRESSURE_MEMORY,
    CTL_PRESSURE_COMMIT,
    CTL_PRESSURE_CPU,
    CTL_PRESSURE_DISK,
    CTL_PRESSURE_HOPELESS /* the machine would have to be another one: it has not that memory at all
                           */
};

bool ctl_pressure_is_looked_at(const struct ctl_pressure_limits *limits);
/** The first of them that keeps an instance configured for MEMORY_MB (0 = not known) from being
 *  launched, with its figures as a sentence in WHY; what the system does not tell keeps nobody. */
enum ctl_pressure ctl_pressure_judge(const struct ctl_sample *sample,
                                     const struct ctl_pressure_limits *limits, unsigned memory_mb,
                                     char *why, size_t size);

#endif
