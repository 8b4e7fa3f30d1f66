/* SPDX-License-Identifier: MIT */
#include "runner/spawn.h"

#include <uv.h>

/* Not detached: libuv then puts the child into its kill-on-close job, so ldconsole ends with us;
 * the job lets grandchildren break away, so emulators do not. */
unsigned spawn_flags(void)
{
    return UV_PROCESS_WINDOWS_HIDE;
}

/* libuv turns ERROR_ELEVATION_REQUIRED (740) into UV_EACCES, and nothing else that CreateProcess
 * says of a program file: a plain "access denied" becomes UV_EPERM. */
bool spawn_needs_elevation(int error)
{
    return error == UV_EACCES;
}
