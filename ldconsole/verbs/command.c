/* SPDX-License-Identifier: MIT */
#include "ldconsole/verbs/command.h"

#include <string.h>

#include "base/text/str.h"

const struct ldc_verb_info ldc_verb_table[LDC_VERB_COUNT] = {
    [LDC_VERB_USAGE] = {"", LDC_PROGRAM_LDCONSOLE, LDC_CLASS_READ, 10000, false, false},
    [LDC_VERB_LIST2] = {"list2", LDC_PROGRAM_LDCONSOLE, LDC_CLASS_READ, 10000, false, false},
    [LDC_VERB_LAUNCH] = {"launch", LDC_PROGRAM_LDCONSOLE, LDC_CLASS_LAUNCH, 30000, true, false},
    [LDC_VERB_QUIT] = {"quit", LDC_PROGRAM_LDCONSOLE, LDC_CLASS_QUIT, 30000, true, false},
    [LDC_VERB_ADD] = {"add", LDC_PROGRAM_LDCONSOLE, LDC_CLASS_EXCLUSIVE, 60000, true, true},
    [LDC_VERB_COPY] = {"copy", LDC_PROGRAM_LDCONSOLE, LDC_CLASS_EXCLUSIVE, 900000, true, true},
    [LDC_VERB_REMOVE] = {"remove", LDC_PROGRAM_LDCONSOLE, LDC_CLASS_EXCLUSIVE, 30000, true, false},
    [LDC_VERB_RENAME] = {"rename", LDC_PROGRAM_LDCONSOLE, LDC_CLASS_EXCLUSIVE, 30000, true, false},
    [LDC_VERB_MODIFY] = {"modify", LDC_PROGRAM_LDCONSOLE, LDC_CLASS_EXCLUSIVE, 30000, true, false},
    [LDC_VERB_ADB] = {"adb", LDC_PROGRAM_ADB, LDC_CLASS_GUEST, 5000, false, false},
    [LDC_VERB_LD] = {"ld", LDC_PROGRAM_LD, LDC_CLASS_GUEST, 5000, false, false},
};

static void start(struct ldc_command *c, enum ldc_verb verb)
{
    *c = (struct ldc_command){.verb = verb};
    argv_init(&c->args);
    if (ldc_verb_table[verb].program == LDC_PROGRAM_LDCONSOLE)
        argv_add(&c->args, ldc_verb_table[verb].name);
}

static void start_at(struct ldc_command *c, enum ldc_verb verb, int index)
{
    start(c, verb);
    argv_add(&c->args, "--index");
    argv_add_number(&c->args, index);
}

static void add_pair(struct ldc_command *c, const char *flag, const char *value)
{
    if (!value)
        return;
    argv_add(&c->args, flag);
    argv_add(&c->args, value);
}

void ldc_command_usage(struct ldc_command *c)
{
    *c = (struct ldc_command){.verb = LDC_VERB_USAGE};
    argv_init(&c->args);
}

void ldc_command_list2(struct ldc_command *c)
{
    start(c, LDC_VERB_LIST2);
}

void ldc_command_launch(struct ldc_command *c, int index, enum ldc_window window)
{
    start_at(c, LDC_VERB_LAUNCH, index);
    if (window != LDC_WINDOW_NORMAL)
        argv_add(&c->args, window == LDC_WINDOW_HIDDEN ? "--hide" : "--mini");
}

void ldc_command_quit(struct ldc_command *c, int index)
{
    start_at(c, LDC_VERB_QUIT, index);
}

void ldc_command_add(struct ldc_command *c, const char *name)
{
    start(c, LDC_VERB_ADD);
    add_pair(c, "--name", name);
}

void ldc_command_copy(struct ldc_command *c, const char *name, int from_index)
{
    start(c, LDC_VERB_COPY);
    add_pair(c, "--name", name);
    argv_add(&c->args, "--from");
    argv_add_number(&c->args, from_index);
}

void ldc_command_remove(struct ldc_command *c, int index)
{
    start_at(c, LDC_VERB_REMOVE, index);
}

void ldc_command_rename(struct ldc_command *c, int index, const char *title)
{
    start_at(c, LDC_VERB_RENAME, index);
    add_pair(c, "--title", title);
}

void ldc_command_modify(struct ldc_command *c, int index, const struct ldc_settings *settings)
{
    start_at(c, LDC_VERB_MODIFY, index);
    ldc_settings_append_flags(settings, &c->args);
}

void ldc_command_adb_shell(struct ldc_command *c, const char *serial, const char *const *args)
{
    start(c, LDC_VERB_ADB);
    add_pair(c, "-s", serial);
    argv_add(&c->args, "shell");
    for (; *args; args++)
        argv_add(&c->args, *args);
}

void ldc_command_ld_shell(struct ldc_command *c, int index, const char *shell_command)
{
    start(c, LDC_VERB_LD);
    argv_add(&c->args, "-s");
    argv_add_number(&c->args, index);
    argv_add(&c->args, shell_command);
}

void ldc_command_deinit(struct ldc_command *c)
{
    argv_deinit(&c->args);
}

const char *ldc_title_refusal(const char *title)
{
    size_t n = strlen(title);
    if (n == 0)
        return "must not be empty";
    if (!str_is_utf8(title, n))
        return "must be valid UTF-8";
    if (str_has_controls(title))
        return "must not contain control characters";
    if (str_utf8_length(title) > 64)
        return "must have at most 64 characters";
    if (title[0] == '-')
        return "must not start with '-': ldconsole would read it as a flag";
    if (strchr(title, '"'))
        return "must not contain double quotes";
    if (title[0] == ' ' || title[n - 1] == ' ')
        return "must not start or end with a space";
    return NULL;
}
