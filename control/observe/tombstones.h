/* SPDX-License-Identifier: MIT */
#ifndef CTL_TOMBSTONES_H
#define CTL_TOMBSTONES_H

#include "cache/snapshot/instance.h"

/** Instances that were taken for gone although nobody asked us to remove them: when the same disk
 *  comes back, so does what was known of it, under its id. The last CTL_TOMBSTONES_MAX of them;
 *  rows of the database outlive a restart (cache/tables/instances.h). Loop thread. */
struct ctl_tombstones;

enum { CTL_TOMBSTONES_MAX = 1000 };

struct ctl_tombstones *ctl_tombstones_new(void);
/** Accepts NULL. */
void ctl_tombstones_free(struct ctl_tombstones *t);
/** Copies INSTANCE, in the place of one with its id. Without a disk there is nothing to know it
 *  by: then nothing is kept. */
void ctl_tombstones_add(struct ctl_tombstones *t, const struct cache_instance *instance);
/** The last one with that disk; NULL when there is none, or DISK_ID is "". Until the next call. */
const struct cache_instance *ctl_tombstones_find(const struct ctl_tombstones *t,
                                                 const char *disk_id);
bool ctl_tombstones_has(const struct ctl_tombstones *t, const char *id);
/** It is there again. Repeating it does nothing. */
void ctl_tombstones_forget(struct ctl_tombstones *t, const char *id);

#endif
