/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_HOME_H
#define SIMULATOR_HOME_H

#include "mem.h"

#include <stdbool.h>
#include <stdint.h>

/* A simulated installation is a directory:
 *
 *     ldconsole, adb, ld, ...          the programs
 *     ../ldplayer9box/Ld9BoxHeadless   that of the VMs, which installations share (programs.h)
 *     ../ldplayer9box/GLES_V2.dll ...  libraries of the VM's runtime, also in vbox64
 *     sim.json                         the knobs (settings.h)
 *     vms/config/leidian<N>.config     what LDPlayer keeps there (config.h); one file, one instance
 *     vms/config/leidians.config
 *     vms/leidian<N>/                  disks and logs, stubs
 *     sim/                             the simulator's own state, private
 *         lock                         held by whoever changes anything
 *         calls.log                    see calllog.h
 *         run/<N>, run/<N>.*           a started instance (run.h)
 *         programs/                    copies for programs.h to put into place
 *         manager/                     what the open manager window keeps (manager.h)
 *         proc/                        living processes (process.h)
 *         guest/<N>                    what is inside the guest (guest.h)
 *         catalogue                    cache of the config files (catalogue.h)
 */
struct home {
    const char *dir;
};

/** Path inside the installation; the format gives the part after the directory. */
char *home_path(const struct home *home, const char *format, ...) MEM_PRINTF(2, 3);

char *home_config_path(const struct home *home, int index);
char *home_run_path(const struct home *home, int index);

/** The file a started player keeps its configuration in until it closes. */
char *home_run_config_path(const struct home *home, int index);

/** A file that is there when the VM was killed, until the next launch. */
char *home_killed_path(const struct home *home, int index);

/** A file that says until when a launch gets stuck behind the end of the last run. */
char *home_settle_path(const struct home *home, int index);

/** Path of what lies beside the installation, in the folder that holds it. */
char *home_neighbour(const struct home *home, const char *name);

/** False once the installation was deleted; its processes then end. */
bool home_exists(const struct home *home);

/** Keep every other changer out, waiting for them.  Not recursive. */
intptr_t home_lock(const struct home *home);
void home_unlock(intptr_t lock);

#endif
