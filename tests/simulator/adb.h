/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_ADB_H
#define SIMULATOR_ADB_H

#include "settings.h"

/* The host side of adb, for the instances of one installation.  Instance i has the serials
 * emulator-(5554+2i) and, once connected, 127.0.0.1:(5555+2i). */
struct adb {
    const struct settings *settings;
    struct text out;
    struct text err; /* adb's own complaints */
};

/** Carry out the arguments behind `adb`; returns the exit code.  adb ends its own lines with CRLF,
 *  as on Windows; what the guest prints ends with LF. */
int adb_run(struct adb *adb, int argc, char **argv);

/** The serial that ldconsole uses. */
char *adb_serial(int index);

#endif
