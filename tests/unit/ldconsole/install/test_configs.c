/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "ldconsole/install/configs.h"
#include "tests/support/folder.h"

static char *vms;
static struct ldc_configs configs;

static void set_up(void)
{
    vms = folder_make();
}

static void tear_down(void)
{
    ldc_configs_deinit(&configs);
    folder_remove(vms);
}

TestSuite(ldc_configs, .init = set_up, .fini = tear_down);

static void write_config(int index, const char *name)
{
    char *path cleanup(mem_freep) = mem_printf("config/leidian%d.config", index);
    char *text cleanup(mem_freep) = mem_printf("{\"statusSettings.playerName\": \"%s\"}", name);
    folder_write(vms, path, text);
}

static void remove_file(const char *name)
{
    uv_fs_t req;
    char *path cleanup(mem_freep) = fs_join(vms, name);
    cr_assert_eq(uv_fs_unlink(NULL, &req, path, NULL), 0);
    uv_fs_req_cleanup(&req);
}

static void assert_name(int index, const char *name)
{
    const struct ldc_config *config = ldc_configs_find(&configs, index);
    cr_assert_not_null(config, "no config %d", index);
    cr_assert_str_eq(config->player_name, name);
}

Test(ldc_configs, finds_the_files_of_instances_and_no_others)
{
    write_config(10, "ten");
    write_config(2, "two");
    write_config(0, "zero");
    folder_write(vms, "config/leidians.config", "{}");
    folder_write(vms, "config/leidian2.config.resbak", "{}");
    folder_write(vms, "config/leidian.config", "{}");
    folder_write(vms, "config/leidian-1.config", "{}");
    folder_write(vms, "config/leidian12345678901.config", "{}");
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    cr_assert_eq(configs.n_items, 3);
    cr_assert_eq(configs.items[0].index, 0);
    cr_assert_eq(configs.items[1].index, 2);
    cr_assert_eq(configs.items[2].index, 10);
    assert_name(2, "two");
    cr_assert_null(ldc_configs_find(&configs, 1));
    cr_assert_null(ldc_configs_find(&configs, 11));
}

Test(ldc_configs, follows_changes_additions_and_removals)
{
    write_config(0, "zero");
    write_config(1, "one");
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    write_config(0, "null");
    write_config(2, "two");
    remove_file("config/leidian1.config");
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    cr_assert_eq(configs.n_items, 2);
    assert_name(0, "null");
    assert_name(2, "two");
}

Test(ldc_configs, sees_a_change_within_one_tick_of_the_file_systems_clock)
{
    for (int i = 0; i < 50; i++) {
        char name[8];
        snprintf(name, sizeof(name), "n%02d", i);
        write_config(0, name);
        cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
        assert_name(0, name);
    }
}

static void set_times(const char *name, double time)
{
    uv_fs_t req;
    char *path cleanup(mem_freep) = fs_join(vms, name);
    cr_assert_eq(uv_fs_utime(NULL, &req, path, time, time, NULL), 0);
    uv_fs_req_cleanup(&req);
}

Test(ldc_configs, does_not_read_again_what_did_not_change)
{
    write_config(0, "zero");
    set_times("config/leidian0.config", 1700000000);
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    strcpy(configs.items[0].player_name, "kept");
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    assert_name(0, "kept");
    set_times("config/leidian0.config", 1700000001);
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    assert_name(0, "zero");
}

Test(ldc_configs, keeps_what_it_knows_when_others_come_and_go)
{
    write_config(5, "five");
    set_times("config/leidian5.config", 1700000000);
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    strcpy(configs.items[0].player_name, "kept");
    write_config(1, "one");
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    assert_name(5, "kept");
    assert_name(1, "one");
}

Test(ldc_configs, says_which_files_cannot_be_read)
{
    folder_write(vms, "config/leidian0.config", "{\"cut");
    write_config(1, "one");
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    cr_assert_not(ldc_configs_find(&configs, 0)->is_readable);
    cr_assert(ldc_configs_find(&configs, 1)->is_readable);
}

Test(ldc_configs, tells_a_disk_from_its_successor)
{
    char disk_id[64];
    write_config(0, "zero");
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    cr_assert_str_eq(configs.items[0].disk_id, "");
    folder_write(vms, "leidian0/data.vmdk", "first");
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    strcpy(disk_id, configs.items[0].disk_id);
    cr_assert_str_neq(disk_id, "");
    set_times("leidian0/data.vmdk", 1700000000);
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    cr_assert_str_eq(configs.items[0].disk_id, disk_id, "use does not change it");
    folder_write(vms, "leidian0/data.vmdk", "second");
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    cr_assert_str_neq(configs.items[0].disk_id, disk_id);
}

Test(ldc_configs, a_file_that_is_away_is_remembered_while_its_disk_is_there)
{
    write_config(0, "zero");
    write_config(1, "one");
    folder_write(vms, "leidian1/data.vmdk", "first");
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    cr_assert_not(configs.items[1].is_missing);
    remove_file("config/leidian0.config");
    remove_file("config/leidian1.config");
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    cr_assert_eq(configs.n_items, 1);
    cr_assert_eq(configs.items[0].index, 1);
    cr_assert(configs.items[0].is_missing);
    cr_assert_str_neq(configs.items[0].disk_id, "");
    remove_file("leidian1/data.vmdk");
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    cr_assert_eq(configs.n_items, 0);
}

Test(ldc_configs, is_empty_when_the_folder_cannot_be_read)
{
    write_config(0, "zero");
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    cr_assert_eq(ldc_configs_refresh(&configs, "/nowhere"), UV_ENOENT);
    cr_assert_eq(configs.n_items, 0);
}

static void append(const char *name, const char *text)
{
    char *path cleanup(mem_freep) = fs_join(vms, name);
    FILE *file = fopen(path, "ab");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static int64_t disk_bytes(int index)
{
    cr_assert_eq(ldc_configs_refresh(&configs, vms), 0);
    return ldc_configs_find(&configs, index)->disk_bytes;
}

Test(ldc_configs, tells_how_large_the_disks_are_as_they_come)
{
    write_config(1, "one");
    cr_expect_eq(disk_bytes(1), -1);
    folder_write(vms, "leidian1/system.vmdk", "12345");
    cr_expect_eq(disk_bytes(1), -1, "without data.vmdk there is none");
    folder_write(vms, "leidian1/data.vmdk", "123");
    cr_expect_eq(disk_bytes(1), 8);
    char *disk_id cleanup(mem_freep) = mem_strdup(ldc_configs_find(&configs, 1)->disk_id);
    append("leidian1/data.vmdk", "4");
    cr_expect_eq(ldc_configs_find(&configs, 1)->n_disks, 2);
    folder_write(vms, "leidian1/sdcard.vmdk", "1");
    cr_expect_eq(disk_bytes(1), 10);
    cr_expect_eq(ldc_configs_find(&configs, 1)->n_disks, 3);
    cr_expect_str_eq(ldc_configs_find(&configs, 1)->disk_id, disk_id, "it is the same disk");
    remove_file("leidian1/data.vmdk");
    cr_expect_eq(disk_bytes(1), -1);
    cr_expect_eq(ldc_configs_find(&configs, 1)->n_disks, 0);
}

/* As where a copy makes its file large first, and fills it. */
Test(ldc_configs, tells_that_a_disk_is_written_to_although_it_stays_as_large)
{
    write_config(1, "one");
    folder_write(vms, "leidian1/data.vmdk", "0000");
    cr_expect_eq(disk_bytes(1), 4);
    uint64_t before = ldc_configs_find(&configs, 1)->disk_time;
    cr_expect_eq(disk_bytes(1), 4);
    cr_expect_eq(ldc_configs_find(&configs, 1)->disk_time, before);
    uv_sleep(20); /* file systems have a coarser clock */
    char *path cleanup(mem_freep) = fs_join(vms, "leidian1/data.vmdk");
    FILE *file = fopen(path, "r+b");
    cr_assert(file && fputs("disk", file) >= 0 && fclose(file) == 0);
    cr_expect_eq(disk_bytes(1), 4);
    cr_expect_neq(ldc_configs_find(&configs, 1)->disk_time, before);
}
