/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CACHE_BACKUP_DYING_H
#define TESTS_UNIT_CACHE_BACKUP_DYING_H

#include <stdbool.h>

/** A process that dies in front of one of the calls that change what is on disk, in a program that
 *  is linked with --wrap for fs_rename, fs_remove and fs_flush. */

extern int vanishing_at; /* which call of fs_flush from now on finds its file removed; -1 = none */
extern int failing_rename; /* which call of fs_rename from now on fails once; -1 = none */

/** Runs RUN in a process that dies in front of call N. Returns whether it lived to its end. */
bool run_and_die_at(int n, void (*run)(void));

#endif
