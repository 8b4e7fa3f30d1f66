/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_FAULTS_H
#define SIMULATOR_FAULTS_H

#include "settings.h"

#include <stdbool.h>

/* What can be wrong with any call of ldconsole, adb or ld: the knobs with the scope ".VERB".  The
 * programs adb and ld go by the verbs "host_adb" and "ld". */

/** Before any work: latency, and `hang`, from which there is no return. */
void faults_before(const struct settings *settings, struct scope scope);

/** True when the call is to do nothing and claim success. */
bool faults_ignore(const struct settings *settings, struct scope scope);

/** Print what the call has to say, changed as the knobs want it. */
void faults_print(const struct settings *settings, struct scope scope, const struct text *out);

/** Behind everything: the exit code to use; `hang_after` does not return. */
int faults_after(const struct settings *settings, struct scope scope, int exit_code);

/** Never exit, but go when the installation goes. */
_Noreturn void faults_hang(const struct settings *settings, int index);

/** True when the processes started by this call shall keep its standard output. */
bool faults_holds_pipe(const struct settings *settings, struct scope scope);

#endif
