/* SPDX-License-Identifier: MIT */
#ifndef LDC_VM_LOG_H
#define LDC_VM_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** `vms/leidian<N>/Logs/VBox.log`: the only place that says why a VM does not start (reference 3.3,
 *  5.2, 11). */

struct ldc_vm_fault {
    char sentence[240]; /* what is wrong, and what to do */
    bool is_lasting;    /* it stays until somebody mends it */
};

/** Whether TEXT tells of a fault that we know. */
bool ldc_vm_log_judge(const char *text, size_t n, struct ldc_vm_fault *ret);
/** The same of the end of the log of INDEX, when that was written after SINCE_WALL_MS: an older one
 *  tells of another run. Blocking, a quarter of a megabyte at most. */
bool ldc_vm_log_read(const char *vms_dir, int index, int64_t since_wall_ms,
                     struct ldc_vm_fault *ret);

#endif
