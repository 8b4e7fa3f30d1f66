/* SPDX-License-Identifier: MIT */
#ifndef LDC_MATCH_H
#define LDC_MATCH_H

#include "ldconsole/process/process.h"

/** Which processes belong to which instance (reference 5.1, 11). The player lies in the folder of
 *  its installation. The program of the VM lies in a folder that all installations share, and says
 *  only the index of its instance, which two installations may both have: where there is another
 *  one, a VM is an instance's own only when list2 names it, or did before. Pure functions. */

/** A process for good: a number alone is given away again. pid 0 = none. */
struct ldc_process_id {
    int64_t pid;
    uint64_t born;
};

/** What is known of an instance. */
struct ldc_claim {
    int index;
    int64_t pid, vbox_pid;                  /* as list2 says now; <= 0 none */
    struct ldc_process_id player, headless; /* its own at the look before, or before the restart */
    const char *vm_dir; /* where VMs of its installation were seen to lie; NULL = not known */
    uint64_t age_ms;    /* no VM of its own is older; 0 = not known */
    bool has_neighbour; /* another installation was seen to run before */
};

/** Its processes now; NULL none. They live as long as the list. */
struct ldc_match {
    const struct ldc_process *player, *headless;
    /* Without a VM of its own: one that is this instance's or one of another installation, and
     * nothing tells which. It is not to be ended. */
    const struct ldc_process *possible;
};

/** Whether a player or a manager of another installation than the one in DIR runs. */
bool ldc_match_sees_neighbour(const struct ldc_processes *processes, const char *dir);
/** DIR is the folder of the installation (canonical, as ldc_install_from_path leaves it). */
void ldc_match_find(const struct ldc_processes *processes, const char *dir,
                    const struct ldc_claim *claim, struct ldc_match *ret);
/** Whether PROCESS is surely the instance's own: those that are found, and whatever else is (a
 *  second player of the same index, a VM beside the one that list2 names). */
bool ldc_match_owns(const struct ldc_processes *processes, const char *dir,
                    const struct ldc_claim *claim, const struct ldc_process *process);

#endif
