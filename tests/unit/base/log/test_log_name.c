/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>

#include "base/log/log_name.h"
#include "base/memory/cleanup.h"
#include "base/system/clock.h"

static int64_t moment(const char *text)
{
    int64_t wall_ms = 0;
    cr_assert_eq(clock_parse(text, &wall_ms), 0);
    return wall_ms;
}

Test(log_name, says_when_a_file_was_put_aside)
{
    char name[LOG_NAME_SIZE];
    log_name_make("ldplayerd.log", moment("2026-11-21T10:15:00.900Z"), 0, name);
    cr_expect_str_eq(name, "ldplayerd-20261121T101500Z.log");
    log_name_make("ldplayerd.log", moment("2026-11-21T10:15:00Z"), 2, name);
    cr_expect_str_eq(name, "ldplayerd-20261121T101500Z-2.log");
    log_name_make("plain", moment("2026-11-21T10:15:00Z"), 0, name);
    cr_expect_str_eq(name, "plain-20261121T101500Z");
}

Test(log_name, knows_its_own_again)
{
    int64_t when = moment("2026-11-21T10:15:00Z");
    cr_expect_eq(log_name_parse("ldplayerd.log", "ldplayerd-20261121T101500Z.log"), when);
    cr_expect_eq(log_name_parse("ldplayerd.log", "ldplayerd-20261121T101500Z-9.log"), when);
    cr_expect_eq(log_name_parse("plain", "plain-20261121T101500Z"), when);
}

/* What it takes for its own it may remove. */
Test(log_name, takes_nothing_else_for_its_own)
{
    static const char *const others[] = {
        "ldplayerd.log",
        "ldplayerd-20261121T101500Z.txt",
        "ldplayerd-20261121T101500Z-10.log",
        "ldplayerd-20261121T101500Z-x.log",
        "ldplayerd-20261121T101500.log",
        "ldplayerd-20261341T101500Z.log",
        "ldplayerd-old.log",
        "ldplayerd-",
        "ldplayerd",
        "other-20261121T101500Z.log",
        "",
    };
    for (size_t i = 0; i < countof(others); i++)
        cr_expect_eq(log_name_parse("ldplayerd.log", others[i]), -1, "%s", others[i]);
}
