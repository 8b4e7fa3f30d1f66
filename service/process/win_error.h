/* SPDX-License-Identifier: MIT */
#ifndef SVC_WIN_ERROR_H
#define SVC_WIN_ERROR_H

#include "service/process/exit.h"

/** For commands, Windows only: prints "ldplayerd: WHAT: the system's text (error N); what to do"
 *  to standard error, WHAT from FMT. Returns SVC_EXIT_FAILED. */
enum svc_exit svc_win_error_fail(unsigned long error, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/** The system's text for ERROR without line ends, owned by the caller. */
char *svc_win_error_text(unsigned long error);

#endif
