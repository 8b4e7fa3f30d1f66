/* SPDX-License-Identifier: MIT */
#ifndef LDC_CONFIG_KEEP_H
#define LDC_CONFIG_KEEP_H

#include "ldconsole/install/config_file.h"

/** The last good config of each instance, kept in a folder of ours: a player that was ended by
 * force leaves it truncated, and the next boot may write it anew, without name and settings
 * (reference 5.2). Copies are named after the index and the disk: another instance of that number
 * has another disk, and a disk may have a second name at another index, by a link. Blocking: all of
 * it but the restoring is work for a worker thread. */

/** Holds CONFIG, which was just read from PATH, against its copy in DIR: keeps a new one when it is
 *  good, and else says in `loss` what it has lost that the copy has. One that was reset and that
 *  somebody has named or set since is good: what it was reset to is kept beside the copy, as
 *  `<index>-<disk>.reset`, to tell. */
void ldc_config_keep(const char *dir, const char *path, struct ldc_config *config);
/** Puts the copy of INDEX with the disk DISK_ID back to PATH, whose former text stays beside it as
 *  `<file>.ldplayerd.bak`. Only while the instance is stopped. Returns 0 or a UV error: UV_ENOENT
 *  without a copy, UV_EINVAL when that is no good either. */
int ldc_config_restore(const char *dir, const char *path, int index, const char *disk_id);
/** The instance with that disk is gone. */
void ldc_config_forget(const char *dir, int index, const char *disk_id);

#endif
