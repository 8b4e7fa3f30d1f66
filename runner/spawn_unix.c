/* SPDX-License-Identifier: MIT */
#include "runner/spawn.h"

#include <uv.h>

/* A session of its own: Ctrl-C in our terminal is for us alone. A child in the middle of `add`
 * ends when we decide, and what it started outlives us as it does on Windows. */
unsigned spawn_flags(void)
{
    return UV_PROCESS_DETACHED;
}

bool spawn_needs_elevation(int error)
{
    (void)error;
    return false;
}
