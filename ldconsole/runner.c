/* SPDX-License-Identifier: MIT */
#include "ldconsole/runner.h"

#include "base/cleanup.h"

const char *ldc_run_status_name(enum ldc_run_status status)
{
    static const char *const names[] = {
        [LDC_RUN_EXITED] = "exited",       [LDC_RUN_NOT_STARTED] = "not_started",
        [LDC_RUN_TIMED_OUT] = "timed_out", [LDC_RUN_CANCELLED] = "cancelled",
        [LDC_RUN_FLOODED] = "flooded",     [LDC_RUN_LOST] = "lost",
    };
    return (size_t)status < countof(names) ? names[status] : "unknown";
}
