/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "ldconsole/install/config_file.h"
#include "tests/support/folder.h"

static struct ldc_config config;

static int parse(const char *text)
{
    return ldc_config_parse(text, strlen(text), &config);
}

static char *data(const char *name)
{
    char *path cleanup(mem_freep) = mem_printf("ldconsole/config/%s.config", name);
    char *text = folder_read(getenv("LDPLAYERD_TEST_DATA"), path);
    cr_assert_not_null(text, "%s", path);
    return text;
}

Test(ldc_config, reads_what_the_player_writes)
{
    char *text cleanup(mem_freep) = data("ld9-used");
    cr_assert_eq(parse(text), 0);
    const struct ldc_setting_value *v = config.settings.values;
    cr_assert(config.is_readable);
    cr_assert_not(config.is_truncated);
    cr_assert_str_eq(config.player_name, "雷电 one, \"two\"");
    cr_assert_eq(config.adb_debug, 1);
    cr_assert(config.settings.has_resolution);
    cr_assert_eq(config.settings.width, 960);
    cr_assert_eq(config.settings.height, 540);
    cr_assert_eq(config.settings.dpi, 160);
    cr_assert_eq(v[LDC_SETTING_CPU].number, 4);
    cr_assert_eq(v[LDC_SETTING_MEMORY_MB].number, 2048);
    cr_assert_str_eq(v[LDC_SETTING_MODEL].text, "SM-S9110");
    cr_assert_str_eq(v[LDC_SETTING_MAC].text, "00DBBF9A087E");
    cr_assert_eq(v[LDC_SETTING_ROOT].number, 1);
    cr_assert(v[LDC_SETTING_LOCK_WINDOW].is_set);
    cr_assert_eq(v[LDC_SETTING_LOCK_WINDOW].number, 0);
}

Test(ldc_config, a_sparse_file_leaves_the_rest_unset)
{
    cr_assert_eq(parse("\xef\xbb\xbf{\r\n    \"propertySettings.phoneIMEI\": \"1\"\r\n}"), 0);
    cr_assert(config.is_readable);
    cr_assert_str_eq(config.player_name, "");
    cr_assert_eq(config.adb_debug, -1);
    cr_assert_not(config.settings.has_resolution);
    cr_assert_not(config.settings.values[LDC_SETTING_CPU].is_set);
    cr_assert(config.settings.values[LDC_SETTING_IMEI].is_set);
    cr_assert_not(config.is_truncated, "absent sizes are normal");
}

Test(ldc_config, ignores_values_of_a_wrong_type)
{
    cr_assert_eq(parse("{\"advancedSettings.cpuCount\":\"4\",\"statusSettings.playerName\":7,"
                       "\"advancedSettings.resolution\":\"960x540\",\"basicSettings.rootMode\":1,"
                       "\"propertySettings.phoneModel\":null,\"basicSettings.adbDebug\":true}"),
                 0);
    cr_assert_not(config.settings.values[LDC_SETTING_CPU].is_set);
    cr_assert_not(config.settings.values[LDC_SETTING_MODEL].is_set);
    cr_assert_eq(config.settings.values[LDC_SETTING_ROOT].number, 1);
    cr_assert_not(config.settings.has_resolution);
    cr_assert_str_eq(config.player_name, "");
    cr_assert_eq(config.adb_debug, -1);
}

Test(ldc_config, knows_the_sign_of_a_killed_player)
{
    cr_assert_eq(parse("{\"basicSettings.realWidth\":0,\"basicSettings.realHeigh\":0}"), 0);
    cr_assert(config.is_truncated);
}

Test(ldc_config, forgets_everything_when_the_file_is_no_json_object)
{
    static const char *const bad[] = {"",
                                      "\xef\xbb\xbf",
                                      "{",
                                      "[]",
                                      "null",
                                      "{\"a\":\"\xff\"}",
                                      "{\"statusSettings.playerName\":\"x\""};
    for (size_t i = 0; i < countof(bad); i++) {
        cr_assert_eq(parse("{\"statusSettings.playerName\":\"x\",\"basicSettings.adbDebug\":1}"),
                     0);
        config.index = 5;
        cr_assert_eq(parse(bad[i]), UV_EINVAL, "case %zu", i);
        cr_assert_not(config.is_readable);
        cr_assert_str_eq(config.player_name, "");
        cr_assert_eq(config.adb_debug, -1);
        cr_assert_eq(config.index, 5, "index, disk_id and stamp are not the text's");
    }
}

static char *folder;

static void make_folder(void)
{
    folder = folder_make();
}

static void remove_folder(void)
{
    folder_remove(folder);
}

TestSuite(ldc_config_set, .init = make_folder, .fini = remove_folder);

static int set(const char *before, const char *key, const char *value)
{
    char *path cleanup(mem_freep) = fs_join(folder, "c");
    folder_write(folder, "c", before);
    return ldc_config_set(path, key, value);
}

static void assert_file(const char *name, const char *text)
{
    char *found cleanup(mem_freep) = folder_read(folder, name);
    cr_assert_not_null(found, "%s", name);
    cr_assert_str_eq(found, text);
}

Test(ldc_config_set, changes_one_value_and_keeps_the_rest_as_it_was)
{
    char *before cleanup(mem_freep) = data("ld9-used");
    char *after cleanup(mem_freep) = data("ld9-used-adb-off");
    cr_assert_eq(set(before, "basicSettings.adbDebug", "0"), 0);
    assert_file("c", after);
    assert_file("c.ldplayerd.bak", before);
    cr_assert_eq(folder_count(folder), 2, "no temporary file is left");
}

Test(ldc_config_set, appends_a_key_that_is_not_there)
{
    cr_assert_eq(set("\xef\xbb\xbf{\"a\":1.50}", "b", "{\"width\":1}"), 0);
    assert_file("c", "{\r\n    \"a\": 1.50,\r\n    \"b\": {\r\n        \"width\": 1\r\n    }\r\n}");
}

Test(ldc_config_set, keeps_line_ends_within_strings_escaped)
{
    cr_assert_eq(set("{\"a\":\"x\\ny\"}", "b", "\"z\""), 0);
    assert_file("c", "{\r\n    \"a\": \"x\\ny\",\r\n    \"b\": \"z\"\r\n}");
}

Test(ldc_config_set, leaves_a_file_alone_that_it_does_not_understand)
{
    cr_assert_eq(set("{\"a\":", "b", "1"), UV_EINVAL);
    assert_file("c", "{\"a\":");
    cr_assert_eq(set("[1]", "b", "1"), UV_EINVAL);
    cr_assert_eq(set("", "b", "1"), UV_EINVAL);
    cr_assert_eq(set("{}", "b", "{"), UV_EINVAL);
    assert_file("c", "{}");
    cr_assert_eq(folder_count(folder), 1);
}

Test(ldc_config_set, says_that_there_is_no_file)
{
    char *path cleanup(mem_freep) = fs_join(folder, "none");
    cr_assert_eq(ldc_config_set(path, "a", "1"), UV_ENOENT);
    cr_assert_eq(folder_count(folder), 0);
}
