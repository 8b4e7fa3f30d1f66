/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "ldconsole/verbs/command.h"

static void assert_command(struct ldc_command *c, enum ldc_verb verb, const char *line)
{
    char *text cleanup(mem_freep) = argv_format(&c->args);
    cr_assert_eq(c->verb, verb);
    cr_assert_str_eq(text, line);
    ldc_command_deinit(c);
}

Test(ldc_command, builds_what_ldconsole_wants)
{
    struct ldc_command c;
    ldc_command_list2(&c);
    assert_command(&c, LDC_VERB_LIST2, "list2");
    ldc_command_launch(&c, 3, LDC_WINDOW_NORMAL);
    assert_command(&c, LDC_VERB_LAUNCH, "launch --index 3");
    ldc_command_launch(&c, 3, LDC_WINDOW_MINIMIZED);
    assert_command(&c, LDC_VERB_LAUNCH, "launch --index 3 --mini");
    ldc_command_launch(&c, 3, LDC_WINDOW_HIDDEN);
    assert_command(&c, LDC_VERB_LAUNCH, "launch --index 3 --hide");
    ldc_command_quit(&c, 0);
    assert_command(&c, LDC_VERB_QUIT, "quit --index 0");
    ldc_command_add(&c, "farm 1");
    assert_command(&c, LDC_VERB_ADD, "add --name \"farm 1\"");
    ldc_command_add(&c, NULL);
    assert_command(&c, LDC_VERB_ADD, "add");
    ldc_command_copy(&c, "twin", 12);
    assert_command(&c, LDC_VERB_COPY, "copy --name twin --from 12");
    ldc_command_copy(&c, NULL, 12);
    assert_command(&c, LDC_VERB_COPY, "copy --from 12");
    ldc_command_remove(&c, 7);
    assert_command(&c, LDC_VERB_REMOVE, "remove --index 7");
    ldc_command_rename(&c, 1, "a,b");
    assert_command(&c, LDC_VERB_RENAME, "rename --index 1 --title a,b");
}

Test(ldc_command, builds_modify_from_what_is_set)
{
    struct ldc_settings s = {.has_resolution = true, .width = 1280, .height = 720, .dpi = 240};
    struct ldc_command c;
    s.values[LDC_SETTING_CPU] = (struct ldc_setting_value){.is_set = true, .number = 4};
    s.values[LDC_SETTING_ROOT] = (struct ldc_setting_value){.is_set = true, .number = 1};
    ldc_command_modify(&c, 2, &s);
    assert_command(&c, LDC_VERB_MODIFY,
                   "modify --index 2 --resolution 1280,720,240 --cpu 4 --root 1");
}

Test(ldc_command, builds_guest_commands_without_a_verb)
{
    static const char *const args[] = {"getprop", "sys.boot_completed", NULL};
    struct ldc_command c;
    ldc_command_adb_shell(&c, "emulator-5554", args);
    assert_command(&c, LDC_VERB_ADB, "-s emulator-5554 shell getprop sys.boot_completed");
    ldc_command_ld_shell(&c, 4, "getprop sys.boot_completed");
    assert_command(&c, LDC_VERB_LD, "-s 4 \"getprop sys.boot_completed\"");
}

Test(ldc_verb_table, describes_every_verb)
{
    for (int i = 0; i < LDC_VERB_COUNT; i++) {
        const struct ldc_verb_info *info = &ldc_verb_table[i];
        cr_assert_not_null(info->name);
        cr_assert_gt(info->deadline_ms, 0, "%s", info->name);
        cr_assert_eq(info->class == LDC_CLASS_GUEST, info->program != LDC_PROGRAM_LDCONSOLE);
        cr_assert(!info->exit_is_index || info->class == LDC_CLASS_EXCLUSIVE);
    }
    cr_assert_not(ldc_verb_table[LDC_VERB_LIST2].is_mutating);
}

Test(ldc_title, accepts_what_ldconsole_can_be_given)
{
    static const char *const good[] = {"a",   "雷电模拟器-1", "a,b",     "it's", "😀",
                                       "007", "a - b",        "C:\\x\\", "100%"};
    for (size_t i = 0; i < countof(good); i++)
        cr_assert_null(ldc_title_refusal(good[i]), "%s", good[i]);
}

Test(ldc_title, refuses_the_rest_with_a_reason)
{
    static const struct {
        const char *title, *reason;
    } bad[] = {
        {"", "empty"},        {"\xff", "UTF-8"},         {"a\nb", "control"},
        {"a\x7f", "control"}, {"a\xc2\x85z", "control"}, {"-x", "'-'"},
        {"a\"b", "quotes"},   {" a", "space"},           {"a ", "space"},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        const char *reason = ldc_title_refusal(bad[i].title);
        cr_assert_not_null(reason, "case %zu", i);
        cr_assert(strstr(reason, bad[i].reason), "case %zu: %s", i, reason);
    }
}

Test(ldc_title, counts_characters_not_bytes)
{
    char title[64 * 4 + 8] = "";
    for (int i = 0; i < 64; i++)
        strcat(title, "😀");
    cr_assert_null(ldc_title_refusal(title), "64 characters, 256 bytes");
    strcat(title, "x");
    cr_assert_not_null(ldc_title_refusal(title));
}
