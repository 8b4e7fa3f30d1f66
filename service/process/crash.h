/* SPDX-License-Identifier: MIT */
#ifndef SVC_CRASH_H
#define SVC_CRASH_H

/** What is left of a crash. On Windows an unhandled exception, and abort(), write
 *  `crashes\ldplayerd-20261121T101500Z-1234.dmp` (time, process) into the data directory; the next
 *  start tells of it. Elsewhere the system's own core dumps are what there is, and nothing is
 *  written here. */

enum { SVC_CRASH_KEEP = 5 };

/** Once, from the thread of the loop, which gets room for the writing on its stack. */
void svc_crash_arm(const char *data_dir);
/** Path of the newest dump that no start has told of yet, owned by the caller, or NULL; from now
 *  on it has been told of. All but the newest SVC_CRASH_KEEP are removed. Blocking. */
char *svc_crash_take_report(const char *data_dir);

#endif
