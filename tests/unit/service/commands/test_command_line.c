/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "service/commands/command_line.h"

Test(svc_command_line, arguments_come_back_as_they_were)
{
    /* The right column is what CommandLineToArgvW reads as the left one. */
    static const char *const cases[][2] = {
        {"service", "service"},
        {"", "\"\""},
        {"C:\\Program Files\\x", "\"C:\\Program Files\\x\""},
        {"C:\\data\\", "C:\\data\\"},
        {"C:\\my data\\", "\"C:\\my data\\\\\""},
        {"a\"b", "\"a\\\"b\""},
        {"a\\\"b c", "\"a\\\\\\\"b c\""},
        {"tab\there", "\"tab\there\""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct buf line cleanup(buf_deinit);
        buf_init(&line, 0);
        svc_command_line_add(&line, cases[i][0]);
        cr_expect_str_eq(line.data, cases[i][1]);
    }
}

Test(svc_command_line, arguments_are_told_apart_by_one_space)
{
    struct buf line cleanup(buf_deinit);
    buf_init(&line, 0);
    svc_command_line_add(&line, "service");
    svc_command_line_add(&line, "run");
    svc_command_line_add(&line, "--data-dir");
    svc_command_line_add(&line, "D:\\two words");
    cr_expect_str_eq(line.data, "service run --data-dir \"D:\\two words\"");
}
