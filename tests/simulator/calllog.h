/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_CALLLOG_H
#define SIMULATOR_CALLLOG_H

#include "settings.h"

/* sim/calls.log: what was asked of the installation.  One JSON line when a call of ldconsole, adb
 * or ld begins and one when it ends, each written at once, so that calls side by side do not mix:
 *
 *   {"event":"start","time":"2026-01-02T03:04:05.678Z","pid":7,"program":"ldconsole",
 *    "argv":["launch","--index","3"]}
 *   {"event":"end","time":...,"pid":7,"program":"ldconsole","exit":0,"ms":2}
 *
 * A call that was killed has no end.  The log stops growing at log_max_kb. */
struct calllog {
    const struct settings *settings; /* NULL: not logging */
    const char *program;
    int64_t started_ms;
};

struct calllog calllog_start(const struct settings *settings, const char *program, int argc,
                             char **argv);
void calllog_end(const struct calllog *log, int exit_code);

#endif
