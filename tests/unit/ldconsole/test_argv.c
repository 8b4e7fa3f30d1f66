/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "ldconsole/argv.h"

static struct ldc_argv argv;

static void set_up(void)
{
    ldc_argv_init(&argv);
}

TestSuite(ldc_argv, .init = set_up);

Test(ldc_argv, is_terminated_at_every_moment)
{
    cr_assert_null(argv.items[0]);
    for (size_t i = 0; i < 100; i++) {
        ldc_argv_add(&argv, "x");
        cr_assert_eq(argv.n_items, i + 1);
        cr_assert_null(argv.items[argv.n_items]);
    }
    ldc_argv_deinit(&argv);
}

Test(ldc_argv, copies_what_it_is_given)
{
    char item[] = "before";
    ldc_argv_add(&argv, item);
    item[0] = 'x';
    ldc_argv_add_number(&argv, -1234567890123);
    cr_assert_str_eq(argv.items[0], "before");
    cr_assert_str_eq(argv.items[1], "-1234567890123");
    ldc_argv_deinit(&argv);
}

Test(ldc_argv, formats_for_people_and_quotes_only_where_needed)
{
    ldc_argv_add(&argv, "rename");
    ldc_argv_add(&argv, "--title");
    ldc_argv_add(&argv, "two words");
    ldc_argv_add(&argv, "");
    ldc_argv_add(&argv, "a\"b\\c");
    ldc_argv_add(&argv, "1280,720,240");
    ldc_argv_add(&argv, "雷电");
    char *text cleanup(mem_freep) = ldc_argv_format(&argv);
    cr_assert_str_eq(text, "rename --title \"two words\" \"\" \"a\\\"b\\\\c\" 1280,720,240 雷电");
    ldc_argv_deinit(&argv);
}

Test(ldc_argv, formats_nothing_as_an_empty_string)
{
    char *text cleanup(mem_freep) = ldc_argv_format(&argv);
    cr_assert_str_eq(text, "");
    ldc_argv_deinit(&argv);
}
