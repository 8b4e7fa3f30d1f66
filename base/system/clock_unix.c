/* SPDX-License-Identifier: MIT */
#include "base/system/clock.h"

#include <uv.h>

/* CLOCK_MONOTONIC of Linux does not count a sleep. */
uint64_t clock_mono_ms(void)
{
    return uv_hrtime() / 1000000;
}
