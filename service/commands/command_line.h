/* SPDX-License-Identifier: MIT */
#ifndef SVC_COMMAND_LINE_H
#define SVC_COMMAND_LINE_H

#include "base/memory/buf.h"

/** Appends ARG to a Windows command line, behind a space where something stands there already, so
 *  that CommandLineToArgvW gives it back as it is: backslashes are doubled before a quote and
 *  nowhere else (Microsoft, "Parsing C command-line arguments"). Not for the program's own path,
 *  which has other rules and can have no quote. */
void svc_command_line_add(struct buf *line, const char *arg);

#endif
