/* SPDX-License-Identifier: MIT */
#include "ldconsole/process/vm_service.h"

#include <uv.h>

#include "base/memory/cleanup.h"
#include "ldconsole/process/process.h"

static int end_it(int64_t *ret_pid)
{
    struct ldc_processes now cleanup(ldc_processes_deinit) = {0};
    const struct ldc_process *service = NULL;
    int r = ldc_processes_scan(&now);
    if (r < 0)
        return r;
    for (size_t i = 0; i < now.n_items; i++) {
        if (now.items[i].role == LDC_PROCESS_HEADLESS)
            return UV_EBUSY;
        if (now.items[i].role == LDC_PROCESS_VM_SERVICE)
            service = &now.items[i];
    }
    if (!service)
        return UV_ESRCH;
    *ret_pid = service->pid;
    return ldc_process_kill(service);
}

int ldc_vm_service_end(int64_t *ret_pid)
{
    struct ldc_vm_lock *lock = ldc_vm_lock_take();
    if (!lock)
        return UV_EBUSY;
    int r = end_it(ret_pid);
    ldc_vm_lock_release(lock);
    return r;
}
