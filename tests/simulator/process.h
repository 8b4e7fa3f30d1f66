/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_PROCESS_H
#define SIMULATOR_PROCESS_H

#include "home.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The processes of an installation.  Every one that may outlive the call that started it has an
 * empty file sim/proc/<index>-<kind>-<pid>-<birth> and takes it away when it ends by itself, so
 * they are all found again, also those that the run state has lost sight of. */

/** One process; pid 0 is none. */
struct process {
    int64_t pid;
    uint64_t birth; /* os_birth */
};

struct listed_process {
    struct process process;
    int index;        /* of the instance, -1 for none */
    const char *kind; /* player, second, vm, manager, copy, job, call, holder */
};

struct process_list {
    struct listed_process *items;
    size_t n_items;
    size_t capacity;
};

bool process_is_alive(struct process process);
void process_kill(struct process process);

/** Start a program of the installation that outlives us: argv[0] is its name there, or a path;
 *  argv ends in NULL.  It is in the list at once, however long it takes to come up.  Returns the
 *  process, pid 0 when it did not start. */
struct process process_start(const struct home *home, const char *kind, int index,
                             const char *const argv[], bool keep_output);

/** Enter and leave the list, for the calling process. */
void process_register(const struct home *home, const char *kind, int index);
void process_unregister(const struct home *home, const char *kind, int index);

/** Those that live, of one instance or (index -1) all; files of dead ones are removed. */
struct process_list process_find(const struct home *home, int index);

/** True when a player or VM of the instance lives. */
bool process_instance_is_alive(const struct home *home, int index);

/** End them all, those included that appear meanwhile.  Nothing else is touched: a process is known
 *  by its birth.  Returns how many were ended. */
int process_kill_all(const struct home *home);

/** Stay until the installation is gone or the time is over, listed as `kind`. */
void process_linger(const struct home *home, const char *kind, int index, int64_t lifetime_ms);

#endif
