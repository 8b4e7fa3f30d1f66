/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "service/agent/session.h"

static const struct svc_session nobody = {1, true, true, "", false};
static const struct svc_session console = {2, true, true, "PC\\ann", false};
static const struct svc_session remote = {3, false, true, "PC\\bob", false};
static const struct svc_session left = {4, false, false, "FARM\\carl", false};
static const struct svc_session other_remote = {5, false, true, "FARM\\bob", false};

struct row {
    const char *what;
    const struct svc_session *of[4]; /* up to NULL */
    const char *wanted;
    const struct svc_session *current, *expected;
};

static const struct row rows[] = {
    {"there is none", {NULL}, "", NULL, NULL},
    {"nobody is logged on", {&nobody}, "", NULL, NULL},
    {"the console before a remote one", {&remote, &console}, "", NULL, &console},
    {"a remote one when nobody is at the console", {&nobody, &remote}, "", NULL, &remote},
    {"an active one before one that was left", {&left, &remote}, "", NULL, &remote},
    {"one that was left when there is no other", {&nobody, &left}, "", NULL, &left},
    {"the first of equals", {&remote, &other_remote}, "", NULL, &remote},
    {"where it is, although somebody came to the console",
     {&console, &remote},
     "",
     &remote,
     &remote},
    {"where it is, although they disconnected", {&console, &left}, "", &left, &left},
    {"another when its user logged off", {&nobody, &console}, "", &remote, &console},
    {"the wanted user", {&console, &remote}, "bob", NULL, &remote},
    {"the wanted user in any case", {&console, &remote}, "pc\\BOB", NULL, &remote},
    {"the wanted user of a domain", {&remote, &other_remote}, "FARM\\bob", NULL, &other_remote},
    {"nobody but the wanted user", {&console, &remote}, "carl", NULL, NULL},
    {"no longer an unwanted one", {&console, &remote}, "ann", &remote, &console},
    {"not a part of a name", {&console}, "an", NULL, NULL},
};

Test(svc_session, is_picked_by_rule)
{
    for (size_t i = 0; i < countof(rows); i++) {
        struct svc_session list[4];
        size_t n = 0;
        while (n < countof(list) && rows[i].of[n]) {
            list[n] = *rows[i].of[n];
            n++;
        }
        const struct svc_session *picked =
            svc_session_pick(list, n, rows[i].wanted, rows[i].current);
        cr_expect_eq(picked != NULL, rows[i].expected != NULL, "%s", rows[i].what);
        if (picked && rows[i].expected)
            cr_expect_eq(picked->id, rows[i].expected->id, "%s: %u", rows[i].what, picked->id);
    }
}

Test(svc_session, another_user_under_the_number_of_a_former_session_is_another_session)
{
    const struct svc_session list[] = {console, {3, false, true, "PC\\dora", false}};
    cr_expect_eq(svc_session_pick(list, 2, "", &remote)->id, console.id);
}

Test(svc_session, whose_name_is_not_told_is_the_one_that_was_there)
{
    const struct svc_session list[] = {console, {remote.id, false, true, "", true}};
    const struct svc_session *picked = svc_session_pick(list, 2, "", &remote);
    cr_assert_eq(picked, &list[1]);
    cr_expect_eq(svc_session_pick(list, 2, "", NULL), &list[0]);
    cr_expect_eq(svc_session_pick(list, 2, console.user, &remote), &list[0]);
}

Test(svc_session, there_is_one_here_with_a_user)
{
    struct svc_session list[SVC_SESSION_MAX];
    size_t n;
    cr_assert_eq(svc_session_list(list, SVC_SESSION_MAX, &n), 0);
    cr_assert_eq(n, 1);
    cr_assert_str_not_empty(list[0].user);
    cr_assert_eq(svc_session_list(list, 0, &n), 0);
    cr_assert_eq(n, 0);
}
