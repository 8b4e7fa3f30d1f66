/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "ldconsole/install/abilities.h"

Test(ldc_abilities, of_a_version_with_root_and_a_version_in_its_banner)
{
    struct ldc_abilities f;
    ldc_abilities_read(
        "dnplayer v14.0.25.1 Command Line Management Interface\r\n"
        "All rights reserved.\r\n\r\n  modify <--name mnq_name>\r\n    [--root <1 | 0>]\r\n",
        &f);
    cr_assert(f.is_known);
    cr_assert_str_eq(f.version, "14.0.25.1");
    cr_assert(f.has_root);
}

Test(ldc_abilities, of_an_old_version_without_either)
{
    struct ldc_abilities f;
    ldc_abilities_read("dnplayer Command Line Management Interface\r\n  modify [--cpu <1>]\r\n",
                       &f);
    cr_assert(f.is_known);
    cr_assert_str_eq(f.version, "");
    cr_assert_not(f.has_root);
}

Test(ldc_abilities, of_text_that_is_no_usage_stay_unknown)
{
    struct ldc_abilities f;
    ldc_abilities_read("", &f);
    cr_assert_not(f.is_known);
    ldc_abilities_read("0,--root,0,0,0,-1,-1,960,540,160\r\n", &f);
    cr_assert_not(f.is_known);
    cr_assert_not(f.has_root);
}
