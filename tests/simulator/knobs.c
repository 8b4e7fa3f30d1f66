/* SPDX-License-Identifier: MIT */
#include "knobs.h"

#include "verbs.h"

#include <stdlib.h>
#include <string.h>

#define FAULTS                                                                                     \
    "stuck_starting,zombie,no_kernel_boot,vbox_gutted,readonly_vmdk,repairer,slow_boot,"           \
    "crash_loop,hidden,pids_lost,second_player,hung_guest,hung_am,adb_dead,adb_stolen,orphan_vm"

enum { BOTH = KNOB_BY_VERB | KNOB_BY_INDEX };

const struct knob knobs[] = {
    /* What is simulated. */
    {"profile", KNOB_CHOICE, KNOB_KEPT, "ld9", "ld4,ld9,ld14", "the version of LDPlayer to be"},
    {"codepage", KNOB_CHOICE, KNOB_KEPT, "utf8", "utf8,gbk,cp1252,cp850",
     "the code page that text is printed in"},
    {"speed", KNOB_REAL, KNOB_KEPT, "1", "", "every ms.* duration is divided by this"},
    {"default_title", KNOB_TEXT, KNOB_KEPT, "LDPlayer", "",
     "title of instance 0 without a name; the others add -<index>"},
    {"banner", KNOB_TEXT, 0, "", "", "first line of the usage text; empty: that of the profile"},
    {"columns", KNOB_CHOICE, 0, "0", "0,7,10", "columns of list2; 0: those of the profile"},
    {"more_columns", KNOB_TEXT, 0, "", "",
     "columns that list2 prints behind the known ones, such as 60,vulkan"},
    {"player_name", KNOB_TEXT, 0, "dnplayer", "", "name of the program of the window"},
    {"vm_name", KNOB_TEXT, 0, "", "", "name of the program of the VM; empty: that of the profile"},
    {"vm_dir", KNOB_TEXT, 0, "ldplayer9box", "",
     "folder that the VM program runs from, seen from the one that holds the installation; "
     "empty: the installation"},
    {"runtime_missing", KNOB_TEXT, 0, "", "",
     "libraries of the VM's runtime that are taken away, separated by commas, or all"},

    /* Durations of a launch, counted from the launch. */
    {"ms.visible", KNOB_INT, KNOB_BY_INDEX, "1500", "",
     "launch until list2 shows state 2 and a pid"},
    {"ms.vm", KNOB_INT, KNOB_BY_INDEX, "4000", "", "launch until the VM process is there"},
    {"ms.android", KNOB_INT, KNOB_BY_INDEX, "12000", "", "launch until state 1"},
    {"ms.adb", KNOB_INT, KNOB_BY_INDEX, "22000", "", "launch until adb answers"},
    {"ms.boot", KNOB_INT, KNOB_BY_INDEX, "24000", "", "launch until sys.boot_completed is 1"},
    {"ms.column5", KNOB_INT, KNOB_BY_INDEX, "0", "",
     "launch until column 5 tells the state; before it is 0 beside the pids"},
    {"ms.row_gap", KNOB_INT, KNOB_BY_INDEX, "1500", "",
     "how long the row is missing when the VM starts and the config is updated"},
    {"ms.off", KNOB_INT, KNOB_BY_INDEX, "3000", "",
     "quit until the VM is gone and state is 0, whichever comes first"},
    {"ms.row_late", KNOB_INT, KNOB_BY_INDEX, "500", "", "VM gone until state is 0"},
    {"ms.vm_late", KNOB_INT, KNOB_BY_INDEX, "0", "", "state 0 until the VM is gone"},
    {"ms.tail", KNOB_INT, KNOB_BY_INDEX, "5000", "",
     "state 0 until dnplayer is gone; a launch in between gets stuck"},
    {"ms.settle", KNOB_INT, KNOB_BY_INDEX, "10000", "",
     "dnplayer gone until a launch does not get stuck any more"},
    {"ms.repair", KNOB_INT, KNOB_BY_INDEX, "80000", "",
     "launch until adb answers when the repairer steps in"},
    {"ms.crash", KNOB_INT, KNOB_BY_INDEX, "20000", "",
     "state 1 until the next crash of crash_loop"},
    {"ms.collision", KNOB_INT, 0, "10000", "", "launches closer than this collide; see collision"},

    /* Durations of other work. */
    {"ms.add", KNOB_INT, 0, "200", "", "how long add takes"},
    {"ms.add_disk", KNOB_INT, 0, "1000", "", "end of add until the disks are there"},
    {"ms.copy", KNOB_INT, 0, "2000", "", "how long copying the disks takes"},
    {"ms.copy_disk", KNOB_INT, 0, "500", "",
     "begin of a copy until data.vmdk appears; it grows until ms.copy is over"},
    {"ms.copy_row", KNOB_INT, 0, "0", "", "end of a copy until its row appears, when late"},
    {"ms.remove", KNOB_INT, 0, "500", "", "remove until the instance is gone"},
    {"ms.recreate", KNOB_INT, 0, "1000", "", "instance gone until an empty one takes its place"},
    {"lifetime_s", KNOB_INT, 0, "86400", "",
     "simulated processes end after this; not divided by speed"},

    /* Any call. */
    {"latency_ms", KNOB_INT, BOTH, "0", "", "delay before anything is done; not divided by speed"},
    {"hang", KNOB_COUNT, BOTH, "never", "", "do nothing, print nothing, never exit"},
    {"hang_after", KNOB_COUNT, BOTH, "never", "", "work and print as usual, then never exit"},
    {"ignore", KNOB_COUNT, BOTH, "never", "", "report success and do nothing"},
    {"empty", KNOB_COUNT, BOTH, "never", "", "print nothing"},
    {"garbage", KNOB_COUNT, BOTH, "never", "", "print bytes that mean nothing"},
    {"stray", KNOB_COUNT, BOTH, "never", "", "print stray_text too"},
    {"stray_text", KNOB_TEXT, BOTH, "Active code page: 65001", "", "the line that stray prints"},
    {"stray_at", KNOB_LIST, BOTH, "before", "before,between,after",
     "where stray prints: before the usual text, behind its first line, after it"},
    {"crash", KNOB_COUNT, BOTH, "never", "", "do nothing, print nothing, end with 0xC0000008"},
    {"partial", KNOB_INT, BOTH, "0", "", "cut this many bytes off the end of what is printed"},
    {"huge_mb", KNOB_INT, BOTH, "0", "", "print this many megabytes of rows after the usual text"},
    {"exit_code", KNOB_TEXT, BOTH, "", "", "exit code to end with; a number, may be negative"},
    {"hold_pipe", KNOB_COUNT, BOTH, "never", "",
     "leave a process behind that keeps the caller's standard output open"},

    /* Installation. */
    {"session0", KNOB_BOOL, 0, "false", "",
     "as seen from a service: nothing runs, nothing happens"},
    {"error740", KNOB_BOOL, 0, "false", "", "refuse to run, as without elevation"},
    {"svc_dead", KNOB_BOOL, 0, "false", "", "the VM service is dead: every VM ends, none starts"},
    {"collision", KNOB_BOOL, 0, "true", "", "launches within ms.collision hang each other"},
    {"ram_floor_mb", KNOB_INT, 0, "0", "", "instances with at most this memory crash in a loop"},
    {"row_99999", KNOB_BOOL, 0, "false", "", "list2 adds a row with index 99999"},
    {"row_drop", KNOB_COUNT, KNOB_BY_INDEX, "never", "",
     "list2 leaves the row out; config, disk and processes stay"},
    {"row_order", KNOB_CHOICE, 0, "shuffled", "index,reverse,shuffled",
     "order of the rows of list2"},
    {"adb_echo", KNOB_BOOL, 0, "false", "", "the verb adb prints the command line first"},
    {"adb_debug_new", KNOB_INT, 0, "0", "",
     "basicSettings.adbDebug of new instances: 0 off, 1 local, 2 remote"},

    /* Manage. */
    {"copy_returns", KNOB_CHOICE, 0, "at_once", "done,at_once", "when copy comes back"},
    {"copy_row", KNOB_CHOICE, 0, "early", "early,late",
     "whether the row is there before the copy ends"},
    {"copy_allocates", KNOB_BOOL, 0, "false", "",
     "the disks of a copy have their size at once; only their times move"},
    {"copy_readonly", KNOB_BOOL, 0, "false", "", "copies get disks that cannot be written"},
    {"boot_without_disk", KNOB_BOOL, 0, "false", "",
     "an instance without data.vmdk starts all the same; init --bare sets it"},
    {"remove_running", KNOB_CHOICE, 0, "ignored", "ignored,kills", "remove of a started instance"},
    {"remove_recreates", KNOB_COUNT, KNOB_BY_INDEX, "never", "",
     "an empty instance takes the place of the removed one"},
    {"recreate_disk", KNOB_BOOL, 0, "false", "", "that empty instance has disks"},
    {"reboot_resets", KNOB_COUNT, KNOB_BY_INDEX, "never", "",
     "reboot rewrites the config to defaults"},
    {"kill_effect", KNOB_CHOICE, KNOB_BY_INDEX, "reset", "none,reset,truncate,cut",
     "what the next launch makes of the config after dnplayer or the VM was killed"},

    /* Instances. */
    {"fault", KNOB_LIST, KNOB_BY_INDEX, "", FAULTS, "what is wrong with an instance"},

    /* Bookkeeping. */
    {"log", KNOB_BOOL, 0, "true", "", "write sim/calls.log"},
    {"log_max_kb", KNOB_INT, 0, "16384", "", "calls.log does not grow beyond this"},
    {NULL, KNOB_BOOL, 0, NULL, NULL, NULL},
};

const struct knob *knob_find(const char *name)
{
    for (const struct knob *knob = knobs; knob->name; knob++)
        if (strcmp(knob->name, name) == 0)
            return knob;
    return NULL;
}

/* Names have dots too (ms.vm), so the longest name that fits is the knob. */
static const struct knob *find_by_prefix(const char *key, const char **ret_rest)
{
    const struct knob *best = NULL;
    size_t best_len = 0;

    for (const struct knob *knob = knobs; knob->name; knob++) {
        size_t len = strlen(knob->name);

        if (len > best_len && strncmp(key, knob->name, len) == 0 &&
            (key[len] == '\0' || key[len] == '.')) {
            best = knob;
            best_len = len;
        }
    }
    if (best)
        *ret_rest = key + best_len;
    return best;
}

bool knob_parse_key(const char *key, const struct knob **ret_knob, const char **ret_verb,
                    int *ret_index)
{
    const char *rest = "";
    const struct knob *knob = find_by_prefix(key, &rest);
    const char *verb = "";
    int index = -1;

    if (!knob)
        return false;
    if (*rest && (knob->scope & KNOB_BY_VERB) && (rest[1] < '0' || rest[1] > '9')) {
        size_t len = strcspn(rest + 1, ".");

        verb = mem_text_n(rest + 1, len);
        rest += 1 + len;
        if (!verb_is_name(verb))
            return false;
    }
    if (*rest && (!(knob->scope & KNOB_BY_INDEX) || !text_to_int(rest + 1, &index) || index < 0))
        return false;
    *ret_knob = knob;
    *ret_verb = verb;
    *ret_index = index;
    return true;
}

static bool accepts_list(const struct knob *knob, const char *value)
{
    while (*value) {
        size_t len = strcspn(value, ",");

        if (!text_list_has(knob->choices, mem_text_n(value, len)))
            return false;
        value += len + (value[len] == ',');
    }
    return true;
}

bool knob_accepts(const struct knob *knob, const char *value)
{
    int64_t number;
    char *end;

    switch (knob->kind) {
    case KNOB_BOOL:
        return text_list_has("true,false", value);
    case KNOB_INT:
        return text_to_int64(value, &number) && number >= 0;
    case KNOB_REAL:
        return *value && strtod(value, &end) > 0 && !*end;
    case KNOB_CHOICE:
        return *value && !strchr(value, ',') && text_list_has(knob->choices, value);
    case KNOB_COUNT:
        return text_list_has("always,never,true,false", value) ||
               (text_to_int64(value, &number) && number >= 0);
    case KNOB_LIST:
        return accepts_list(knob, value);
    case KNOB_TEXT:
        return strcmp(knob->name, "exit_code") != 0 || !*value || text_to_int64(value, &number);
    }
    return false;
}

char *knob_values(const struct knob *knob)
{
    switch (knob->kind) {
    case KNOB_BOOL:
        return mem_text("true, false");
    case KNOB_INT:
        return mem_text("whole number");
    case KNOB_REAL:
        return mem_text("number above 0");
    case KNOB_COUNT:
        return mem_text("always, never, or K times");
    case KNOB_TEXT:
        return mem_text("text");
    case KNOB_CHOICE:
    case KNOB_LIST: {
        struct text out = {0};

        for (const char *at = knob->choices; *at; at++)
            text_add(&out, *at == ',' ? ", " : (char[]){*at, '\0'});
        return mem_text(text_str(&out));
    }
    }
    return mem_text("");
}

const char *knob_scope_text(const struct knob *knob)
{
    switch (knob->scope & BOTH) {
    case BOTH:
        return ".VERB .INDEX .VERB.INDEX";
    case KNOB_BY_INDEX:
        return ".INDEX";
    default:
        return "";
    }
}
