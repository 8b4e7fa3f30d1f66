/* SPDX-License-Identifier: MIT */
#ifndef CTL_TOMBSTONES_H
#define CTL_TOMBSTONES_H

#include "cache/snapshot/instance.h"

/** Instances that were taken for gone although nobody asked us to remove them: when they come back
 *  (identity.h tells by what they are known), so does what was known of them, under their id. The
 * last CTL_TOMBSTONES_MAX of them; rows of the database outlive a restart
 * (cache/tables/instances.h). Loop thread. */
struct ctl_tombstones;

enum { CTL_TOMBSTONES_MAX = 1000 };

struct ctl_tombstones *ctl_tombstones_new(void);
/** Accepts NULL. */
void ctl_tombstones_free(struct ctl_tombstones *t);
/** Copies INSTANCE, in the place of one with its id. */
void ctl_tombstones_add(struct ctl_tombstones *t, const struct cache_instance *instance);
/** The last one with that disk; NULL when there is none, or DISK_ID is "". Until the next call. */
const struct cache_instance *ctl_tombstones_find(const struct ctl_tombstones *t,
                                                 const char *disk_id);
/** All of them, in the order in which they came. Until the next call. */
size_t ctl_tombstones_count(const struct ctl_tombstones *t);
const struct cache_instance *ctl_tombstones_at(const struct ctl_tombstones *t, size_t i);
/** The one with that id; NULL when there is none. Until the next call. */
const struct cache_instance *ctl_tombstones_by_id(const struct ctl_tombstones *t, const char *id);
bool ctl_tombstones_has(const struct ctl_tombstones *t, const char *id);
/** It is there again. Repeating it does nothing. */
void ctl_tombstones_forget(struct ctl_tombstones *t, const char *id);

#endif
