/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "service/config/nearest.h"

static const char *nearest(const char *typed)
{
    static const char *const words[] = {"serve", "routes", "version", "token create"};
    struct svc_nearest n;
    svc_nearest_init(&n, typed);
    for (size_t i = 0; i < countof(words); i++)
        svc_nearest_offer(&n, words[i]);
    return n.best ? n.best : "";
}

Test(svc_nearest, finds_what_was_meant)
{
    cr_assert_str_eq(nearest("serv"), "serve");
    cr_assert_str_eq(nearest("sevre"), "serve");
    cr_assert_str_eq(nearest("route"), "routes");
    cr_assert_str_eq(nearest("verison"), "version");
    cr_assert_str_eq(nearest("tokn crate"), "token create");
}

Test(svc_nearest, suggests_nothing_for_what_is_far_away)
{
    cr_assert_str_eq(nearest("zebra"), "");
    cr_assert_str_eq(nearest(""), "");
    cr_assert_str_eq(nearest("serveserveserveserveserveserveserveserveserveserve"), "");
}

Test(svc_nearest, makes_a_hint_of_it_or_nothing)
{
    char hint[40];
    struct svc_nearest n;
    svc_nearest_init(&n, "htpp");
    cr_assert_str_eq(svc_nearest_hint(&n, "--", hint, sizeof(hint)), "");
    svc_nearest_offer(&n, "http");
    cr_assert_str_eq(svc_nearest_hint(&n, "--", hint, sizeof(hint)), "; did you mean --http?");
}
