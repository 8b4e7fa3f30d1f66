/* SPDX-License-Identifier: MIT */
#ifndef API_PEER_RULE_H
#define API_PEER_RULE_H

#include <stdbool.h>

#include "cache/tables/tokens.h"

/** What the token of a caller on a Windows pipe says. A group counts when it is enabled in the
 *  token: one that may only deny does not. */
struct api_peer_facts {
    bool is_anonymous;    /* S-1-5-7 */
    bool is_network;      /* S-1-5-2: logged on from another machine */
    bool is_own;          /* the account that the service itself runs as */
    bool is_system;       /* S-1-5-18 */
    bool is_admin;        /* BUILTIN\Administrators, elevated */
    bool is_linked_admin; /* the same in the token that UAC keeps for this user */
    bool is_operator;     /* the group of the option operators_group */
    bool is_interactive;  /* S-1-5-4: logged on at the screen or by remote desktop */
};

/** What such a caller may do. INTERACTIVE is the role of everybody at the screen. Pure. */
enum cache_role api_peer_role(const struct api_peer_facts *facts, enum cache_role interactive);

#endif
