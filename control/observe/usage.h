/* SPDX-License-Identifier: MIT */
#ifndef CTL_USAGE_H
#define CTL_USAGE_H

#include <stdint.h>

/** What the player and the VM of an instance have used together, at the last look. */
struct ctl_usage {
    int64_t player;  /* whose: 0 = none was seen */
    uint64_t age_ms; /* of that; 0 = not known */
    uint64_t cpu_ms; /* processor time since they were started */
    uint64_t private_bytes;
};

#endif
