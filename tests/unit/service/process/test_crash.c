/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "service/process/crash.h"
#include "tests/support/folder.h"

static char *folder;

static void set_up(void)
{
    folder = folder_make();
}

static void tear_down(void)
{
    folder_remove(folder);
}

TestSuite(svc_crash, .init = set_up, .fini = tear_down);

static void expect_report(const char *name)
{
    char *path cleanup(mem_freep) = svc_crash_take_report(folder);
    if (!name) {
        cr_expect_null(path, "%s", path);
        return;
    }
    cr_assert_not_null(path);
    cr_expect_str_eq(fs_basename(path), name);
    cr_expect(fs_exists(path));
}

Test(svc_crash, without_a_crash_there_is_nothing_to_tell)
{
    expect_report(NULL);
    folder_write(folder, "crashes/notes.txt", "somebody's");
    expect_report(NULL);
}

Test(svc_crash, a_crash_is_told_of_once)
{
    folder_write(folder, "crashes/ldplayerd-20300101T100000Z-5.dmp", "MDMP");
    expect_report("ldplayerd-20300101T100000Z-5.dmp");
    expect_report(NULL);
    folder_write(folder, "crashes/ldplayerd-20300101T100001Z-4.dmp", "MDMP");
    expect_report("ldplayerd-20300101T100001Z-4.dmp");
    expect_report(NULL);
}

Test(svc_crash, only_the_newest_dumps_are_kept_and_nothing_else_is_removed)
{
    char name[64];
    folder_write(folder, "crashes/other.dmp", "somebody's");
    for (int i = 0; i < SVC_CRASH_KEEP + 3; i++) {
        snprintf(name, sizeof(name), "crashes/ldplayerd-20300101T10000%dZ-1.dmp", i);
        folder_write(folder, name, "MDMP");
    }
    expect_report("ldplayerd-20300101T100007Z-1.dmp");
    char *crashes cleanup(mem_freep) = fs_join(folder, "crashes");
    char *oldest cleanup(mem_freep) =
        folder_read(folder, "crashes/ldplayerd-20300101T100003Z-1.dmp");
    char *removed cleanup(mem_freep) =
        folder_read(folder, "crashes/ldplayerd-20300101T100002Z-1.dmp");
    /* and other.dmp and what was told of */
    cr_expect_eq(folder_count(crashes), SVC_CRASH_KEEP + 2);
    cr_expect_not_null(oldest);
    cr_expect_null(removed);
}
