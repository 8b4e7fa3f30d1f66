/* SPDX-License-Identifier: MIT */
#ifndef CTL_DIAGNOSTICS_H
#define CTL_DIAGNOSTICS_H

#include "control/admission/figures.h"
#include "control/jobs/job.h"

/** Collects what a person needs who was not there, of each operation that did not end well and of
 *  all that the watchdog does: why, what was run and seen, the config file before and after, the
 *  end of the VM's log, the processes, the figures of the machine. It is kept with the operation
 *  (cache/faults/diagnostics.h), whose end does not wait for it. Files are read on a worker, and
 *  what may be secret in them is left out. Loop thread. */

struct ctl_diagnostics;

struct ctl_diagnostics_parts {
    struct loop *loop;
    struct cache_store *store;
    struct ctl_observer *observer;
    struct ctl_figures *figures; /* NULL = they are left out */
    void (*on_idle)(void *arg);  /* nothing is being collected any more */
    void *arg;
};

struct ctl_diagnostics *ctl_diagnostics_new(const struct ctl_diagnostics_parts *parts);
/** While it is not busy. */
void ctl_diagnostics_free(struct ctl_diagnostics *d);

/** JOB is about to act for the first time: its instance's config file is read as it is now. */
void ctl_diagnostics_begin(struct ctl_diagnostics *d, const struct ctl_job *job);
/** JOB has ended. Returns whether its end is collected. */
bool ctl_diagnostics_end(struct ctl_diagnostics *d, const struct ctl_job *job);
/** Whether that of OPERATION is not in the store yet. */
bool ctl_diagnostics_is_collecting(const struct ctl_diagnostics *d, const char *operation);
/** The service stops: what is being collected is not held up by the figures any more. */
void ctl_diagnostics_hurry(struct ctl_diagnostics *d);
/** Whether something is being collected. */
bool ctl_diagnostics_is_busy(const struct ctl_diagnostics *d);

#endif
