/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_MACHINE_H
#define SIMULATOR_MACHINE_H

#include "home.h"

#include <stdbool.h>

/* The folder of a virtual machine, vms/leidian<N>: leidian.vbox, three disks and Logs/VBox.log.
 * All of them are stubs of a few bytes.  An installation made with --bare has no folders until an
 * instance is started, and everything here does without them. */

/** The machine's UUID; it follows from the index, so a re-created instance has the old one. */
char *machine_uuid(int index);

/** A new folder; with `from` >= 0 the disks are copies of that instance's. */
void machine_create(const struct home *home, int index, int from);
void machine_remove(const struct home *home, int index);

/** Path of data.vmdk. */
char *machine_disk_path(const struct home *home, int index);

/** A copy under way: data.vmdk alone, with so much of its bytes. */
void machine_grow(const struct home *home, int index, int from, int percent);

bool machine_has_disk(const struct home *home, int index);

/** Write leidian.vbox anew, as every start does. */
void machine_write_vbox(const struct home *home, int index, int memory_mb);

/** True when data.vmdk cannot be written. */
bool machine_is_read_only(const struct home *home, int index);
void machine_set_read_only(const struct home *home, int index);

/** Begin a new VBox.log, or add a line to it. */
void machine_log_start(const struct home *home, int index);
void machine_log(const struct home *home, int index, const char *line);

#endif
