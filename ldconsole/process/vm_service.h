/* SPDX-License-Identifier: MIT */
#ifndef LDC_VM_SERVICE_H
#define LDC_VM_SERVICE_H

#include <stdint.h>

/** The VM service (Ld9BoxSVC and its older names): one process for the whole machine, shared by all
 *  installations. It may hang so that no new VM starts; whoever ends it ends every VM, so that is a
 *  cure only while none lives (reference 5.1, 5.2, 11). */

/** Ends it by force, so that the next launch gets a new one: only while no VM of any installation
 *  lives, and under a lock for the whole machine. Blocking, some milliseconds. Returns 0 with its
 *  process in RET_PID, UV_EBUSY when a VM lives or another program is doing the same, UV_ESRCH when
 *  there is none, or another UV error. */
int ldc_vm_service_end(int64_t *ret_pid);

/** For the above. Returns NULL when somebody else has it. */
struct ldc_vm_lock;
struct ldc_vm_lock *ldc_vm_lock_take(void);
void ldc_vm_lock_release(struct ldc_vm_lock *lock);

#endif
