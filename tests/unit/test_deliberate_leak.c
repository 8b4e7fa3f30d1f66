/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include <criterion/criterion.h>

Test(sanitizers, stop_a_test_that_leaks)
{
    /* volatile keeps the allocation from being optimised away and its address from being kept. */
    void *volatile lost = malloc(32);
    cr_assert_not_null(lost);
    lost = NULL;
}
