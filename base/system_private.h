/* SPDX-License-Identifier: MIT */
#ifndef BASE_SYSTEM_PRIVATE_H
#define BASE_SYSTEM_PRIVATE_H

#include "base/system.h"

/** What each platform reads in its own way; each leaves alone what it cannot read. RET is zeroed
 *  before. */
void system_read_cpu(struct system_figures *ret);
void system_read_memory(struct system_figures *ret);
/** PATH exists and is absolute, or is NULL. `home` is n_disks before all disks are in. */
void system_read_disks(const char *path, struct system_figures *ret);
/** os_name and os_version. */
void system_read_os(struct system_figures *ret);

/** Puts a disk behind the others; NULL when there is no room or MOUNT is too long to be shown
 *  whole. */
struct system_disk *system_add_disk(struct system_figures *figures, const char *mount);

#endif
