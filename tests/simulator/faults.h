/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_FAULTS_H
#define SIMULATOR_FAULTS_H

#include "settings.h"

#include <stdbool.h>

/* What can be wrong with any call of ldconsole, adb or ld: the knobs with the scope ".VERB".  The
 * programs adb and ld go by the verbs "host_adb" and "ld". */

/** Before any work: latency, and `hang`, from which there is no return. */
void faults_before(const struct settings *settings, struct scope scope);

/** True when the call is to end like a program that crashed, with faults_crash_code. */
bool faults_crash(const struct settings *settings, struct scope scope);

enum { faults_crash_code = (int)0xC0000008 }; /* STATUS_INVALID_HANDLE */

/** True when the call is to do nothing and claim success. */
bool faults_ignore(const struct settings *settings, struct scope scope);

/** Print what the call has to say, changed as the knobs want it. */
void faults_print(const struct settings *settings, struct scope scope, const struct text *out);

/** Behind everything: `hold_pipe`, the exit code to use, and `hang_after`, from which there is no
 *  return. */
int faults_after(const struct settings *settings, struct scope scope, int exit_code);

/** Never exit, but go when the installation goes. */
_Noreturn void faults_hang(const struct settings *settings, int index);

#endif
