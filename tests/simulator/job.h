/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_JOB_H
#define SIMULATOR_JOB_H

#include "settings.h"

/* Work that goes on when ldconsole has already answered.  It is done by another process of the
 * same program, started with a private verb; such a process is not in the calls log. */

extern const char job_verb[];

/** Make `index` a copy of `from`: the disks after copy_ms, then, when `with_row`, after row_ms
 *  the configuration that makes the row appear. */
struct job_copy {
    int from;
    int index;
    const char *title;
    int64_t copy_ms;
    int64_t row_ms;
    bool with_row;
};

void job_start_copy(const struct home *home, const struct job_copy *copy);

/** Remove the instance after a while; `recreate`: put an empty one into its place. */
void job_start_remove(const struct home *home, int index, int64_t after_ms, bool recreate);

/** The body of the other process: what stands behind the private verb. */
int job_main(const struct settings *settings, int argc, char **argv);

/* The steps, for callers that do them at once.  The caller holds the lock. */
void job_copy_row(const struct settings *settings, const struct job_copy *copy);
void job_copy_disks(const struct settings *settings, const struct job_copy *copy);
void job_remove(const struct settings *settings, int index, bool recreate);

#endif
