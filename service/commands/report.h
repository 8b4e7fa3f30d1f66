/* SPDX-License-Identifier: MIT */
#ifndef SVC_REPORT_H
#define SVC_REPORT_H

#include "service/config/args.h"
#include "service/process/exit.h"

/** RUN for an installer, whose programs nobody watches: what it says to standard error goes to
 * FILE, and where it failed to the event log too. FILE is gone after a success. */
enum svc_exit svc_report_run(enum svc_exit (*run)(const struct svc_args *args),
                             const struct svc_args *args, const char *file);

#endif
