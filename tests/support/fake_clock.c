/* SPDX-License-Identifier: MIT */
#include "tests/support/fake_clock.h"

#include <stdatomic.h>

static _Atomic uint64_t skipped_ms, creep_ms;
static _Atomic int64_t wall_ms;
static _Atomic uint64_t stopped_mono_ms;
static _Atomic int64_t stopped_wall_ms;
static _Atomic bool is_still;

uint64_t __real_clock_mono_ms(void);
uint64_t __wrap_clock_mono_ms(void);
int64_t __real_clock_wall_ms(void);
int64_t __wrap_clock_wall_ms(void);

uint64_t __wrap_clock_mono_ms(void)
{
    skipped_ms += creep_ms;
    return (is_still ? stopped_mono_ms : __real_clock_mono_ms()) + skipped_ms;
}

int64_t __wrap_clock_wall_ms(void)
{
    return (is_still ? stopped_wall_ms : __real_clock_wall_ms()) + (int64_t)skipped_ms + wall_ms;
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

void fake_clock_stop(bool is_stopped)
{
    stopped_mono_ms = __real_clock_mono_ms();
    stopped_wall_ms = __real_clock_wall_ms();
    is_still = is_stopped;
}
