/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_GUEST_H
#define SIMULATOR_GUEST_H

#include "settings.h"

#include <stdbool.h>

/* What is inside an instance: packages, running apps, properties, files.  Packages and properties
 * stay over a restart, running apps do not.  Functions that change something take the lock of the
 * home themselves, but for guest_boot. */

/** A guest that was just started: no app runs.  The caller holds the lock. */
void guest_boot(const struct home *home, int index);

/** Forget it, with its files; `from` >= 0: be a copy of that one instead.  The caller holds the
 *  lock. */
void guest_create(const struct home *home, int index, int from);

void guest_install(const struct home *home, int index, const char *package);

/** Returns false when it was not installed. */
bool guest_uninstall(const struct home *home, int index, const char *package);
bool guest_has_package(const struct home *home, int index, const char *package);

void guest_run_app(const struct home *home, int index, const char *package);
void guest_kill_app(const struct home *home, int index, const char *package);

void guest_set_prop(const struct home *home, int index, const char *key, const char *value);

/** "" when it was never set. */
const char *guest_get_prop(const struct home *home, int index, const char *key);

/** Every property as `[key]: [value]`, a line each. */
void guest_list_props(const struct home *home, int index, struct text *out);

/** Every package as `package:NAME`; `all` includes those of the system. */
void guest_list_packages(const struct home *home, int index, bool all, struct text *out);

/** Where the host keeps a file of the guest. */
char *guest_file(const struct home *home, int index, const char *guest_path);

/** A number that stands for the process of a running app, 0 when it does not run. */
int guest_app_pid(const struct home *home, int index, const char *package);

/** Run a shell command line and add what it prints; returns its exit status.
 *  `through_adb`: by the port, which may be somebody else's; ld goes to the guest itself.
 *  Does not return for a hung guest. */
int guest_shell(const struct settings *settings, int index, bool through_adb, const char *line,
                struct text *out);

#endif
