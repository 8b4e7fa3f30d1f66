/* SPDX-License-Identifier: MIT */
#include "runner/runner.h"

#include "base/memory/cleanup.h"

const char *run_status_name(enum run_status status)
{
    static const char *const names[] = {
        [RUN_EXITED] = "exited",       [RUN_NOT_STARTED] = "not_started",
        [RUN_TIMED_OUT] = "timed_out", [RUN_CANCELLED] = "cancelled",
        [RUN_FLOODED] = "flooded",     [RUN_LOST] = "lost",
    };
    return (size_t)status < countof(names) ? names[status] : "unknown";
}
