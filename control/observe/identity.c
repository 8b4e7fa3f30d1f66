/* SPDX-License-Identifier: MIT */
#include "control/observe/identity.h"

#include <string.h>

static bool is_same_disk(const struct cache_entry *entry, const char *disk_id)
{
    return entry->instance.disk_id[0] == '\0' || disk_id[0] == '\0' ||
           strcmp(entry->instance.disk_id, disk_id) == 0;
}

const struct cache_entry *ctl_identity_find(const struct cache_snapshot *snapshot, int index,
                                            const char *disk_id)
{
    const struct cache_entry *entry = cache_snapshot_by_index(snapshot, index);
    return entry && is_same_disk(entry, disk_id) ? entry : NULL;
}
