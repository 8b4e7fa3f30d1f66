/* SPDX-License-Identifier: MIT */
#include "ldconsole/process/vm_service.h"

#include <windows.h>

#include "base/memory/mem.h"

struct ldc_vm_lock {
    HANDLE mutex;
};

struct ldc_vm_lock *ldc_vm_lock_take(void)
{
    HANDLE mutex = CreateMutexW(NULL, FALSE, L"Global\\ldplayerd-vm-service");
    if (!mutex)
        return NULL;
    DWORD r = WaitForSingleObject(mutex, 0);
    /* An abandoned one is ours too: nothing is kept under it. */
    if (r != WAIT_OBJECT_0 && r != WAIT_ABANDONED) {
        CloseHandle(mutex);
        return NULL;
    }
    struct ldc_vm_lock *lock = mem_new(struct ldc_vm_lock);
    lock->mutex = mutex;
    return lock;
}

void ldc_vm_lock_release(struct ldc_vm_lock *lock)
{
    ReleaseMutex(lock->mutex);
    CloseHandle(lock->mutex);
    mem_free(lock);
}
