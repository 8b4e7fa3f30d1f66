/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "ldconsole/install/install.h"
#include "tests/support/folder.h"

static char *folder;
static struct ldc_install install;

static void set_up(void)
{
    folder = folder_make();
    unsetenv("LDPLAYER_HOME");
    setenv("PATH", "/nowhere", 1);
}

static void tear_down(void)
{
    ldc_install_deinit(&install);
    folder_remove(folder);
}

TestSuite(ldc_install, .init = set_up, .fini = tear_down);

static char *below(const char *name)
{
    return fs_join(folder, name);
}

static void assert_path(const char *found, const char *name)
{
    char *wanted cleanup(mem_freep) = below(name);
    cr_assert_not_null(found);
    cr_assert_str_eq(found, wanted);
}

Test(ldc_install, takes_everything_from_a_path)
{
    folder_write(folder, "LDPlayer9/ldconsole.exe", "");
    folder_write(folder, "LDPlayer9/adb.exe", "");
    folder_write(folder, "LDPlayer9/ld.exe", "");
    char *path cleanup(mem_freep) = below("LDPlayer9/ldconsole.exe");
    ldc_install_from_path(path, &install);
    assert_path(install.dir, "LDPlayer9");
    assert_path(install.ldconsole, "LDPlayer9/ldconsole.exe");
    assert_path(install.vms_dir, "LDPlayer9/vms");
    assert_path(install.adb, "LDPlayer9/adb.exe");
    assert_path(install.ld, "LDPlayer9/ld.exe");
    cr_assert_str_eq(install.version, "9");
}

Test(ldc_install, takes_a_path_where_nothing_is)
{
    ldc_install_from_path("/nowhere/ldconsole", &install);
    cr_assert_str_eq(install.dir, "/nowhere");
    cr_assert_str_eq(install.ldconsole, "/nowhere/ldconsole");
    cr_assert_null(install.adb);
    cr_assert_null(install.ld);
    cr_assert_null(install.version);
}

Test(ldc_install, makes_the_folder_canonical)
{
    folder_write(folder, "real/ldconsole", "");
    char *target cleanup(mem_freep) = below("real");
    char *name cleanup(mem_freep) = below("link");
    uv_fs_t req;
    cr_assert_eq(uv_fs_symlink(NULL, &req, target, name, 0, NULL), 0);
    uv_fs_req_cleanup(&req);
    char *path cleanup(mem_freep) = below("link/ldconsole");
    ldc_install_from_path(path, &install);
    assert_path(install.dir, "real");
    assert_path(install.ldconsole, "real/ldconsole");
}

Test(ldc_install, reads_the_version_from_the_folders_name)
{
    static const struct {
        const char *path, *version;
    } cases[] = {
        {"/x/LDPlayer14/ldconsole", "14"},
        {"/x/leidian9/ldconsole", "9"},
        {"/x/LDPlayer4.0/ldconsole", "4.0"},
        {"/x/ldplayer64/ldconsole", "4"},
        {"/x/dnplayer2/dnconsole", "3"},
        {"/x/LDPlayer/ldconsole", NULL},
        {"/x/LD/ldconsole", NULL},
        {"/LDPlayer9x/y/ldconsole", NULL},
        {"/x/LDPlayer64.v9.0/ldconsole", "9.0"},
        {"/x/LDPlayer-v14.0.25/ldconsole", "14.0.25"},
        {"/x/LDPlayer64-bit/ldconsole", "4"},
        {"/x/LDPlayer5/ldconsole", "5"},
        {"/x/LDPlayerDev9/ldconsole", NULL},
        {"/x/LSPlayer64/lsconsole", NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ldc_install found;
        ldc_install_from_path(cases[i].path, &found);
        cr_assert(str_is_equal(found.version, cases[i].version), "%s", cases[i].path);
        ldc_install_deinit(&found);
    }
}

static int from_option(const char *name, bool *ret_is_other)
{
    char *path cleanup(mem_freep) = below(name);
    ldc_install_deinit(&install);
    return ldc_install_from_option(path, &install, ret_is_other);
}

Test(ldc_install, an_option_that_names_something_beside_an_ldconsole_means_that)
{
    static const char *const other[] = {
        "LDPlayer9",     "LDPlayer9/",        "LDPlayer9/dnplayer.exe",
        "LDPlayer9/adb", "LDPlayer9/nothing", "LDPlayer9/dnconsole"};
    bool is_other;
    folder_write(folder, "LDPlayer9/ldconsole.exe", "");
    folder_write(folder, "LDPlayer9/dnplayer.exe", "");
    folder_write(folder, "LDPlayer9/adb", "");
    for (size_t i = 0; i < countof(other); i++) {
        cr_assert_eq(from_option(other[i], &is_other), 0, "%s", other[i]);
        cr_assert(is_other, "%s", other[i]);
        assert_path(install.ldconsole, "LDPlayer9/ldconsole.exe");
    }
    cr_assert_eq(from_option("LDPlayer9/ldconsole.exe", &is_other), 0);
    cr_assert_not(is_other);
}

Test(ldc_install, an_option_may_name_any_ldconsole_also_one_that_is_still_to_come)
{
    static const char *const names[] = {"a/ldconsole.exe", "a/DNConsole.exe", "a/lsconsole",
                                        "a/ldconsole.cmd"};
    bool is_other = true;
    for (size_t i = 0; i < countof(names); i++) {
        folder_write(folder, names[i], "");
        cr_assert_eq(from_option(names[i], &is_other), 0);
        cr_assert_not(is_other);
        assert_path(install.ldconsole, names[i]);
    }
    cr_assert_eq(from_option("later/ldconsole.exe", &is_other), 0);
    cr_assert_not(is_other);
    folder_write(folder, "ls/lsconsole.exe", "");
    cr_assert_eq(from_option("ls", &is_other), 0);
    assert_path(install.ldconsole, "ls/lsconsole.exe");
}

Test(ldc_install, an_option_that_names_another_program_is_refused)
{
    static const char *const names[] = {"bin/adb",           "bin",
                                        "bin/ldconsole.txt", "nowhere/dnplayer.exe",
                                        "odd/ldconsole",     "bin/myldconsole.exe"};
    bool is_other;
    folder_write(folder, "bin/adb", "");
    folder_write(folder, "bin/ldconsole.txt", "");
    folder_write(folder, "odd/ldconsole/file", "");
    for (size_t i = 0; i < countof(names); i++) {
        cr_assert_eq(from_option(names[i], &is_other), UV_EINVAL, "%s", names[i]);
        cr_assert_null(install.ldconsole);
    }
}

Test(ldc_install, old_is_what_is_known_to_be_older_than_9)
{
    static const struct {
        const char *folder, *banner;
        bool is_old;
    } cases[] = {
        {"4.0", "", true},  {"9", "", false},          {NULL, "", false},
        {"9", "3.1", true}, {"4", "14.0.25.1", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ldc_install one = {.version = (char *)cases[i].folder};
        struct ldc_abilities abilities = {0};
        str_copy(abilities.version, sizeof(abilities.version), cases[i].banner);
        cr_assert_eq(ldc_install_is_old(&one, &abilities), cases[i].is_old, "case %zu", i);
    }
}

Test(ldc_install, is_found_by_the_environment)
{
    folder_write(folder, "home/dnconsole", "");
    char *home cleanup(mem_freep) = below("home");
    setenv("LDPLAYER_HOME", home, 1);
    cr_assert_eq(ldc_install_find(&install), 0);
    assert_path(install.ldconsole, "home/dnconsole");
}

Test(ldc_install, is_found_on_the_path)
{
    folder_write(folder, "bin/ldconsole", "");
    folder_write(folder, "bin/dnconsole", "");
    char *path cleanup(mem_freep) = mem_printf("/nowhere::%s/bin:/elsewhere", folder);
    setenv("PATH", path, 1);
    setenv("LDPLAYER_HOME", "/nowhere", 1);
    cr_assert_eq(ldc_install_find(&install), 0);
    assert_path(install.ldconsole, "bin/ldconsole");
}

Test(ldc_install, says_when_there_is_none)
{
    cr_assert_eq(ldc_install_find(&install), UV_ENOENT);
}

Test(ldc_install, uses_a_data_folder_only_when_instances_are_there)
{
    ldc_install_from_path("/nowhere/ldconsole", &install);
    ldc_install_set_data_dir(&install, folder);
    cr_assert_str_eq(install.vms_dir, "/nowhere/vms");
    folder_write(folder, "vms/config/leidians.config", "{}");
    ldc_install_set_data_dir(&install, folder);
    assert_path(install.vms_dir, "vms");
    folder_write(folder, "config/leidians.config", "{}");
    ldc_install_set_data_dir(&install, folder);
    cr_assert_str_eq(install.vms_dir, folder);
}

static struct ldc_install of_version(const char *version)
{
    return (struct ldc_install){.ldconsole = mem_strdup("x"), .version = mem_strdup(version)};
}

Test(ldc_install, keeps_the_newest)
{
    static const char *const versions[] = {NULL, "9", "14.0.25.1", "14", "14.0.9.9", "4.0", NULL};
    for (size_t i = 0; i < countof(versions); i++) {
        struct ldc_install candidate = of_version(versions[i]);
        ldc_install_keep_newer(&install, &candidate);
        cr_assert_null(candidate.ldconsole);
    }
    cr_assert_str_eq(install.version, "14.0.25.1");
}

Test(ldc_install, copies_are_independent)
{
    struct ldc_install copy;
    ldc_install_from_path("/x/LDPlayer9/ldconsole", &install);
    ldc_install_copy(&install, &copy);
    ldc_install_deinit(&install);
    cr_assert_str_eq(copy.ldconsole, "/x/LDPlayer9/ldconsole");
    cr_assert_str_eq(copy.version, "9");
    cr_assert_null(copy.adb);
    ldc_install_deinit(&copy);
}

Test(ldc_install, reads_the_version_of_a_banner)
{
    static const struct {
        const char *text, *version;
    } cases[] = {
        {"dnplayer v14.0.25.1 Command Line Management Interface\r\nAll rights", "14.0.25.1"},
        {"ldplayer v14.0.29.0 Command Line Management Interface", "14.0.29.0"},
        {"dnplayer Command Line Management Interface\r\nv9\r\n", NULL},
        {"dnplayer v14.0.25.1\r\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char *version cleanup(mem_freep) = ldc_install_banner_version(cases[i].text);
        cr_assert(str_is_equal(version, cases[i].version), "case %zu: %s", i, version);
    }
}

Test(ldc_install, abilities_of_a_version_with_root_and_a_version_in_its_banner)
{
    struct ldc_abilities f;
    ldc_install_read_abilities(
        "dnplayer v14.0.25.1 Command Line Management Interface\r\n"
        "All rights reserved.\r\n\r\n  modify <--name mnq_name>\r\n    [--root <1 | 0>]\r\n",
        &f);
    cr_assert(f.is_known);
    cr_assert_str_eq(f.version, "14.0.25.1");
    cr_assert(f.has_root);
    cr_assert(f.has_window);
}

Test(ldc_install, abilities_of_an_old_version_without_either)
{
    struct ldc_abilities f;
    ldc_install_read_abilities(
        "dnplayer Command Line Management Interface\r\n  modify [--cpu <1>]\r\n", &f);
    cr_assert(f.is_known);
    cr_assert_str_eq(f.version, "");
    cr_assert_not(f.has_root);
    cr_assert_not(f.has_window);
    ldc_install_read_abilities(
        "dnplayer Command Line Management Interface\r\n  launch [--mini | --hide]\r\n", &f);
    cr_assert(f.has_window);
}

Test(ldc_install, abilities_of_text_that_is_no_usage_stay_unknown)
{
    struct ldc_abilities f;
    ldc_install_read_abilities("", &f);
    cr_assert_not(f.is_known);
    ldc_install_read_abilities("0,--root,0,0,0,-1,-1,960,540,160\r\n", &f);
    cr_assert_not(f.is_known);
    cr_assert_not(f.has_root);
}
