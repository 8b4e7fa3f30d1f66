/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/json.h"
#include "ldconsole/verbs/settings.h"

static struct ldc_settings settings;
static const struct ldc_settings *actual_settings;
static struct ldc_setting_error errors[4];

static size_t read_settings(const char *json)
{
    yyjson_doc *doc cleanup(json_doc_freep) = yyjson_read(json, strlen(json), 0);
    cr_assert_not_null(doc, "%s", json);
    memset(errors, 0, sizeof(errors));
    return ldc_settings_from_json(&settings, yyjson_doc_get_root(doc), actual_settings, errors,
                                  countof(errors));
}

static size_t read_resolution(const char *json)
{
    yyjson_doc *doc cleanup(json_doc_freep) = yyjson_read(json, strlen(json), 0);
    cr_assert_not_null(doc, "%s", json);
    memset(errors, 0, sizeof(errors));
    return ldc_settings_resolution_from_json(&settings, yyjson_doc_get_root(doc), errors,
                                             countof(errors));
}

static char *flags(void)
{
    struct argv argv;
    argv_init(&argv);
    ldc_settings_append_flags(&settings, &argv);
    char *text = argv_format(&argv);
    argv_deinit(&argv);
    return text;
}

static const char all[] =
    "{\"cpu\":2,\"memory_mb\":4096,\"manufacturer\":\"samsung\",\"model\":\"SM-S9110\","
    "\"phone_number\":\"13800000000\",\"imei\":\"010067020670557\",\"imsi\":\"auto\","
    "\"sim_serial\":\"89860026099371928981\",\"android_id\":\"6ecae0a3a8a21868\","
    "\"mac\":\"00DBBF9A087E\",\"auto_rotate\":true,\"lock_window\":false,\"root\":true}";

Test(ldc_settings, become_flags_of_modify)
{
    cr_assert_eq(read_settings(all), 0, "%s %s", errors[0].field, errors[0].rule);
    char *text cleanup(mem_freep) = flags();
    cr_assert_str_eq(text, "--cpu 2 --memory 4096 --manufacturer samsung --model SM-S9110 "
                           "--pnumber 13800000000 --imei 010067020670557 --imsi auto "
                           "--simserial 89860026099371928981 --androidid 6ecae0a3a8a21868 "
                           "--mac 00DBBF9A087E --autorotate 1 --lockwindow 0 --root 1");
}

Test(ldc_settings, are_written_as_they_were_read)
{
    cr_assert_eq(read_settings(all), 0);
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(doc, ldc_settings_to_json(doc, &settings));
    char *text cleanup(mem_freep) = json_write(doc);
    cr_assert_str_eq(text, all);
}

Test(ldc_settings, that_are_not_named_stay_as_they_are)
{
    cr_assert(ldc_settings_is_empty(&settings));
    cr_assert_eq(read_settings("{\"cpu\":2}"), 0);
    cr_assert_eq(read_settings("{\"root\":false}"), 0);
    char *text cleanup(mem_freep) = flags();
    cr_assert_str_eq(text, "--cpu 2 --root 0");
    cr_assert_not(ldc_settings_is_empty(&settings));
}

Test(ldc_settings, refuse_values_ldconsole_would_not_take)
{
    static const struct {
        const char *json, *field;
    } bad[] = {
        {"{\"cpu\":5}", "cpu"},
        {"{\"cpu\":0}", "cpu"},
        {"{\"cpu\":-1}", "cpu"},
        {"{\"cpu\":2.0}", "cpu"},
        {"{\"cpu\":\"2\"}", "cpu"},
        {"{\"cpu\":18446744073709551615}", "cpu"},
        {"{\"memory_mb\":100}", "memory_mb"},
        {"{\"memory_mb\":null}", "memory_mb"},
        {"{\"imei\":\"12345678901234\"}", "imei"},
        {"{\"imei\":\"12345678901234x\"}", "imei"},
        {"{\"imei\":\"AUTO\"}", "imei"},
        {"{\"imei\":123456789012345}", "imei"},
        {"{\"sim_serial\":\"8986002609937192898\"}", "sim_serial"},
        {"{\"android_id\":\"6ecae0a3a8a2186g\"}", "android_id"},
        {"{\"mac\":\"00:DB:BF:9A:08:7E\"}", "mac"},
        {"{\"model\":\"\"}", "model"},
        {"{\"model\":\"-x\"}", "model"},
        {"{\"model\":\"a\\\"b\"}", "model"},
        {"{\"model\":\"a\\u0000b\"}", "model"},
        {"{\"model\":\"a\\u0085b\"}", "model"},
        {"{\"root\":1}", "root"},
        {"{\"root\":\"true\"}", "root"},
        {"{\"adb\":true}", "adb"},
        {"{\"adb_debug\":1}", "adb_debug"},
        {"{\"adb_debug\":\"on\"}", "adb_debug"},
        {"{\"adb_debug\":\"auto\"}", "adb_debug"},
        {"{\"cpu\\u0000\":2}", "cpu"},
        {"[]", "settings"},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        cr_assert_eq(read_settings(bad[i].json), 1, "%s", bad[i].json);
        cr_assert_str_eq(errors[0].field, bad[i].field);
        cr_assert_str_neq(errors[0].rule, "");
        cr_assert(ldc_settings_is_empty(&settings), "%s", bad[i].json);
    }
}

Test(ldc_settings, say_adb_debugging_in_words_and_give_modify_nothing_of_it)
{
    static const char *const json[] = {"{\"adb_debug\":\"off\"}", "{\"adb_debug\":\"local\"}",
                                       "{\"adb_debug\":\"remote\"}"};
    for (int i = 0; i < (int)countof(json); i++) {
        cr_assert_eq(read_settings(json[i]), 0);
        cr_assert_eq(ldc_settings_adb_debug(&settings), i);
        char *text cleanup(mem_freep) = flags();
        cr_assert_str_eq(text, "");
        struct ldc_settings same = {0};
        ldc_settings_set_adb_debug(&same, i);
        const char *differing;
        cr_assert(ldc_settings_hold(&settings, NULL, &same, &differing));
    }
    ldc_settings_set_adb_debug(&settings, 3);
    cr_assert_eq(ldc_settings_adb_debug(&settings), -1);
    ldc_settings_set_adb_debug(&settings, -1);
    cr_assert(ldc_settings_is_empty(&settings));
}

Test(ldc_settings, accept_free_text_up_to_64_bytes)
{
    char json[128];
    snprintf(json, sizeof(json), "{\"model\":\"%064d\"}", 0);
    cr_assert_eq(read_settings(json), 0);
    cr_assert_eq(strlen(settings.values[LDC_SETTING_MODEL].text), 64);
    snprintf(json, sizeof(json), "{\"model\":\"%065d\"}", 0);
    cr_assert_eq(read_settings(json), 1);
}

Test(ldc_settings, count_all_refusals_but_keep_only_what_fits)
{
    cr_assert_eq(read_settings("{\"cpu\":9,\"root\":9,\"imei\":9,\"imsi\":9,\"mac\":9,\"x\":9}"),
                 6);
    cr_assert_str_eq(errors[0].field, "cpu");
    cr_assert_str_eq(errors[3].field, "imsi");
}

Test(ldc_settings, take_a_resolution_only_whole)
{
    cr_assert_eq(read_resolution("{\"width\":1280,\"height\":720,\"dpi\":240}"), 0);
    char *text cleanup(mem_freep) = flags();
    cr_assert_str_eq(text, "--resolution 1280,720,240");
    settings = (struct ldc_settings){0};
    cr_assert_eq(read_resolution("{\"width\":1280}"), 2);
    cr_assert_str_eq(errors[0].field, "resolution.height");
    cr_assert_str_eq(errors[1].field, "resolution.dpi");
    cr_assert_eq(read_resolution("{\"width\":0,\"height\":16385,\"dpi\":2001}"), 3);
    cr_assert_eq(read_resolution("{\"width\":1,\"height\":1,\"dpi\":1,\"depth\":24}"), 1);
    cr_assert_str_eq(errors[0].field, "depth");
    cr_assert_eq(read_resolution("\"1280x720\""), 1);
    cr_assert_str_eq(errors[0].field, "resolution");
    cr_assert_not(settings.has_resolution);
}

Test(ldc_settings, hold_when_everything_wanted_is_there)
{
    const char *name = NULL;
    cr_assert_eq(read_settings(all), 0);
    struct ldc_settings actual = settings, wanted = {0};
    cr_assert(ldc_settings_hold(&wanted, NULL, &actual, &name), "nothing is wanted");
    wanted.values[LDC_SETTING_CPU] = settings.values[LDC_SETTING_CPU];
    cr_assert(ldc_settings_hold(&wanted, NULL, &actual, &name));
    actual.values[LDC_SETTING_CPU].number = 3;
    cr_assert_not(ldc_settings_hold(&wanted, NULL, &actual, &name));
    cr_assert_str_eq(name, "cpu");
    actual.values[LDC_SETTING_CPU].is_set = false;
    cr_assert_not(ldc_settings_hold(&wanted, NULL, &actual, &name));
}

Test(ldc_settings, hexadecimal_values_hold_in_either_case_and_auto_holds_for_any)
{
    const char *name = NULL;
    cr_assert_eq(read_settings("{\"mac\":\"00dbbf9a087e\",\"imei\":\"auto\"}"), 0);
    struct ldc_settings wanted = settings;
    cr_assert_eq(read_settings("{\"mac\":\"00DBBF9A087E\",\"imei\":\"010067020670557\"}"), 0);
    cr_assert(ldc_settings_hold(&wanted, NULL, &settings, &name));
    struct ldc_settings before = settings;
    cr_assert_not(ldc_settings_hold(&wanted, &before, &settings, &name), "it is as it was");
    before.values[LDC_SETTING_IMEI].text[3] = '9';
    cr_assert(ldc_settings_hold(&wanted, &before, &settings, &name));
    settings.values[LDC_SETTING_IMEI].text[0] = '\0';
    cr_assert_not(ldc_settings_hold(&wanted, NULL, &settings, &name));
    cr_assert_str_eq(name, "imei");
}

Test(ldc_settings, a_resolution_holds_only_when_all_three_do)
{
    const char *name = NULL;
    struct ldc_settings wanted = {.has_resolution = true, .width = 1, .height = 2, .dpi = 3};
    struct ldc_settings actual = wanted;
    cr_assert(ldc_settings_hold(&wanted, NULL, &actual, &name));
    actual.dpi = 4;
    cr_assert_not(ldc_settings_hold(&wanted, NULL, &actual, &name));
    cr_assert_str_eq(name, "resolution");
    actual = (struct ldc_settings){0};
    cr_assert_not(ldc_settings_hold(&wanted, NULL, &actual, &name));
}

Test(ldc_settings, take_what_newer_versions_may_know_and_what_the_instance_has)
{
    struct ldc_settings actual = {0};
    const char *name = NULL;
    cr_assert_eq(read_settings("{\"cpu\":8,\"memory_mb\":6144}"), 0);
    cr_assert(ldc_settings_need_newer(&settings, NULL, &name));
    cr_assert_str_eq(name, "cpu");
    actual.values[LDC_SETTING_CPU] = (struct ldc_setting_value){.is_set = true, .number = 8};
    cr_assert(ldc_settings_need_newer(&settings, &actual, &name));
    cr_assert_str_eq(name, "memory_mb");
    actual.values[LDC_SETTING_MEMORY_MB] =
        (struct ldc_setting_value){.is_set = true, .number = 6144};
    cr_assert_not(ldc_settings_need_newer(&settings, &actual, &name));

    actual.values[LDC_SETTING_MEMORY_MB].number = 3000;
    actual.values[LDC_SETTING_CPU].number = 12;
    cr_assert_eq(read_settings("{\"cpu\":12,\"memory_mb\":3000}"), 2);
    actual_settings = &actual;
    cr_assert_eq(read_settings("{\"cpu\":12,\"memory_mb\":3000}"), 0);
    cr_assert_eq(read_settings("{\"cpu\":16,\"memory_mb\":\"3000\"}"), 2);
    cr_assert_eq(read_settings("{\"cpu\":4,\"root\":true}"), 0);
    ldc_settings_drop_numbers(&settings, &actual);
    char *text cleanup(mem_freep) = flags();
    cr_assert_str_eq(text, "--cpu 4 --root 1", "3000 is so and ldconsole would refuse it");
}

Test(ldc_settings, come_back_from_their_record_allowed_or_not)
{
    static const char record[] = "{\"cpu\":12,\"model\":\"-x\",\"root\":false}";
    yyjson_doc *doc cleanup(json_doc_freep) = yyjson_read(record, strlen(record), 0);
    ldc_settings_from_record(&settings, yyjson_doc_get_root(doc));
    yyjson_mut_doc *out cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(out, ldc_settings_to_json(out, &settings));
    char *text cleanup(mem_freep) = json_write(out);
    cr_assert_str_eq(text, record);
}

Test(ldc_settings, differ_by_name_and_can_be_taken_over)
{
    struct ldc_settings set = {0}, actual = {0};
    cr_assert_eq(read_settings("{\"cpu\":4,\"imei\":\"auto\"}"), 0);
    cr_assert_eq(read_resolution("{\"width\":1280,\"height\":720,\"dpi\":240}"), 0);
    actual.values[LDC_SETTING_CPU] = (struct ldc_setting_value){.is_set = true, .number = 4};
    actual.values[LDC_SETTING_IMEI] = (struct ldc_setting_value){.is_set = true, .text = "1"};
    actual.values[LDC_SETTING_ROOT] = (struct ldc_setting_value){.is_set = true, .number = 1};
    cr_assert_eq(ldc_settings_differing(&settings, NULL, &actual), 1u << LDC_SETTING_COUNT);
    cr_assert_str_eq(ldc_setting_name(LDC_SETTING_COUNT), "resolution");
    cr_assert_str_eq(ldc_setting_name(LDC_SETTING_CPU), "cpu");

    ldc_settings_take(&set, &settings, &actual);
    cr_assert_str_eq(set.values[LDC_SETTING_IMEI].text, "1", "what auto has made");
    cr_assert_not(set.values[LDC_SETTING_ROOT].is_set || set.has_resolution);
    actual.values[LDC_SETTING_CPU].number = 2;
    actual.values[LDC_SETTING_IMEI].is_set = false;
    cr_assert_eq(ldc_settings_differing(&set, NULL, &actual),
                 1u << LDC_SETTING_CPU | 1u << LDC_SETTING_IMEI);
    ldc_settings_take(&set, &settings, NULL);
    cr_assert(ldc_settings_is_empty(&set));
}

Test(ldc_setting_table, is_complete)
{
    for (int i = 0; i < LDC_SETTING_COUNT; i++) {
        const struct ldc_setting_info *info = &ldc_setting_table[i];
        cr_assert_not_null(info->name, "setting %d", i);
        cr_assert_eq(info->flag != NULL, i != LDC_SETTING_ADB_DEBUG, "%s", info->name);
        cr_assert(!info->flag || strncmp(info->flag, "--", 2) == 0, "%s", info->name);
        cr_assert_not_null(strchr(info->config_key, '.'), "%s", info->name);
        cr_assert_lt(strlen(info->rule), sizeof(errors[0].rule), "%s", info->name);
        cr_assert_lt(strlen(info->name), sizeof(errors[0].field), "%s", info->name);
        cr_assert_eq(info->type == LDC_SETTING_INT, info->allowed != NULL, "%s", info->name);
        cr_assert_eq(info->type == LDC_SETTING_INT, info->newer != NULL, "%s", info->name);
    }
}
