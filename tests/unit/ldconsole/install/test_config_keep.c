/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "ldconsole/install/config_keep.h"
#include "ldconsole/install/configs.h"
#include "tests/support/folder.h"

static char *vms, *copies, *path;
static struct ldc_configs configs;

static void set_up(void)
{
    vms = folder_make();
    copies = fs_join(vms, "copies");
    path = ldc_configs_path(vms, 1);
    configs.keep_dir = copies;
    folder_write(vms, "leidian1/data.vmdk", "disk");
}

static void tear_down(void)
{
    ldc_configs_deinit(&configs);
    mem_free(path);
    mem_free(copies);
    folder_remove(vms);
}

TestSuite(ldc_config_keep, .init = set_up, .fini = tear_down);

/* As after the look that finds it old enough to be whole. */
static const struct ldc_config *see(const char *text)
{
    folder_write(vms, "config/leidian1.config", text);
    uint64_t began = clock_mono_ms();
    do {
        cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    } while (!(ldc_configs_find(&configs, 1)->stamp & 1) && clock_mono_ms() - began < 10000);
    return ldc_configs_find(&configs, 1);
}

static const char good[] = "{\"statusSettings.playerName\":\"mine\","
                           "\"advancedSettings.cpuCount\":4,\"basicSettings.realWidth\":900}";

static void expect_restored(const char *text)
{
    char *disk_id cleanup(mem_freep) = mem_strdup(ldc_configs_find(&configs, 1)->disk_id);
    cr_expect_eq(ldc_config_restore(copies, path, 1, disk_id), 0);
    char *now cleanup(mem_freep) = folder_read(vms, "config/leidian1.config");
    cr_expect_str_eq(now, text);
}

Test(ldc_config_keep, what_was_lost_is_said_and_can_be_put_back)
{
    static const struct {
        const char *text, *loss;
    } bad[] = {
        {"{\"statusSettings.playerName\":\"mi", "it cannot be read any more"},
        {"{\"statusSettings.playerName\":\"mine\",\"basicSettings.realWidth\":0}",
         "it was cut off (cpu)"},
        {"{\"statusSettings.isNewPlayer\":true,\"advancedSettings.cpuCount\":2}",
         "it was reset (name, cpu)"},
        {"{\"statusSettings.isNewPlayer\":true,\"statusSettings.playerName\":\"LDPlayer\","
         "\"advancedSettings.cpuCount\":2}",
         "it was reset (name, cpu)"},
        {"{\"statusSettings.isNewPlayer\":true,\"statusSettings.playerName\":\"雷电模拟器\","
         "\"advancedSettings.cpuCount\":2}",
         "it was reset (name, cpu)"},
        {"{\"statusSettings.isNewPlayer\":true,\"statusSettings.playerName\":\"LSPlayer-1\","
         "\"advancedSettings.cpuCount\":2}",
         "it was reset (name, cpu)"},
    };
    cr_expect_str_eq(see(good)->loss, "");
    for (size_t i = 0; i < countof(bad); i++) {
        cr_expect_str_eq(see(bad[i].text)->loss, bad[i].loss);
        expect_restored(good);
        char *former cleanup(mem_freep) = folder_read(vms, "config/leidian1.config.ldplayerd.bak");
        cr_expect_str_eq(former, bad[i].text);
        cr_expect_str_eq(see(good)->loss, "", "%s", bad[i].text);
    }
}

/* As zip and cp -p write it, and a clock that was wrong. */
Test(ldc_config_keep, the_time_of_the_file_says_nothing)
{
    static const char older[] = "{\"statusSettings.playerName\":\"older\"}";
    uv_fs_t req;
    (void)see(good);
    folder_write(vms, "config/leidian1.config", "{\"statusSettings.playerName\":\"mi");
    uv_fs_utime(NULL, &req, path, 1e9, 1e9, NULL);
    uv_fs_req_cleanup(&req);
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    cr_expect_str_eq(ldc_configs_find(&configs, 1)->loss, "it cannot be read any more");
    folder_write(vms, "config/leidian1.config", older);
    uv_fs_utime(NULL, &req, path, 1e9, 1e9, NULL);
    uv_fs_req_cleanup(&req);
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    (void)see("{");
    expect_restored(older);
}

Test(ldc_config_keep, what_somebody_changes_is_the_next_copy)
{
    static const char renamed[] = "{\"statusSettings.playerName\":\"yours\"}";
    (void)see(good);
    cr_expect_str_eq(see(renamed)->loss, "");
    (void)see("{");
    expect_restored(renamed);
}

Test(ldc_config_keep, one_without_a_name_is_reset_when_it_takes_itself_for_new_again)
{
    static const char old[] =
        "{\"statusSettings.isNewPlayer\":false,\"advancedSettings.cpuCount\":4}";
    cr_expect_str_eq(see("{\"statusSettings.isNewPlayer\":true}")->loss, "");
    cr_expect_str_eq(see(old)->loss, "", "a new one is one no longer");
    cr_expect_str_eq(see("{\"statusSettings.isNewPlayer\":true}")->loss, "it was reset (cpu)");
    expect_restored(old);
}

/* What one was, is after its reset, and is after somebody's change of that. */
#define WAS                                                                                        \
    "{\"statusSettings.playerName\":\"mine\",\"statusSettings.isNewPlayer\":false,"                \
    "\"propertySettings.phoneAndroidId\":\"0123456789abcdef\",\"advancedSettings.cpuCount\":4}"
#define RESET                                                                                      \
    "{\"statusSettings.isNewPlayer\":true,\"propertySettings.phoneAndroidId\":\"fedcba9876543210\""
#define FILLED RESET ",\"advancedSettings.cpuCount\":2,\"basicSettings.adbDebug\":1}"

Test(ldc_config_keep, what_somebody_sets_after_a_reset_is_no_loss)
{
    static const struct {
        const char *what, *text;
        bool is_lost;
    } cases[] = {
        {"the same", FILLED, true},
        {"filled in by the boot",
         RESET ",\"advancedSettings.cpuCount\":2,"
               "\"basicSettings.adbDebug\":1,\"basicSettings.fps\":60,"
               "\"advancedSettings.memorySize\":2048}",
         true},
        {"reset further",
         RESET ",\"advancedSettings.cpuCount\":2,\"basicSettings.adbDebug\":0,"
               "\"advancedSettings.resolution\":{\"width\":1920,\"height\":1080},"
               "\"advancedSettings.resolutionDpi\":280}",
         true},
        {"named", RESET ",\"statusSettings.playerName\":\"yours\"}", false},
        {"set", RESET ",\"advancedSettings.cpuCount\":3,\"basicSettings.adbDebug\":1}", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        cr_expect_str_eq(see(WAS)->loss, "", "%s", cases[i].what);
        cr_expect_str_eq(see(RESET "}")->loss, "it was reset (name, cpu, android_id)");
        cr_expect_str_eq(see(FILLED)->loss, "it was reset (name, cpu, android_id)");
        cr_expect_eq(see(cases[i].text)->loss[0] != '\0', cases[i].is_lost, "%s: %s", cases[i].what,
                     see(cases[i].text)->loss);
        (void)see("{");
        expect_restored(cases[i].is_lost ? WAS : cases[i].text);
    }
}

Test(ldc_config_keep, a_name_that_somebody_takes_away_is_no_loss)
{
    (void)see(WAS);
    cr_expect_str_eq(see("{\"statusSettings.isNewPlayer\":false,"
                         "\"propertySettings.phoneAndroidId\":\"0123456789abcdef\","
                         "\"advancedSettings.cpuCount\":3}")
                         ->loss,
                     "");
}

Test(ldc_config_keep, another_machine_without_a_name_is_reset)
{
    (void)see(WAS);
    cr_expect_str_eq(see("{\"statusSettings.playerName\":\"LDPlayer\","
                         "\"propertySettings.phoneAndroidId\":\"fedcba9876543210\","
                         "\"advancedSettings.cpuCount\":4}")
                         ->loss,
                     "it was reset (name, android_id)");
}

Test(ldc_config_keep, one_that_was_bad_from_the_beginning_has_lost_nothing)
{
    cr_expect_str_eq(see("{\"a\"")->loss, "");
    cr_expect_eq(ldc_config_restore(copies, path, 1, ldc_configs_find(&configs, 1)->disk_id),
                 UV_ENOENT);
}

Test(ldc_config_keep, the_copy_belongs_to_the_disk_and_goes_with_it)
{
    (void)see(good);
    char *first cleanup(mem_freep) = mem_strdup(ldc_configs_find(&configs, 1)->disk_id);
    folder_write(vms, "leidian1/data.vmdk", "another");
    cr_expect_str_eq(see("{}")->loss, "", "another instance, with another disk");
    cr_expect_str_neq(ldc_configs_find(&configs, 1)->disk_id, first);
    char *disk cleanup(mem_freep) = fs_join(vms, "leidian1/data.vmdk");
    size_t before = folder_count(copies);
    cr_expect_eq(fs_remove(disk), 0);
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    cr_expect_eq(folder_count(copies), before, "its config is there");
    cr_expect_eq(fs_remove(path), 0);
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    cr_expect_eq(configs.n_items, 0);
}

/* As by a hard link: each has its own copy, and what one never had it has not lost. */
Test(ldc_config_keep, a_disk_that_two_indexes_name_keeps_a_copy_for_each)
{
    uv_fs_t req;
    (void)see(good);
    char *disk cleanup(mem_freep) = fs_join(vms, "leidian1/data.vmdk");
    char *second cleanup(mem_freep) = fs_join(vms, "leidian5/data.vmdk");
    folder_write(vms, "leidian5/data.vmdk", "");
    cr_assert_eq(fs_remove(second), 0);
    cr_assert_eq(uv_fs_link(NULL, &req, disk, second, NULL), 0);
    uv_fs_req_cleanup(&req);
    folder_write(vms, "config/leidian5.config", "{\"statusSettings.isNewPlayer\":true}");
    const struct ldc_config *other;
    uint64_t began = clock_mono_ms();
    do {
        cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
        other = ldc_configs_find(&configs, 5);
    } while (!(other->stamp & 1) && clock_mono_ms() - began < 10000);
    cr_assert_str_eq(other->disk_id, ldc_configs_find(&configs, 1)->disk_id);
    cr_expect_str_eq(other->loss, "", "it never had a name");

    char *config cleanup(mem_freep) = ldc_configs_path(vms, 5);
    cr_expect_eq(fs_remove(config), 0);
    cr_expect_eq(fs_remove(second), 0);
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    cr_expect_null(ldc_configs_find(&configs, 5));
    expect_restored(good);
}

static void put_old(int index)
{
    uv_fs_t req;
    char *disk cleanup(mem_freep) = mem_printf("leidian%d/data.vmdk", index);
    char *config cleanup(mem_freep) = mem_printf("config/leidian%d.config", index);
    char *name cleanup(mem_freep) = ldc_configs_path(vms, index);
    folder_write(vms, disk, "disk");
    folder_write(vms, config, good);
    cr_assert_eq(uv_fs_utime(NULL, &req, name, 1700000000, 1700000000, NULL), 0);
    uv_fs_req_cleanup(&req);
}

Test(ldc_config_keep, many_are_copied_over_several_looks)
{
    for (int i = 0; i < 300; i++)
        put_old(i);
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    cr_expect_eq(folder_count(copies), 256);
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    cr_expect_eq(folder_count(copies), 300);
}
