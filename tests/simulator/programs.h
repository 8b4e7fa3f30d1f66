/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_PROGRAMS_H
#define SIMULATOR_PROGRAMS_H

#include "settings.h"

/* The two programs whose name and place are knobs: that of the window and that of the VM.  Both
 * are copied into place when they are first needed. */

/** Path of the program of the window, in the installation; see player_name. */
char *programs_player(const struct settings *settings);

/** Path of the program of the VM; see vm_name and vm_dir. */
char *programs_vm(const struct settings *settings);

/** Puts the libraries of the VM's runtime beside its program, but for those that the knob
 *  runtime_missing names, which are taken away; and all of them into vbox64 of the installation. */
void programs_place_libraries(const struct settings *settings);

/** The first of them that is not there, NULL when all are. */
const char *programs_missing_library(const struct settings *settings);

/** Variable that tells a VM program, which may run from a shared folder, whose it is. */
extern const char programs_home_variable[];

/** Variable of a second player of the same instance. */
extern const char programs_second_variable[];

#endif
