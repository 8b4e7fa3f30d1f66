/* SPDX-License-Identifier: MIT */
#include "base/system/clock.h"

#include <uv.h>

#include <windows.h>

/* The performance counter is fine and goes on in a sleep, the unbiased interrupt time is coarse and
 * does not: where one has run ahead of the other by more than a grain since the last call, the
 * computer has slept. They are compared from call to call, because over days they drift apart. */
enum { GRAIN_MS = 1000 };

static SRWLOCK lock = SRWLOCK_INIT;
static uint64_t last_ms, last_awake_ms, slept_ms;

uint64_t clock_mono_ms(void)
{
    ULONGLONG awake_100ns = 0;
    AcquireSRWLockExclusive(&lock);
    uint64_t now_ms = uv_hrtime() / 1000000;
    if (QueryUnbiasedInterruptTime(&awake_100ns)) {
        uint64_t awake_ms = awake_100ns / 10000;
        uint64_t passed_ms = now_ms - last_ms, worked_ms = awake_ms - last_awake_ms;
        if (last_ms && passed_ms > worked_ms + GRAIN_MS)
            slept_ms += passed_ms - worked_ms;
        last_ms = now_ms;
        last_awake_ms = awake_ms;
    }
    now_ms -= slept_ms;
    ReleaseSRWLockExclusive(&lock);
    return now_ms;
}
