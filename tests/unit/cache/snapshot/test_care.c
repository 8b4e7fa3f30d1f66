/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/memory/mem.h"
#include "cache/snapshot/care.h"

Test(cache_care, comes_back_as_it_was_written)
{
    struct cache_care care = {.booted = {4711, "00DBBF9A0870", "a0", "s0"}}, read;
    cache_care_add_boot(&care, 12000);
    cache_care_add_act(&care, 1700000000000);
    char *text = cache_care_write(&care);
    cache_care_read(text, &read);
    cr_expect_eq(cache_care_longest_boot_ms(&read), 12000);
    cr_expect_eq(cache_care_count_acts(&read, 0), 1);
    cr_expect_eq(read.booted.vm, 4711);
    cr_expect_str_eq(read.booted.mac, "00DBBF9A0870");
    cr_expect_str_eq(read.booted.android_id, "a0");
    cr_expect_str_eq(read.booted.sim_serial, "s0");
    mem_free(text);
}

Test(cache_care, of_a_former_version_says_nothing_of_a_boot)
{
    struct cache_care care;
    cache_care_read("{\"boots_ms\":[1],\"acted_at\":[]}", &care);
    cr_expect_eq(care.n_boots, 1);
    cr_expect_eq(care.booted.vm, 0);
    cr_expect_str_eq(care.booted.mac, "");
}
