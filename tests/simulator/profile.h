/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_PROFILE_H
#define SIMULATOR_PROFILE_H

#include "settings.h"

#include <stdbool.h>

/* What differs between the versions of LDPlayer. */
struct profile {
    const char *name;
    const char *banner; /* first line of the usage text */
    int columns;        /* of list2 */
    bool has_list3;
    bool has_root;              /* modify --root */
    bool has_window_flags;      /* launch --mini, --hide */
    const char *memory_values;  /* that modify --memory takes, comma list */
    const char *cpu_values;     /* that modify --cpu takes */
    bool has_no_starting;       /* column 5 of list2 stays 0 until Android is up */
    bool isrunning_says_stop;   /* for a missing instance; else "player don't exist!" */
    bool copy_missing_is_usage; /* copy from nowhere: usage and -1000; else text and 0 */
    const char *headless;       /* name of the VM program */
    const char *documents;      /* folder of the shared directories */
    int width;                  /* of a new instance */
    int height;
    int dpi;
};

/** The one that sim.json asks for. */
const struct profile *profile_get(const struct settings *settings);

#endif
