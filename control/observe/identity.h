/* SPDX-License-Identifier: MIT */
#ifndef CTL_IDENTITY_H
#define CTL_IDENTITY_H

#include "cache/snapshot/snapshot.h"

/** Which known instance a row of list2 is. An index is reused after a removal, and the VM's own
 *  UUID is derived from it, so the disk decides: the file id and birth time of data.vmdk
 *  (reference 3.3). Where there is no disk to see, the index does.
 *
 *  NULL for one that is new. DISK_ID is "" when unknown. */
const struct cache_entry *ctl_identity_find(const struct cache_snapshot *snapshot, int index,
                                            const char *disk_id);

#endif
