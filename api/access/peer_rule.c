/* SPDX-License-Identifier: MIT */
#include "api/access/peer_rule.h"

enum cache_role api_peer_role(const struct api_peer_facts *facts, enum cache_role interactive)
{
    /* The descriptor of the pipe keeps both out; should that ever fail, this still holds. */
    if (facts->is_anonymous || facts->is_network)
        return CACHE_ROLE_NONE;
    /* Who has an administrator's token within reach only has to ask Windows for it. */
    if (facts->is_own || facts->is_system || facts->is_admin || facts->is_linked_admin)
        return CACHE_ROLE_ADMIN;
    enum cache_role role = facts->is_interactive ? interactive : CACHE_ROLE_NONE;
    return facts->is_operator && role < CACHE_ROLE_OPERATOR ? CACHE_ROLE_OPERATOR : role;
}
