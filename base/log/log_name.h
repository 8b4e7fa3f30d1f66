/* SPDX-License-Identifier: MIT */
#ifndef BASE_LOG_NAME_H
#define BASE_LOG_NAME_H

#include <stddef.h>
#include <stdint.h>

/** Names of log files that were put aside: of `ldplayerd.log`, the one put aside at 10:15 is
 *  `ldplayerd-20261121T101500Z.log`, a second one in that second
 *  `ldplayerd-20261121T101500Z-1.log`. Their order as text is their order in time. */

enum { LOG_NAME_SIZE = 128, LOG_NAME_MAX_SAME = 9 };

/** NAME is that of the current file. N is 0, or up to LOG_NAME_MAX_SAME for more in one second. */
void log_name_make(const char *name, int64_t wall_ms, unsigned n, char out[LOG_NAME_SIZE]);
/** When a file called CANDIDATE was put aside, wall ms; -1 when it is none of NAME's. */
int64_t log_name_parse(const char *name, const char *candidate);

#endif
