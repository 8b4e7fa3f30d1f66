/* SPDX-License-Identifier: MIT */
#ifndef BASE_SYSTEM_H
#define BASE_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

/** What this machine has and how much of it is in use. */

enum { SYSTEM_MOUNT_SIZE = 256, SYSTEM_MAX_DISKS = 32 };

/** Processor time since the machine came up, all processors together. Only differences mean
 *  something, in a unit of the system's own. */
struct system_cpu {
    uint64_t busy, total;
};

struct system_disk {
    char mount[SYSTEM_MOUNT_SIZE];    /* "/", "C:\" */
    uint64_t total_bytes, free_bytes; /* free: what an ordinary program may still use */
};

/** A figure that the system does not tell is 0, a text "". */
struct system_figures {
    struct system_cpu cpu;
    uint64_t memory_total_bytes, memory_available_bytes;
    /* What programs may ask for altogether, with the page file, and what they have asked for. When
     * it is used up, starts fail although memory seems to be left. */
    uint64_t commit_limit_bytes, commit_used_bytes;
    struct system_disk disks[SYSTEM_MAX_DISKS]; /* local ones, each once */
    size_t n_disks;
    size_t home; /* the disk that holds the path asked for; n_disks when it cannot be told */
    char os_name[128], os_version[64], arch[32], hostname[256]; /* valid UTF-8 */
    uint64_t uptime_s;
};

/** Reads them all. PATH names the disk that must be among them, also when it is a network drive
 *  or a file system in memory; what does not exist of PATH is left out. Any thread, but blocking:
 *  a drive that does not answer holds it for as long as it likes. */
void system_read(const char *path, struct system_figures *ret);
/** How busy the processors were between two samples, 0 to 100; -1 when no time has passed. */
double system_cpu_percent(const struct system_cpu *before, const struct system_cpu *after);

#endif
