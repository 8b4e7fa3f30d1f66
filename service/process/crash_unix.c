/* SPDX-License-Identifier: MIT */
#include "service/process/crash.h"

/* abort() and signals leave a core dump where the system is set up for it. */
void svc_crash_arm(const char *data_dir)
{
    (void)data_dir;
}
