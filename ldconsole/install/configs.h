/* SPDX-License-Identifier: MIT */
#ifndef LDC_CONFIGS_H
#define LDC_CONFIGS_H

#include <stddef.h>

#include "ldconsole/install/config_file.h"

/** The disks of an instance (reference 3.3), that of its data first. */
enum { LDC_DISK_COUNT = 3 };
extern const char *const ldc_disk_names[LDC_DISK_COUNT];

/** The config files of all instances of an installation. */
struct ldc_configs {
    struct ldc_config *items; /* ascending index */
    size_t n_items, cap;
    /** Set by the owner: the folder for copies of good ones (config_keep.h), which outlives this;
     *  NULL = none are kept. */
    const char *keep_dir;
};

/** Brings CONFIGS up to date with the files under VMS_DIR (".../vms"): files whose time and size
 *  did not change are not read again. Blocking. Returns 0, or a UV error when the folder
 *  cannot be read (a stand-in or a version without it), and CONFIGS is then empty. */
int ldc_configs_refresh(struct ldc_configs *configs, const char *vms_dir);
const struct ldc_config *ldc_configs_find(const struct ldc_configs *configs, int index);
/** `vms/config/leidian<N>.config`, owned by the caller. */
char *ldc_configs_path(const char *vms_dir, int index);
/** A disk of an instance (reference 3.3): "data.vmdk" and others. Owned by the caller. */
char *ldc_configs_disk_path(const char *vms_dir, int index, const char *name);
/** Whether a program has one of the disks of an instance open (fs_is_open). Blocking. */
bool ldc_configs_has_open_disk(const char *vms_dir, int index);
void ldc_configs_deinit(struct ldc_configs *configs);

#endif
