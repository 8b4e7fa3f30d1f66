/* SPDX-License-Identifier: MIT */
#include "verbs.h"

#include <string.h>

static const struct verb verbs[] = {
    {"launch", VERB_USAGE, verb_launch},
    {"launchex", VERB_USAGE, verb_launchex},
    {"quit", VERB_TEXT_FAILS, verb_quit},
    {"quitall", VERB_ANY, verb_quitall},
    {"reboot", VERB_TEXT_FAILS, verb_reboot},

    {"list", VERB_ANY, verb_list},
    {"list2", VERB_ANY, verb_list2},
    {"list3", VERB_TEXT_FAILS, verb_list3},
    {"runninglist", VERB_ANY, verb_runninglist},
    {"runningList2", VERB_ANY, verb_running_list2},
    {"isrunning", VERB_OWN, verb_isrunning},

    {"add", VERB_ANY, verb_add},
    {"copy", VERB_OWN, verb_copy},
    {"remove", VERB_TEXT_FAILS, verb_remove},
    {"rename", VERB_TEXT_FAILS, verb_rename},
    {"modify", VERB_SILENT, verb_modify},

    {"installapp", VERB_TEXT_SUCCEEDS, verb_installapp},
    {"uninstallapp", VERB_TEXT_SUCCEEDS, verb_uninstallapp},
    {"runapp", VERB_TEXT_SUCCEEDS, verb_runapp},
    {"killapp", VERB_TEXT_SUCCEEDS, verb_killapp},
    {"locate", VERB_TEXT_SUCCEEDS, verb_locate},
    {"adb", VERB_TEXT_SUCCEEDS, verb_adb},
    {"setprop", VERB_TEXT_SUCCEEDS, verb_setprop},
    {"getprop", VERB_TEXT_SUCCEEDS, verb_getprop},
    {"downcpu", VERB_TEXT_SUCCEEDS, verb_downcpu},
    {"action", VERB_TEXT_SUCCEEDS, verb_action},
    {"scan", VERB_TEXT_SUCCEEDS, NULL},
    {"pull", VERB_TEXT_SUCCEEDS, verb_pull},
    {"push", VERB_TEXT_SUCCEEDS, verb_push},
    {"backup", VERB_TEXT_SUCCEEDS, verb_backup},
    {"restore", VERB_TEXT_SUCCEEDS, verb_restore},
    {"backupapp", VERB_TEXT_SUCCEEDS, verb_backupapp},
    {"restoreapp", VERB_TEXT_SUCCEEDS, verb_restoreapp},

    {"sortWnd", VERB_ANY, NULL},
    {"zoomIn", VERB_ANY, NULL},
    {"zoomOut", VERB_ANY, NULL},
    {"rock", VERB_ANY, NULL},
    {"globalsetting", VERB_ANY, verb_globalsetting},

    {"operatelist", VERB_TEXT_SUCCEEDS, NULL},
    {"operateinfo", VERB_TEXT_SUCCEEDS, NULL},
    {"operaterecord", VERB_TEXT_SUCCEEDS, verb_operaterecord},
};

enum { N_VERBS = sizeof(verbs) / sizeof(verbs[0]) };

const struct verb *verb_find(const char *name, const struct profile *profile)
{
    if (strcmp(name, "list3") == 0 && !profile->has_list3)
        return NULL;
    for (int i = 0; i < N_VERBS; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

bool verb_is_name(const char *name)
{
    /* The other two programs of the installation. */
    if (text_list_has("host_adb,ld", name))
        return true;
    for (int i = 0; i < N_VERBS; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return true;
    return false;
}
