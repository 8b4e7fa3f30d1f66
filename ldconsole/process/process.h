/* SPDX-License-Identifier: MIT */
#ifndef LDC_PROCESS_H
#define LDC_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The emulator processes of this machine as the operating system shows them (reference 5.1):
 *  the one witness that does not depend on ldconsole. */
enum ldc_process_role {
    LDC_PROCESS_PLAYER,
    LDC_PROCESS_HEADLESS,
    LDC_PROCESS_MANAGER,    /* the window that lists all instances (reference 5.1, 11) */
    LDC_PROCESS_VM_SERVICE, /* one for the machine, shared by all installations (reference 5.1) */
    LDC_PROCESS_CONSENT /* no emulator: the prompt in which Windows asks whether a program may run
                           elevated, here while somebody has it on the screen */
};

struct ldc_process {
    int64_t pid;
    uint64_t born; /* when it was started, by the system's own count; 0 when it does not tell. With
                      the pid it names a process for good. */
    uint64_t age_ms;        /* since it was started; 0 = the system does not tell */
    uint64_t cpu_ms;        /* processor time since then */
    uint64_t private_bytes; /* memory of its own, whether in use or put aside; 0 = not told */
    enum ldc_process_role role;
    bool is_repairer; /* a player that LDPlayer's repairer has started ("from=repairer", 2.6) */
    int index;   /* from "index=N|" or "--comment leidian<N>"; -1 when the command line has none */
    char *image; /* full path of the program, owned by the list; NULL when the system hides it.
                    Distinguishes installations that both have an instance 0. */
};

struct ldc_processes {
    struct ldc_process *items;
    size_t n_items, cap;
};

/** Replaces what RET holds by every process of these roles on this machine, in ascending
 *  order of pid. Blocking, a few milliseconds.
 *  Returns 0 or a UV error when the system refuses to list processes. */
int ldc_processes_scan(struct ldc_processes *ret);
void ldc_processes_deinit(struct ldc_processes *processes);
/** The process with that pid, or NULL. */
const struct ldc_process *ldc_processes_find_pid(const struct ldc_processes *processes,
                                                 int64_t pid);

/** Whether a process has that number, whatever its program: an emulator of a name that we do not
 *  know is in no list above. A system call. */
bool ldc_process_lives(int64_t pid);

/** The manager of the installation in DIR, or one whose place the system hides; NULL = none. */
const struct ldc_process *ldc_processes_find_manager(const struct ldc_processes *processes,
                                                     const char *dir);

/** The prompt for elevation that is open, or NULL. */
const struct ldc_process *ldc_processes_find_consent(const struct ldc_processes *processes);

/** Whether the program lies in the folder DIR (canonical, as ldc_install_from_path leaves it), by
 *  the system's rules for paths: on Windows case and the kind of slash do not matter. */
bool ldc_process_is_in(const struct ldc_process *process, const char *dir);

/** For the platform files: what an image name (with or without folder and ".exe") and a command
 *  line (NULL when unknown) say; pid, born and image are left alone. Returns false when it is no
 *  emulator process. Names: dnplayer; Ld9BoxHeadless, LdVBoxHeadless, LdBoxHeadless; the same with
 *  SVC; dnmultiplayer(ex), ldmultiplayer; consent. */
bool ldc_process_classify(const char *image_name, const char *command_line,
                          struct ldc_process *ret);
/** Whether IMAGE_NAME is worth reading a command line for. */
bool ldc_process_is_emulator(const char *image_name, enum ldc_process_role *ret_role);

/** Ends one emulator process by force after checking that PID is still the same emulator process:
 *  by role and index, and by birth where that is known. Returns 0, UV_ESRCH, UV_EPERM. */
int ldc_process_kill(const struct ldc_process *process);

#endif
