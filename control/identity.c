/* SPDX-License-Identifier: MIT */
#include "control/identity.h"

#include <string.h>

#include "base/str.h"

static bool is_same_disk(const struct cache_entry *entry, const char *disk_id)
{
    return entry->instance.disk_id[0] == '\0' || disk_id[0] == '\0' ||
           strcmp(entry->instance.disk_id, disk_id) == 0;
}

void ctl_identity_find(const struct cache_snapshot *snapshot, int index, const char *disk_id,
                       struct cache_instance *ret)
{
    const struct cache_entry *entry = cache_snapshot_by_index(snapshot, index);
    if (entry && is_same_disk(entry, disk_id))
        cache_instance_copy(ret, &entry->instance);
    else
        random_uuid(ret->id);
}
