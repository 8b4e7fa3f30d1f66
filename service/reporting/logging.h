/* SPDX-License-Identifier: MIT */
#ifndef SVC_LOGGING_H
#define SVC_LOGGING_H

#include <stdbool.h>

#include "service/config/config.h"

/** Where the log of this process goes: standard error always, and the file that the configuration
 *  names. As a service of the system, which has no standard error, there is a file unless it says
 *  `none`. */

/** Call once, before anything else logs. */
void svc_logging_start(const struct svc_config *config, bool is_service);
/** Back to standard error alone. */
void svc_logging_stop(void);
/** Path of the log file, owned by the caller; NULL for none. */
char *svc_logging_path(const struct svc_config *config, bool is_service);

#endif
