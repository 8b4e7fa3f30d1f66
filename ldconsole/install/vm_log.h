/* SPDX-License-Identifier: MIT */
#ifndef LDC_VM_LOG_H
#define LDC_VM_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory/buf.h"

/** `vms/leidian<N>/Logs/VBox.log`: the only place that says why a VM does not start (reference 3.3,
 *  5.2, 11). */

struct ldc_vm_fault {
    char sentence[240]; /* what is wrong, and what to do */
    bool is_lasting;    /* it stays until somebody mends it */
};

/** Of INDEX, owned by the caller. */
char *ldc_vm_log_path(const char *vms_dir, int index);

/** The end of a log. */
struct ldc_vm_log_tail {
    int64_t written_at; /* wall ms */
    int64_t size;       /* of all of it */
};
/** Appends the last bytes of the file at PATH, at most MAX, to OUT. Blocking. Returns 0 or a UV
 *  error. */
int ldc_vm_log_read_tail(const char *path, size_t max, struct buf *out,
                         struct ldc_vm_log_tail *ret);

/** Whether TEXT tells of a fault that we know. */
bool ldc_vm_log_judge(const char *text, size_t n, struct ldc_vm_fault *ret);
/** The same of the end of the log of INDEX, when that was written after SINCE_WALL_MS: an older one
 *  tells of another run. Blocking, a quarter of a megabyte at most. */
bool ldc_vm_log_read(const char *vms_dir, int index, int64_t since_wall_ms,
                     struct ldc_vm_fault *ret);

#endif
