/* SPDX-License-Identifier: MIT */
#ifndef SVC_COMMAND_CONFIG_H
#define SVC_COMMAND_CONFIG_H

#include "service/config/args.h"
#include "service/process/exit.h"

/** For commands: the configuration from all sources, to be released in any case. What is wrong
 *  is printed to standard error. */
enum svc_exit svc_command_config(const struct svc_args *args, struct svc_config *ret);

#endif
