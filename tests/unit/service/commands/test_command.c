/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "service/commands/command.h"

Test(svc_command, refuses_what_is_no_command)
{
    char program[] = "ldplayerd", word[] = "servee", flag[] = "--http";
    char *none[] = {program, NULL};
    char *unknown[] = {program, word, NULL};
    char *only_flag[] = {program, flag, NULL};
    cr_assert_eq(svc_command_run(1, none), SVC_EXIT_USAGE);
    cr_assert_eq(svc_command_run(2, unknown), SVC_EXIT_USAGE);
    cr_assert_eq(svc_command_run(2, only_flag), SVC_EXIT_USAGE);
}

Test(svc_command, finds_commands_of_one_and_of_two_words)
{
    char program[] = "ldplayerd", version[] = "version", config[] = "config", docs[] = "docs";
    char *one[] = {program, version, NULL};
    char *two[] = {program, config, docs, NULL};
    char *half[] = {program, config, NULL};
    cr_assert_eq(svc_command_run(2, one), SVC_EXIT_OK);
    cr_assert_eq(svc_command_run(3, two), SVC_EXIT_OK);
    cr_assert_eq(svc_command_run(2, half), SVC_EXIT_USAGE);
}

Test(svc_command, refuses_too_much_and_explains_on_request)
{
    char program[] = "ldplayerd", version[] = "version", more[] = "more", help[] = "--help";
    char *too_much[] = {program, version, more, NULL};
    char *explained[] = {program, version, more, help, NULL};
    cr_assert_eq(svc_command_run(3, too_much), SVC_EXIT_USAGE);
    cr_assert_eq(svc_command_run(4, explained), SVC_EXIT_OK);
}

Test(svc_command, lists_every_command_once_in_the_overview)
{
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    svc_command_overview(&out);
    for (size_t i = 0; i < svc_command_count; i++)
        cr_assert(strstr(out.data, svc_command_table[i].help), "%s", svc_command_table[i].name);
}
