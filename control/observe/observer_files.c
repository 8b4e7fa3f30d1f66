/* SPDX-License-Identifier: MIT */
/* The files of one instance, by a look of its own: disks, config file, the log of its VM. */
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "control/observe/observer_private.h"
#include "ldconsole/install/config_keep.h"

bool ctl_observer_has_open_disk(struct ctl_observer *o, const char *id)
{
    const struct cache_entry *entry = cache_snapshot_by_id(o->snapshot, id);
    return entry && ldc_configs_has_open_disk(ldc_client_install(o->parts.client)->vms_dir,
                                              entry->instance.index);
}

const char *ctl_observer_left_files(struct ctl_observer *o, const char *id, int *ret_index)
{
    const struct cache_instance *i = ctl_tombstones_by_id(o->tombstones, id);
    /* Then they are that one's. */
    if (!i || cache_snapshot_by_index(o->snapshot, i->index))
        return NULL;
    const char *vms_dir = ldc_client_install(o->parts.client)->vms_dir;
    char *config cleanup(mem_freep) = ldc_configs_path(vms_dir, i->index);
    char *disk cleanup(mem_freep) = ldc_configs_disk_path(vms_dir, i->index, "data.vmdk");
    bool has_config = fs_exists(config), has_disk = fs_exists(disk);
    *ret_index = i->index;
    return has_config && has_disk ? "its config file and its disk are"
           : has_config           ? "its config file is"
           : has_disk             ? "its disk is"
                                  : NULL;
}

bool ctl_observer_read_vm_log(struct ctl_observer *o, const char *id, int64_t since_wall_ms,
                              struct ldc_vm_fault *ret)
{
    const struct cache_entry *entry = cache_snapshot_by_id(o->snapshot, id);
    const char *vms_dir = ldc_client_install(o->parts.client)->vms_dir;
    return entry && ldc_vm_log_read(vms_dir, entry->instance.index, since_wall_ms, ret);
}

/* Where its VMs were seen to run from elsewhere, that folder is none of theirs. */
static bool is_runtime_other(const struct ctl_observer *o)
{
    char *program cleanup(mem_freep) = fs_join(o->vm_dir ? o->vm_dir : "", "vm");
    return o->vm_dir &&
           !ldc_process_is_in(&(struct ldc_process){.image = program}, o->premises.runtime_dir);
}

bool ctl_observer_find_obstacle(struct ctl_observer *o, const struct cache_instance *i,
                                struct ldc_obstacle *ret)
{
    const struct ctl_watch *w = ctl_observer_watch(o, i->id);
    const char *vms_dir = ldc_client_install(o->parts.client)->vms_dir;
    char *config cleanup(mem_freep) = ldc_configs_path(vms_dir, i->index);
    struct ldc_premises premises = o->premises;
    if (is_runtime_other(o))
        premises.missing[0] = '\0';
    struct ldc_preflight preflight = {
        .premises = &premises,
        .read_only_disks = w->read_only_disks,
        .config_path = config,
        .config_fault = *w->config_loss ? "" : w->config_fault,
        .has_resbak = w->has_resbak,
    };
    return ldc_preflight_judge(&preflight, ret);
}

int ctl_observer_restore_config(struct ctl_observer *o, const char *id)
{
    const struct cache_entry *entry = cache_snapshot_by_id(o->snapshot, id);
    struct ctl_watch *w = ctl_observer_watch(o, id);
    if (!entry)
        return UV_ENOENT;
    const char *vms_dir = ldc_client_install(o->parts.client)->vms_dir;
    char *path cleanup(mem_freep) = ldc_configs_path(vms_dir, entry->instance.index);
    int r = ldc_config_restore(o->options.config_copies, path, entry->instance.index,
                               entry->instance.disk_id);
    if (r == 0)
        ctl_observer_publish_restored(o, &entry->instance, w->config_loss);
    w->config_loss[0] = '\0';
    return r;
}

int ctl_observer_edit_config(struct ctl_observer *o, const char *id, const char *key,
                             const char *json_value)
{
    const struct cache_entry *entry = cache_snapshot_by_id(o->snapshot, id);
    if (!entry)
        return UV_ENOENT;
    const char *vms_dir = ldc_client_install(o->parts.client)->vms_dir;
    char *path cleanup(mem_freep) = ldc_configs_path(vms_dir, entry->instance.index);
    return ldc_config_set(path, key, json_value);
}
