/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_JOB_H
#define SIMULATOR_JOB_H

#include "process.h"
#include "settings.h"

/* Work that goes on when ldconsole has already answered.  It is done by another process of the
 * same program, started with a private verb; such a process is not in the calls log. */

extern const char job_verb[];

/** Make `index` a copy of `from`: data.vmdk appears after disk_ms and grows, all disks are there
 *  after copy_ms; then, when `with_row`, after row_ms comes the configuration that makes the row
 *  appear. */
struct job_copy {
    int from; /* -1: the disks of a new instance */
    int index;
    const char *title;
    int64_t disk_ms;
    int64_t copy_ms; /* -1: the disks are there already */
    int64_t row_ms;
    bool with_row;
};

struct process job_start_copy(const struct home *home, const struct job_copy *copy);

/** True while the disks of the instance are being written. */
bool job_is_copying(const struct home *home, int index);

/** Remove the instance after a while and, unless recreate_ms is -1, put an empty one into its place
 *  that much later. */
void job_start_remove(const struct home *home, int index, int64_t after_ms, int64_t recreate_ms);

/** The body of the other process: what stands behind the private verb. */
int job_main(const struct settings *settings, int argc, char **argv);

/* The steps, for callers that do them at once.  The caller holds the lock. */
void job_copy_row(const struct settings *settings, const struct job_copy *copy);
void job_remove(const struct settings *settings, int index);
void job_recreate(const struct settings *settings, int index);

#endif
