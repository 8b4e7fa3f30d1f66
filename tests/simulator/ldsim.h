/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_LDSIM_H
#define SIMULATOR_LDSIM_H

#include "home.h"

/* The commands of ldsim.  They get what stands behind DIR and return the exit code: 0, 1 when it
 * did not work, 2 for bad usage. */

int ldsim_init(const char *dir, int argc, char **argv);
int ldsim_set(const struct home *home, int argc, char **argv);
int ldsim_reset(const struct home *home);
int ldsim_show(const struct home *home);
int ldsim_help(void);
int ldsim_manager(const struct home *home, int argc, char **argv);

/** Say what is wrong, on standard error, and return the exit code. */
int ldsim_fail(int exit_code, const char *format, ...) MEM_PRINTF(2, 3);

/** Print to standard output. */
void ldsim_print(const char *format, ...) MEM_PRINTF(1, 2);

/** Check one KEY=VALUE and store it.  The caller holds the lock. */
int ldsim_store(const struct home *home, const char *assignment);

#endif
