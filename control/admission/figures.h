/* SPDX-License-Identifier: MIT */
#ifndef CTL_FIGURES_H
#define CTL_FIGURES_H

#include <stdint.h>

#include "base/loop/loop.h"
#include "base/machine/system.h"
#include "base/text/json.h"

/** The figures of this machine, read on a worker: every 30 s, because nobody looks more often for
 *  long, and whenever somebody wants newer ones. Loop thread. */

struct ctl_sample {
    struct system_figures system;
    double cpu_percent; /* since the sample before; -1 when that cannot be told */
    uint64_t taken_ms;  /* when the reading began: monotonic */
    int64_t taken_at;   /* the same as wall ms */
};

/** Of the physical memory. */
uint64_t ctl_sample_memory_used(const struct system_figures *s);
/** Adds the figures to OBJECT, as the API shows them of a workstation. */
void ctl_sample_add(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct ctl_sample *sample);

struct ctl_figures;

/** PATH (copied): its disk is the one of interest. INTERVAL_MS between samples; 0 = 30 s. */
struct ctl_figures *ctl_figures_new(struct loop *loop, const char *path, unsigned interval_ms);
void ctl_figures_start(struct ctl_figures *f);
/** Those who wait hear of it. A reading that does not end holds this up. */
void ctl_figures_close(struct ctl_figures *f, void (*on_closed)(void *arg), void *arg);

/** The newest; NULL before the first has been taken. Valid until the loop turns. */
const struct ctl_sample *ctl_figures_last(const struct ctl_figures *f);

/** Calls DONE when a sample is there whose reading began at most MAX_AGE_MS before this call, at
 *  once when it is; SAMPLE is NULL when the service stops. 0: a reading that begins from now on.
 *  Everybody who waits shares the reading under way, where it is young enough, and else the next.
 */
typedef void (*ctl_figures_fn)(void *arg, const struct ctl_sample *sample);
struct ctl_figures_wait;
/** Returns NULL when DONE was called already; otherwise a handle for cancelling. */
struct ctl_figures_wait *ctl_figures_want(struct ctl_figures *f, uint64_t max_age_ms,
                                          ctl_figures_fn done, void *arg);
void ctl_figures_cancel_want(struct ctl_figures_wait *wait);

#endif
