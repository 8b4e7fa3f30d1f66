/* SPDX-License-Identifier: MIT */
#ifndef BASE_SYSTEM_PRIVATE_H
#define BASE_SYSTEM_PRIVATE_H

#include <stdbool.h>

#include "base/machine/system.h"

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

/* system_proc.c, Linux alone. */

/** Reads the texts in which Linux tells its figures. What is missing or malformed leaves its
 *  field alone. */

/** /proc/stat. */
void system_proc_cpu(const char *text, struct system_cpu *ret);
/** /proc/meminfo. */
void system_proc_memory(const char *text, struct system_figures *ret);
/** /etc/os-release. */
void system_proc_os(const char *text, struct system_figures *ret);

/** One line of /proc/self/mountinfo. */
struct system_mount {
    char point[SYSTEM_MOUNT_SIZE]; /* unescaped */
    char type[32], source[SYSTEM_MOUNT_SIZE];
};
/** Takes the line at *TEXT and moves *TEXT behind it. Returns false at the end; lines that cannot
 *  be read, or whose names are too long, are passed over. */
bool system_proc_next_mount(const char **text, struct system_mount *ret);
/** A real disk: not memory, not an image mounted as a loop, not the layers of a container. */
bool system_proc_is_disk(const struct system_mount *mount);
/** Whether PATH, absolute and real, lies below the mount point. */
bool system_proc_holds(const struct system_mount *mount, const char *path);

#endif
