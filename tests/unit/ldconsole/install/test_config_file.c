/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"
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

Test(ldc_config, reads_values_as_they_are_found)
{
    static const char *const texts[] = {
        /* an LD3 file */
        "{\"basicSettings.mulFsAutoSize\": 2/8*9, \"advancedSettings.cpuCount\": 4,"
        "\"advancedSettings.memorySize\": 3072}",
        "{\"advancedSettings.cpuCount\":\"4\",\"advancedSettings.memorySize\":3072.0}",
        "{\"advancedSettings.cpuCount\": \" 4 \", \"advancedSettings.memorySize\": '3072.00'}",
        "{'advancedSettings.cpuCount': 4, 'advancedSettings.memorySize': 3072,}",
        "{, \"a\": NaN, \"advancedSettings.cpuCount\": 4,, \"b\": -Infinity,"
        "\"advancedSettings.memorySize\": 3072, \"c\": ,\"d\":}",
        "// by hand, \"quoted\"\r\n{\r\n/* one { */ \"advancedSettings.cpuCount\": 4, // four }\r\n"
        "\"advancedSettings.memorySize\": 3072 /* MB */\r\n} // end",
        "{\"x\":\"\x01\t\xff\xfe\",\"y\":\"\\\"}\",\"advancedSettings.cpuCount\":4,"
        "\"z\":[1,{\"n\":\"]\"}],\"advancedSettings.memorySize\":3072}\r\n",
        "{\"advancedSettings.cpuCount\":1,\"advancedSettings.cpuCount\":4,"
        "\"advancedSettings.memorySize\":3072}",
    };
    for (size_t i = 0; i < countof(texts); i++) {
        cr_assert_eq(parse(texts[i]), 0, "%s: %s", texts[i], config.fault);
        cr_assert_str_eq(config.fault, "", "%s", texts[i]);
        cr_assert(config.settings.values[LDC_SETTING_CPU].is_set, "%s", texts[i]);
        cr_assert_eq(config.settings.values[LDC_SETTING_CPU].number, 4, "%s", texts[i]);
        cr_assert_eq(config.settings.values[LDC_SETTING_MEMORY_MB].number, 3072, "%s", texts[i]);
    }
}

Test(ldc_config, reads_members_of_every_type_in_other_clothes)
{
    cr_assert_eq(
        parse("{\"statusSettings.playerName\":7,\"basicSettings.rootMode\":\"true\","
              "\"basicSettings.lockWindow\":\"0\",\"propertySettings.phoneModel\":null,"
              "\"propertySettings.phoneIMEI\":010067020670557,"
              "\"advancedSettings.resolution\":{\"width\":\"960\",\"height\":540.0},"
              "\"advancedSettings.resolutionDpi\":\"160\",\"basicSettings.adbDebug\":true}"),
        0);
    cr_assert_str_eq(config.fault, "");
    cr_assert_str_eq(config.player_name, "7");
    cr_assert_eq(config.settings.values[LDC_SETTING_ROOT].number, 1);
    cr_assert(config.settings.values[LDC_SETTING_LOCK_WINDOW].is_set);
    cr_assert_eq(config.settings.values[LDC_SETTING_LOCK_WINDOW].number, 0);
    cr_assert_not(config.settings.values[LDC_SETTING_MODEL].is_set);
    cr_assert_str_eq(config.settings.values[LDC_SETTING_IMEI].text, "010067020670557");
    cr_assert(config.settings.has_resolution);
    cr_assert_eq(config.settings.width, 960);
    cr_assert_eq(config.settings.dpi, 160);
    cr_assert_eq(config.adb_debug, 1);
}

Test(ldc_config, reads_a_title_whatever_it_has_in_it)
{
    static const struct {
        const char *text, *title;
    } cases[] = {
        {"\"a\\u96f7\\ud83d\\ude00\\n\\\"\\/\"", "a雷\xf0\x9f\x98\x80\n\"/"},
        {"\"\xc0\xd7\xb5\xe7\"", "雷电"},
        {"\"tab\there\x02\"", "tab\there\x02"},
        {"'it\\'s \"so\"'", "it's \"so\""},
        {"\"\\q\\ud83d\"", "\\q\\ud83d"},
        {"\"\"", ""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char *text cleanup(mem_freep) =
            mem_printf("{\"statusSettings.playerName\":%s}", cases[i].text);
        cr_assert_eq(parse(text), 0, "%s: %s", text, config.fault);
        cr_assert_str_eq(config.player_name, cases[i].title, "%s", text);
    }
}

Test(ldc_config, says_which_value_it_does_not_understand)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"{\r\n\"a\":1,\r\n\"advancedSettings.cpuCount\": 2/8*9}",
         "advancedSettings.cpuCount in line 3 is no whole number: 2/8*9"},
        {"{\"advancedSettings.memorySize\": 3072.5}",
         "advancedSettings.memorySize in line 1 is no whole number: 3072.5"},
        {"{\"basicSettings.rootMode\": \"perhaps\"}",
         "basicSettings.rootMode in line 1 is no true or false: \"perhaps\""},
        {"{\"advancedSettings.resolution\": \"960x540\"}",
         "advancedSettings.resolution in line 1 is no size of a screen: \"960x540\""},
        {"{\"propertySettings.phoneModel\": {\"a\":1}}",
         "propertySettings.phoneModel in line 1 is no text: {\"a\":1}"},
        {"{\"basicSettings.adbDebug\": \xff\"}",
         "cannot be parsed, line 1: a ',' or '}' was expected"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        (void)parse(cases[i].text);
        cr_assert_str_eq(config.fault, cases[i].fault);
        cr_assert_not(config.settings.values[LDC_SETTING_CPU].is_set);
    }
}

Test(ldc_config, says_where_it_cannot_be_parsed)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"", "line 1: there is nothing in it"},
        {"\0\0", "line 1: there is nothing in it"},
        {"[1]", "line 1: a '{' was expected"},
        {"{\r\n\"a\": 1", "line 2: the end is missing"},
        {"{\r\n\"a\": 1\r\n\"b\": 2\r\n}", "line 3: a ',' or '}' was expected"},
        {"{\r\n\"a\" 1}", "line 2: a ':' was expected"},
        {"{\r\na: 1}", "line 2: a name in quotes was expected"},
        {"{\r\n\"a\": \"x\r\n}", "line 2: a string is not closed"},
        {"{\r\n\"a\": {\"b\": 1\r\n\r\n", "line 2: a bracket is not closed"},
        {"{\"a\": ]}", "line 1: a value was expected"},
        {"{}\r\n}", "line 2: something follows the end"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char *fault cleanup(mem_freep) = mem_printf("cannot be parsed, %s", cases[i].fault);
        cr_assert_eq(parse(cases[i].text), UV_EINVAL, "%s", cases[i].text);
        cr_assert_not(config.is_readable);
        cr_assert_str_eq(config.fault, fault);
    }
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
                                      "{\"a\":\"\xff}",
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

Test(ldc_config_parse, reads_adb_debugging_as_a_setting)
{
    static const struct {
        const char *value;
        int number, setting;
    } cases[] = {{"0", 0, 0},     {"1", 1, 1},    {"2", 2, 2},  {"\"1\"", 1, 1},
                 {"false", 0, 0}, {"true", 1, 1}, {"3", 3, -1}, {"null", -1, -1}};
    for (size_t i = 0; i < countof(cases); i++) {
        char *text cleanup(mem_freep) =
            mem_printf("{\"basicSettings.adbDebug\":%s}", cases[i].value);
        cr_assert_eq(parse(text), 0);
        cr_assert_eq(config.adb_debug, cases[i].number, "%s", text);
        cr_assert_eq(ldc_settings_adb_debug(&config.settings), cases[i].setting, "%s", text);
    }
    cr_assert_eq(parse("{}"), 0);
    cr_assert_eq(ldc_settings_adb_debug(&config.settings), -1);
}

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
    static const struct {
        const char *before, *after;
    } cases[] = {
        {"\xef\xbb\xbf{\"a\":1.50}", "\xef\xbb\xbf{\"a\":1.50,\"b\":{\"width\":1}}"},
        {"{\r\n    \"a\": 1\r\n}\r\n", "{\r\n    \"a\": 1,\r\n    \"b\": {\"width\":1}\r\n}\r\n"},
        {"{\n\t\"a\" : 1, // one\n}", "{\n\t\"a\" : 1,\n\t\"b\": {\"width\":1}, // one\n}"},
        {"{ }", "{\"b\":{\"width\":1} }"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        cr_assert_eq(set(cases[i].before, "b", "{\"width\":1}"), 0);
        assert_file("c", cases[i].after);
    }
}

Test(ldc_config_set, keeps_what_it_does_not_understand)
{
    static const struct {
        const char *before, *after;
    } cases[] = {
        {"{\"m\": 2/8*9,\"b\":\"1\",\"x\":\"\xff\x01\"} // end",
         "{\"m\": 2/8*9,\"b\":0,\"x\":\"\xff\x01\"} // end"},
        {"{\"b\": 2/8*9 /* b */, 'c': 'd',,}", "{\"b\": 0 /* b */, 'c': 'd',,}"},
        {"{\"b\":,\"a\":{\"b\":1}}", "{\"b\":0,\"a\":{\"b\":1}}"},
        {"{\"b\":1,\"a\":7.10,\"b\": [2]}", "{\"b\":0,\"a\":7.10,\"b\": 0}"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        cr_assert_eq(set(cases[i].before, "b", "0"), 0);
        assert_file("c", cases[i].after);
        assert_file("c.ldplayerd.bak", cases[i].before);
    }
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

/* The next number of a row that is the same in every run. */
static unsigned draw(unsigned n)
{
    static uint64_t state = 20261126;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % n;
}

/* One byte becomes another, goes, or comes; or the end is cut off. */
static void damage(char *text, size_t *n)
{
    static const char marks[] = "\"'{}[],:\\/*\r\n 0a\xff";
    size_t at = draw((unsigned)*n);
    switch (draw(8)) {
    case 0:
        *n = at + 1;
        break;
    case 1:
        memmove(text + at, text + at + 1, *n - at - 1);
        *n -= *n > 1;
        break;
    default:
        text[at] = draw(2) ? marks[draw(sizeof(marks))] : (char)draw(256);
        break;
    }
}

/* In memory of just its size, so that a byte read behind it is one too many. */
static int parse_exactly(const char *text, size_t n)
{
    char *exact cleanup(mem_freep) = mem_alloc(n);
    memcpy(exact, text, n);
    int r = ldc_config_parse(exact, n, &config);
    cr_assert_eq(r == 0, config.is_readable);
    cr_assert(r == 0 || *config.fault);
    cr_assert(str_is_utf8(config.fault, strlen(config.fault)));
    cr_assert(str_is_utf8(config.player_name, strlen(config.player_name)));
    return r;
}

Test(ldc_config_set, bears_any_damage_and_changes_one_value_only)
{
    char *good cleanup(mem_freep) = data("ld9-used"),
               *path cleanup(mem_freep) = fs_join(folder, "c");
    size_t n_good = strlen(good), n_read = 0;
    char *text cleanup(mem_freep) = mem_alloc(n_good + 1);
    for (int round = 0; round < 4000; round++) {
        size_t n = n_good;
        memcpy(text, good, n);
        for (unsigned i = draw(4) + 1; i > 0; i--)
            damage(text, &n);
        int r = parse_exactly(text, n);
        /* Files are slow; parsing is what many rounds are for. */
        if (r < 0 || round % 10 > 0)
            continue;
        struct buf after cleanup(buf_deinit);
        buf_init(&after, 0);
        cr_assert_eq(fs_write_atomic(path, text, n), 0);
        cr_assert_eq(ldc_config_set(path, "basicSettings.adbDebug", "2"), 0);
        cr_assert_eq(fs_read(path, &after), 0);
        cr_assert_eq(parse_exactly(after.data, after.len), 0);
        cr_assert_eq(config.adb_debug, 2);
        size_t same = 0, same_end = 0;
        while (same < n && same < after.len && text[same] == after.data[same])
            same++;
        while (same + same_end < n && same + same_end < after.len &&
               text[n - 1 - same_end] == after.data[after.len - 1 - same_end])
            same_end++;
        cr_assert_leq(n - same - same_end, 8, "one value at most is gone");
        n_read++;
    }
    cr_assert_gt(n_read, 20, "%zu", n_read);
}

Test(ldc_config, says_that_a_file_cannot_be_read)
{
    ldc_config_read("/nowhere/leidian0.config", &config);
    cr_assert_not(config.is_readable);
    cr_assert_str_eq(config.fault, "cannot be read: no such file or directory");
}

Test(ldc_config_set, says_that_there_is_no_file)
{
    char *path cleanup(mem_freep) = fs_join(folder, "none");
    cr_assert_eq(ldc_config_set(path, "a", "1"), UV_ENOENT);
    cr_assert_eq(folder_count(folder), 0);
}

Test(ldc_config, shows_no_secrets_and_nothing_that_it_does_not_understand)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"{\"basicSettings.fps\": 60, \"statusSettings.playerName\": \"one\"}",
         "basicSettings.fps: 60\nstatusSettings.playerName: \"one\"\n"},
        {"{\"facebook\": \"a\", \"uuid\": {\"b\": 1}}", "facebook: (left out)\nuuid: (left out)\n"},
        {"{\"basicSettings.userToken\": \"a\", \"networkSettings.PASSWORD\": \"b\"}",
         "basicSettings.userToken: (left out)\nnetworkSettings.PASSWORD: (left out)\n"},
        {"{\"basicSettings.fps\": 60,\n\"e", "basicSettings.fps: 60\n(cannot be parsed, line 2: "},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct buf out cleanup(buf_deinit);
        buf_init(&out, 0);
        ldc_config_show(cases[i].text, strlen(cases[i].text), 1000, &out);
        cr_expect_eq(strncmp(out.data, cases[i].shown, strlen(cases[i].shown)), 0, "%s", out.data);
    }
}

Test(ldc_config, shows_no_more_than_it_may)
{
    struct buf out cleanup(buf_deinit);
    const char *text = "{\"basicSettings.a\": 1, \"basicSettings.b\": 2, \"basicSettings.c\": 3}";
    buf_init(&out, 0);
    ldc_config_show(text, strlen(text), 20, &out);
    cr_expect_str_eq(out.data, "basicSettings.a: 1\n(2 members more)\n");
}
