/* SPDX-License-Identifier: MIT */
#ifndef SVC_SCM_H
#define SVC_SCM_H

#include "service/config/args.h"
#include "service/process/exit.h"

/** The program as the service control manager runs it; Windows only. */

/** Runs the service with the options of ARGS until Windows stops it. Started by anything but the
 *  service control manager, it says so and fails. */
enum svc_exit svc_scm_run(const struct svc_args *args);

#endif
