/* SPDX-License-Identifier: MIT */
#ifndef BASE_SYSTEM_PROC_H
#define BASE_SYSTEM_PROC_H

#include <stdbool.h>

#include "base/system_private.h"

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
