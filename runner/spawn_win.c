/* SPDX-License-Identifier: MIT */
#include "runner/spawn.h"

#include <uv.h>

/* Not detached: libuv then puts the child into its kill-on-close job, so ldconsole ends with us;
 * the job lets grandchildren break away, so emulators do not.
 *
 * Only its console is hidden: ldconsole may start dnplayer as it was started itself (STARTUPINFO),
 * and a window that was meant to be seen would stay away. */
unsigned spawn_flags(void)
{
    return UV_PROCESS_WINDOWS_HIDE_CONSOLE;
}

/* libuv turns ERROR_ELEVATION_REQUIRED (740) into UV_EACCES, and nothing else that CreateProcess
 * says of a program file: a plain "access denied" becomes UV_EPERM. */
bool spawn_needs_elevation(int error)
{
    return error == UV_EACCES;
}
