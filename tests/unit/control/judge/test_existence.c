/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "control/judge/existence.h"
#include "ldconsole/verbs/timing.h"

enum { LOOKS = LDC_TIMING_ABSENT_LOOKS, LATE_MS = LDC_TIMING_ABSENT_MS };

/* A list that can be believed and a folder that could be read, unless a row says otherwise. */
#define GOOD .is_list_whole = true, .is_folder_read = true

static const struct {
    const char *what;
    struct ctl_witnesses witnesses;
    enum ctl_existence existence;
} rows[] = {
    {"listed", {.is_listed = true}, CTL_EXISTS},
    {"listed, although no file is there yet", {GOOD, .is_listed = true}, CTL_EXISTS},
    {"row, config and disk are gone", {GOOD, .n_absent = 1}, CTL_GONE},
    {"the index has another disk", {GOOD, .disk = CTL_DISK_OTHER, .has_config = true}, CTL_GONE},
    {"the index has another disk, and the list is torn",
     {.disk = CTL_DISK_OTHER, .has_config = true, .is_folder_read = true},
     CTL_GONE},
    {"a torn list", {.is_folder_read = true, .n_absent = 99, .absent_ms = LATE_MS}, CTL_DOUBTED},
    {"a folder that cannot be read",
     {.is_list_whole = true, .n_absent = 99, .absent_ms = LATE_MS},
     CTL_DOUBTED},
    {"left out once, config and disk are there",
     {GOOD, .has_config = true, .disk = CTL_DISK_OWN, .n_absent = 1},
     CTL_DOUBTED},
    {"the config alone is left for long, but by too few lists",
     {GOOD, .has_config = true, .n_absent = LOOKS - 1, .absent_ms = LATE_MS},
     CTL_DOUBTED},
    {"the config alone is left by many lists, but not for long",
     {GOOD, .has_config = true, .n_absent = 99, .absent_ms = LATE_MS - 1},
     CTL_DOUBTED},
    {"left out for good, config and disk are there",
     {GOOD, .has_config = true, .disk = CTL_DISK_OWN, .n_absent = 9999, .absent_ms = 99 * LATE_MS},
     CTL_DOUBTED},
    {"the disk alone is left for good",
     {GOOD, .disk = CTL_DISK_OWN, .n_absent = LOOKS, .absent_ms = LATE_MS},
     CTL_GONE},
    {"the disk alone is left", {GOOD, .disk = CTL_DISK_OWN, .n_absent = LOOKS}, CTL_DOUBTED},
    {"the config alone is left", {GOOD, .has_config = true, .n_absent = LOOKS}, CTL_DOUBTED},
    {"the config alone is left for good",
     {GOOD, .has_config = true, .n_absent = LOOKS, .absent_ms = LATE_MS},
     CTL_GONE},
    {"left out for good, and it runs",
     {GOOD, .has_process = true, .has_config = true, .disk = CTL_DISK_OWN, .n_absent = 99,
      .absent_ms = LATE_MS},
     CTL_DOUBTED},
    {"it runs, and all files are gone", {GOOD, .has_process = true, .n_absent = 1}, CTL_DOUBTED},
    {"it runs, and its index has another disk",
     {GOOD, .has_process = true, .has_config = true, .disk = CTL_DISK_OTHER},
     CTL_GONE},
};

Test(ctl_existence, holds_row_config_and_disk_against_each_other)
{
    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_eq(ctl_existence_judge(&rows[i].witnesses), rows[i].existence, "%s",
                     rows[i].what);
}
