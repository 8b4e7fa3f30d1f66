/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "runner/argv.h"

static struct argv argv;

static void set_up(void)
{
    argv_init(&argv);
}

TestSuite(argv, .init = set_up);

Test(argv, is_terminated_at_every_moment)
{
    cr_assert_null(argv.items[0]);
    for (size_t i = 0; i < 100; i++) {
        argv_add(&argv, "x");
        cr_assert_eq(argv.n_items, i + 1);
        cr_assert_null(argv.items[argv.n_items]);
    }
    argv_deinit(&argv);
}

Test(argv, copies_what_it_is_given)
{
    char item[] = "before";
    argv_add(&argv, item);
    item[0] = 'x';
    argv_add_number(&argv, -1234567890123);
    cr_assert_str_eq(argv.items[0], "before");
    cr_assert_str_eq(argv.items[1], "-1234567890123");
    argv_deinit(&argv);
}

Test(argv, formats_for_people_and_quotes_only_where_needed)
{
    argv_add(&argv, "rename");
    argv_add(&argv, "--title");
    argv_add(&argv, "two words");
    argv_add(&argv, "");
    argv_add(&argv, "a\"b\\c");
    argv_add(&argv, "1280,720,240");
    argv_add(&argv, "雷电");
    char *text cleanup(mem_freep) = argv_format(&argv);
    cr_assert_str_eq(text, "rename --title \"two words\" \"\" \"a\\\"b\\\\c\" 1280,720,240 雷电");
    argv_deinit(&argv);
}

Test(argv, formats_nothing_as_an_empty_string)
{
    char *text cleanup(mem_freep) = argv_format(&argv);
    cr_assert_str_eq(text, "");
    argv_deinit(&argv);
}
