/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "ldconsole/install/preflight.h"
#include "tests/support/folder.h"

static char *root, *dir, *vms;

static void set_up(void)
{
    root = folder_make();
    folder_write(root, "ldplayer/ldconsole.exe", "x");
    folder_write(root, "ldplayer/vms/config/leidians.config", "{}");
    dir = fs_join(root, "ldplayer");
    vms = fs_join(dir, "vms");
}

static void tear_down(void)
{
    folder_remove(root);
    mem_free(dir);
    mem_free(vms);
}

TestSuite(ldc_preflight, .init = set_up, .fini = tear_down);

static void write_all(const char *folder)
{
    static const char *const names[] = {"libOpenglRender2.dll", "host_manager2.dll",
                                        "fastpipe2.dll", "GLES_V2.dll"};
    for (size_t i = 0; i < countof(names); i++) {
        char *path cleanup(mem_freep) = mem_printf("%s/%s", folder, names[i]);
        folder_write(root, path, "x");
    }
}

static void take_away(const char *name)
{
    char *path cleanup(mem_freep) = fs_join(root, name);
    cr_assert_eq(fs_remove(path), 0);
}

Test(ldc_preflight, of_a_whole_runtime_nothing_is_missing)
{
    struct ldc_premises premises;
    folder_write(root, "ldplayer9box/Ld9BoxHeadless.exe", "x");
    write_all("ldplayer9box");
    ldc_premises_look(dir, vms, &premises);
    cr_expect(strstr(premises.runtime_dir, "ldplayer9box"), "%s", premises.runtime_dir);
    cr_expect_str_empty(premises.missing);
    cr_expect_neq(premises.free_bytes, UINT64_MAX);
    cr_expect_gt(premises.free_bytes, 0);
}

Test(ldc_preflight, a_gutted_runtime_lacks_what_the_installation_has)
{
    struct ldc_premises premises;
    folder_write(root, "ldplayer9box/Ld9BoxHeadless", "x");
    write_all("ldplayer/vbox64");
    ldc_premises_look(dir, vms, &premises);
    cr_expect_str_eq(premises.missing,
                     "libOpenglRender2.dll, host_manager2.dll, fastpipe2.dll, GLES_V2.dll");
    write_all("ldplayer9box");
    take_away("ldplayer9box/fastpipe2.dll");
    ldc_premises_look(dir, vms, &premises);
    cr_expect_str_eq(premises.missing, "fastpipe2.dll");
}

Test(ldc_preflight, a_library_is_missing_where_others_lie)
{
    struct ldc_premises premises;
    folder_write(root, "ldplayer9box/Ld9BoxHeadless.exe", "x");
    folder_write(root, "ldplayer9box/GLES_V2.dll", "x");
    ldc_premises_look(dir, vms, &premises);
    cr_expect_str_eq(premises.missing, "libOpenglRender2.dll, host_manager2.dll, fastpipe2.dll");
}

Test(ldc_preflight, of_what_is_laid_out_otherwise_nothing_is_said)
{
    struct ldc_premises premises;
    write_all("ldplayer/vbox64");
    ldc_premises_look(dir, vms, &premises);
    cr_expect_str_empty(premises.runtime_dir, "there is no such folder");
    cr_expect_str_empty(premises.missing);
    folder_write(root, "ldplayer9box/LdVBoxHeadless.exe", "x");
    ldc_premises_look(dir, vms, &premises);
    cr_expect_str_empty(premises.missing, "the program is another one");
}

Test(ldc_preflight, a_runtime_of_which_nothing_is_known_lacks_nothing)
{
    struct ldc_premises premises;
    folder_write(root, "ldplayer9box/Ld9BoxHeadless.exe", "x");
    ldc_premises_look(dir, vms, &premises);
    cr_expect_str_empty(premises.missing);
}

Test(ldc_preflight, names_what_stands_in_the_way)
{
    static const struct {
        struct ldc_premises premises;
        unsigned disks;
        const char *fault;
        bool has_resbak;
        const char *code, *words;
    } cases[] = {
        {{.free_bytes = UINT64_C(1) << 40}, 0, "", false, NULL, NULL},
        {{.free_bytes = UINT64_MAX}, 0, "", false, NULL, NULL},
        {{.free_bytes = UINT64_MAX}, 1, "", false, "DISK_READ_ONLY", "read-only from data.vmdk in"},
        {{.free_bytes = UINT64_MAX}, 5, "", false, "DISK_READ_ONLY", "data.vmdk, sdcard.vmdk in"},
        {{.free_bytes = UINT64_MAX, .runtime_dir = "C:\\box", .missing = "a.dll, b.dll"},
         0,
         "",
         false,
         "VM_RUNTIME_INCOMPLETE",
         "C:\\box, a part of LDPlayer's VM, there is no a.dll, b.dll"},
        {{.free_bytes = 99 << 20}, 0, "", false, "INSTANCE_DISK_FULL", "99 MB are free"},
        {{.free_bytes = 100 << 20}, 0, "", false, NULL, NULL},
        {{.free_bytes = UINT64_MAX},
         0,
         "line 7",
         false,
         "CONFIG_UNUSABLE",
         "c.config cannot be used (line 7)"},
        {{.free_bytes = UINT64_MAX}, 0, "line 7", true, "CONFIG_UNUSABLE", "the .resbak"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ldc_obstacle obstacle = {.code = "none"};
        struct ldc_preflight preflight = {&cases[i].premises, cases[i].disks, "c.config",
                                          cases[i].fault, cases[i].has_resbak};
        bool is_one = ldc_preflight_judge(&preflight, &obstacle);
        cr_assert_eq(is_one, cases[i].code != NULL, "case %zu", i);
        if (!is_one)
            continue;
        cr_expect_str_eq(obstacle.code, cases[i].code);
        cr_expect(strstr(obstacle.sentence, cases[i].words), "%s", obstacle.sentence);
    }
}
