/* SPDX-License-Identifier: MIT */
#include "ldconsole/process/vm_service.h"

/* There is no LDPlayer here, and so nobody to keep away. */
struct ldc_vm_lock {
    char unused;
};

static struct ldc_vm_lock the_lock;

struct ldc_vm_lock *ldc_vm_lock_take(void)
{
    return &the_lock;
}

void ldc_vm_lock_release(struct ldc_vm_lock *lock)
{
    (void)lock;
}
