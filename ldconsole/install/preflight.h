/* SPDX-License-Identifier: MIT */
#ifndef LDC_PREFLIGHT_H
#define LDC_PREFLIGHT_H

#include "ldconsole/install/configs.h"

/** What would certainly make a VM fail to boot (reference 5.2, 11), found before it is launched: it
 *  is named at once, instead of after minutes by the log of a VM that has died. */

enum { LDC_PREFLIGHT_MIN_FREE_MB = 100 }; /* a boot writes: its disks, its log, its config file */

/** What an installation has for its VMs. A value type. */
struct ldc_premises {
    char runtime_dir[512]; /* with the program of the VMs; "" = not where it usually is, and then
                              nothing is said of it */
    char missing[120];     /* of its libraries: "fastpipe2.dll, GLES_V2.dll"; "" = none */
    uint64_t free_bytes;   /* on the disk with the instances; UINT64_MAX = not known */
};
/** DIR and VMS_DIR as struct ldc_install has them. Blocking: some ten looks at files. */
void ldc_premises_look(const char *dir, const char *vms_dir, struct ldc_premises *ret);

/** What is known of one launch. */
struct ldc_preflight {
    const struct ldc_premises *premises;
    unsigned read_only_disks; /* as struct ldc_config has them */
    const char *config_path;
    const char *config_fault; /* why its config file cannot be used, with no copy to be put back; ""
                                 = it can, or there is none */
    bool has_resbak;          /* as struct ldc_config has it */
};

/** What stands in the way, as an error: what, which file, why, what to do. */
struct ldc_obstacle {
    char code[32]; /* "VM_RUNTIME_INCOMPLETE", "DISK_READ_ONLY", "CONFIG_UNUSABLE",
                      "INSTANCE_DISK_FULL" */
    char sentence[400];
};
/** Whether there is one; the first of them. Pure. */
bool ldc_preflight_judge(const struct ldc_preflight *p, struct ldc_obstacle *ret);

#endif
