/* SPDX-License-Identifier: MIT */
#ifndef LDC_TIMING_H
#define LDC_TIMING_H

enum {
    LDC_PLAYER_LINGER_MS = 30000,
    LDC_VM_LINGER_MS = 10000,
    LDC_LAUNCH_LAG_MS = 10000,
    LDC_LATE_ROW_LOOKS = 3,
    LDC_LATE_ROW_MS = 60000,
};

#endif
