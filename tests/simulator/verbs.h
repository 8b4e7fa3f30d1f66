/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_VERBS_H
#define SIMULATOR_VERBS_H

#include "call.h"

#include <stdbool.h>

/** What a verb answers when there is no instance as selected; each one has its own way. */
enum verb_missing {
    VERB_ANY,           /* it needs no instance */
    VERB_TEXT_FAILS,    /* `player don't exist!`, -1001 */
    VERB_TEXT_SUCCEEDS, /* the same text, 0 */
    VERB_USAGE,         /* the whole usage text, -1001 */
    VERB_SILENT,        /* nothing, 0 */
    VERB_OWN,           /* the verb itself knows */
};

struct verb {
    const char *name;
    enum verb_missing missing;
    /* Fill in out and exit_code.  NULL: accepted and written down in the calls log, nothing else.
     */
    void (*run)(struct call *call);
};

/** NULL: no such command, in this profile. */
const struct verb *verb_find(const char *name, const struct profile *profile);

/** True for every name that may stand in the scope of a knob. */
bool verb_is_name(const char *name);

/* verb_life.c */
void verb_launch(struct call *call);
void verb_launchex(struct call *call);
void verb_quit(struct call *call);
void verb_quitall(struct call *call);
void verb_reboot(struct call *call);

/* verb_query.c */
void verb_list(struct call *call);
void verb_list2(struct call *call);
void verb_list3(struct call *call);
void verb_runninglist(struct call *call);
void verb_running_list2(struct call *call);
void verb_isrunning(struct call *call);

/* verb_manage.c */
void verb_add(struct call *call);
void verb_copy(struct call *call);
void verb_remove(struct call *call);
void verb_rename(struct call *call);

/* verb_modify.c */
void verb_modify(struct call *call);

/* verb_guest.c */
void verb_installapp(struct call *call);
void verb_uninstallapp(struct call *call);
void verb_runapp(struct call *call);
void verb_killapp(struct call *call);
void verb_adb(struct call *call);
void verb_getprop(struct call *call);
void verb_setprop(struct call *call);
void verb_action(struct call *call);
void verb_locate(struct call *call);
void verb_downcpu(struct call *call);

/* verb_files.c */
void verb_pull(struct call *call);
void verb_push(struct call *call);
void verb_backup(struct call *call);
void verb_restore(struct call *call);
void verb_backupapp(struct call *call);
void verb_restoreapp(struct call *call);
void verb_operaterecord(struct call *call);
void verb_globalsetting(struct call *call);

#endif
