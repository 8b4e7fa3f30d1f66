/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "api/access/peer_rule.h"
#include "base/memory/cleanup.h"

struct row {
    const char *who;
    struct api_peer_facts facts;
    enum cache_role interactive, expected;
};

static const struct row rows[] = {
    {"nobody in particular", {0}, CACHE_ROLE_OPERATOR, CACHE_ROLE_NONE},
    {"SYSTEM", {.is_system = true}, CACHE_ROLE_NONE, CACHE_ROLE_ADMIN},
    {"the service's own account", {.is_own = true}, CACHE_ROLE_NONE, CACHE_ROLE_ADMIN},
    {"an elevated administrator", {.is_admin = true}, CACHE_ROLE_NONE, CACHE_ROLE_ADMIN},
    {"an administrator with a filtered token",
     {.is_linked_admin = true, .is_interactive = true},
     CACHE_ROLE_VIEWER,
     CACHE_ROLE_ADMIN},
    {"an operator from a service", {.is_operator = true}, CACHE_ROLE_NONE, CACHE_ROLE_OPERATOR},
    {"an operator at the screen",
     {.is_operator = true, .is_interactive = true},
     CACHE_ROLE_VIEWER,
     CACHE_ROLE_OPERATOR},
    {"an operator where the screen has more",
     {.is_operator = true, .is_interactive = true},
     CACHE_ROLE_OPERATOR,
     CACHE_ROLE_OPERATOR},
    {"an operator who is an administrator",
     {.is_operator = true, .is_admin = true},
     CACHE_ROLE_NONE,
     CACHE_ROLE_ADMIN},
    {"somebody at the screen", {.is_interactive = true}, CACHE_ROLE_VIEWER, CACHE_ROLE_VIEWER},
    {"somebody at the screen who may operate",
     {.is_interactive = true},
     CACHE_ROLE_OPERATOR,
     CACHE_ROLE_OPERATOR},
    {"somebody at the screen where that is nothing",
     {.is_interactive = true},
     CACHE_ROLE_NONE,
     CACHE_ROLE_NONE},
};

Test(api_peer_rule, gives_each_caller_the_role_of_the_best_group)
{
    for (size_t i = 0; i < countof(rows); i++)
        cr_assert_eq(api_peer_role(&rows[i].facts, rows[i].interactive), rows[i].expected, "%s",
                     rows[i].who);
}

Test(api_peer_rule, refuses_the_network_and_the_anonymous_whatever_else_they_are)
{
    for (size_t i = 0; i < countof(rows); i++) {
        struct api_peer_facts network = rows[i].facts, anonymous = rows[i].facts;
        network.is_network = anonymous.is_anonymous = true;
        cr_assert_eq(api_peer_role(&network, CACHE_ROLE_OPERATOR), CACHE_ROLE_NONE, "%s",
                     rows[i].who);
        cr_assert_eq(api_peer_role(&anonymous, CACHE_ROLE_OPERATOR), CACHE_ROLE_NONE, "%s",
                     rows[i].who);
    }
}
