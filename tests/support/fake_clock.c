/* SPDX-License-Identifier: MIT */
#include "tests/support/fake_clock.h"

#include <stdatomic.h>

static _Atomic uint64_t skipped_ms, creep_ms;
static _Atomic int64_t wall_ms;

uint64_t __real_clock_mono_ms(void);
uint64_t __wrap_clock_mono_ms(void);
int64_t __real_clock_wall_ms(void);
int64_t __wrap_clock_wall_ms(void);

uint64_t __wrap_clock_mono_ms(void)
{
    skipped_ms += creep_ms;
    return __real_clock_mono_ms() + skipped_ms;
}

int64_t __wrap_clock_wall_ms(void)
{
    return __real_clock_wall_ms() + (int64_t)skipped_ms + wall_ms;
}

void fake_clock_skip(uint64_t ms)
{
    skipped_ms += ms;
}

void fake_clock_set_wall(int64_t ms)
{
    wall_ms += ms;
}

void fake_clock_creep(uint64_t ms)
{
    creep_ms = ms;
}
