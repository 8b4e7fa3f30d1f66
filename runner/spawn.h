/* SPDX-License-Identifier: MIT */
#ifndef SPAWN_H
#define SPAWN_H

#include <stdbool.h>

/** What starting a child means on this system. Private to this folder. */

/** Flags for uv_spawn. */
unsigned spawn_flags(void);
/** Whether ERROR, as uv_spawn gave it, says that the program wants an elevated caller. */
bool spawn_needs_elevation(int error);

#endif
