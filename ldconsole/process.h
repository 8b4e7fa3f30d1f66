/* SPDX-License-Identifier: MIT */
#ifndef LDC_PROCESS_H
#define LDC_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The emulator processes of this machine as the operating system shows them (reference 5.1):
 *  the one witness that does not depend on ldconsole. */
enum ldc_process_role { LDC_PROCESS_PLAYER, LDC_PROCESS_HEADLESS };

struct ldc_process {
    int64_t pid;
    enum ldc_process_role role;
    int index; /* from "index=N|" or "--comment leidian<N>"; -1 when the command line tells none */
};

struct ldc_processes {
    struct ldc_process *items;
    size_t n_items, cap;
};

/** Appends every player and headless process of this machine. Blocking, a few milliseconds.
 *  Returns 0 or a UV error when the system refuses to list processes. */
int ldc_processes_scan(struct ldc_processes *ret);
void ldc_processes_deinit(struct ldc_processes *processes);
/** Process of INDEX in ROLE, or NULL. */
const struct ldc_process *ldc_processes_find(const struct ldc_processes *processes, int index,
                                             enum ldc_process_role role);
const struct ldc_process *ldc_processes_find_pid(const struct ldc_processes *processes, int64_t pid);

/** For the platform files: what an image name and command line say. Returns false when it is no
 *  emulator process. Names: dnplayer; Ld9BoxHeadless, LdVBoxHeadless, LdBoxHeadless. */
bool ldc_process_classify(const char *image_name, const char *command_line,
                          struct ldc_process *ret);
/** Whether IMAGE_NAME is worth reading a command line for. */
bool ldc_process_is_emulator(const char *image_name, enum ldc_process_role *ret_role);

/** Ends one emulator process by force after checking that PID is still the same emulator process.
 *  Returns 0, UV_ESRCH, UV_EPERM. */
int ldc_process_kill(const struct ldc_process *process);

#endif
