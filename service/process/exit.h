/* SPDX-License-Identifier: MIT */
#ifndef SVC_EXIT_H
#define SVC_EXIT_H

#include "base/memory/buf.h"

/** What the process says to whoever started it: its exit code and its two outputs. */
enum svc_exit {
    SVC_EXIT_OK = 0,
    SVC_EXIT_FAILED = 1, /* one clear line on standard error says why */
    SVC_EXIT_USAGE = 2   /* the arguments or the configuration are wrong */
};

/** Prints "ldplayerd: ..." to standard error; returns SVC_EXIT_FAILED. */
enum svc_exit svc_exit_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** Prints TEXT to standard output; returns SVC_EXIT_OK, or SVC_EXIT_FAILED where it cannot be
 *  written in full. */
enum svc_exit svc_exit_print(const struct buf *text);

#endif
