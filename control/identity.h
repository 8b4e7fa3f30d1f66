/* SPDX-License-Identifier: MIT */
#ifndef CTL_IDENTITY_H
#define CTL_IDENTITY_H

#include "cache/snapshot.h"

/** Which known instance a row of list2 is. An index is reused after a removal, and the VM's own
 * UUID is derived from it, so the disk decides: the file id and birth time of data.vmdk
 *  (reference 3.3). Where there is no disk to see, the index does.
 *
 *  Copies the known instance into RET (initialised by the caller), or gives RET a new id and
 *  leaves the rest. DISK_ID is "" when unknown. */
void ctl_identity_find(const struct cache_snapshot *snapshot, int index, const char *disk_id,
                       struct cache_instance *ret);

#endif
