/* SPDX-License-Identifier: MIT */
#include "control/admission/retry.h"

#include <criterion/criterion.h>
#include <uv.h>

Test(ctl_retry, what_passes_by_itself)
{
    static const int passing[] = {UV_EAGAIN, UV_ENOMEM,  UV_EMFILE, UV_ENFILE,
                                  UV_EBUSY,  UV_ETXTBSY, UV_UNKNOWN};
    static const int lasting[] = {0, UV_ENOENT, UV_EACCES, UV_EPERM, UV_ENOTCONN, UV_EINVAL};
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
        cr_expect(ctl_retry_is_passing(passing[i]), "%s", uv_strerror(passing[i]));
    for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++)
        cr_expect_not(ctl_retry_is_passing(lasting[i]), "%d", lasting[i]);
}

Test(ctl_retry, the_pause_doubles_up_to_a_limit_and_is_never_the_same_for_all)
{
    static const struct {
        unsigned n;
        uint64_t longest_ms;
    } table[] = {{0, 500}, {1, 1000}, {2, 2000}, {4, 8000}, {5, 10000}, {1000, 10000}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint64_t half = table[i].longest_ms / 2;
        cr_expect_eq(ctl_retry_pause_ms(table[i].n, 0), table[i].longest_ms);
        cr_expect_eq(ctl_retry_pause_ms(table[i].n, (uint32_t)half), half);
        for (uint32_t random = 0; random < 50000; random += 77) {
            uint64_t pause = ctl_retry_pause_ms(table[i].n, random);
            cr_assert(pause >= half && pause <= table[i].longest_ms, "%u: %u", table[i].n, random);
        }
    }
}

Test(ctl_retry, the_budget_runs_out_and_is_earned_again)
{
    struct ctl_retry_budget budget;
    ctl_retry_init(&budget);
    for (int i = 0; i < CTL_RETRY_BURST; i++)
        cr_assert(ctl_retry_spend(&budget), "%d", i);
    cr_expect_not(ctl_retry_spend(&budget));
    for (int i = 0; i < 4; i++)
        ctl_retry_earn(&budget);
    cr_expect_not(ctl_retry_spend(&budget));
    ctl_retry_earn(&budget);
    cr_expect(ctl_retry_spend(&budget));
    cr_expect_not(ctl_retry_spend(&budget));
    for (int i = 0; i < 1000; i++)
        ctl_retry_earn(&budget);
    for (int i = 0; i < CTL_RETRY_BURST; i++)
        cr_assert(ctl_retry_spend(&budget), "%d", i);
    cr_expect_not(ctl_retry_spend(&budget), "more than that cannot be saved up");
}
