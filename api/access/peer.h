/* SPDX-License-Identifier: MIT */
#ifndef API_PEER_H
#define API_PEER_H

#include <uv.h>

#include "api/exchange/identity.h"

/** Who is at the other end of a local connection, by what the system keeps. Loop thread.
 *
 *  Unix socket: root and the user this process runs as are admin, by the credentials the kernel
 *  keeps. Windows pipe: by the token of the caller (api/access/peer_rule.h). Everybody else is
 *  nobody until a token says more; on Windows even nobody has a name. */
struct api_peers;

/** OPERATORS_GROUP: a Windows group whose members are operators, of this machine unless a domain
 *  is named ("DOMAIN\group"); one that does not exist has no members, and is looked for here
 *  once. INTERACTIVE: the role of everybody who is logged on at the screen of Windows. */
struct api_peers *api_peers_new(const char *operators_group, enum cache_role interactive);
struct api_peers *api_peers_free(struct api_peers *peers);

/** The descriptor of the pipe that lets in whom api_peers_identify knows; NULL where sockets have
 *  permissions instead. */
const char *api_peers_sddl(const struct api_peers *peers);

/** PIPE was accepted, and something was read from it: before, Windows does not tell. */
void api_peers_identify(struct api_peers *peers, const uv_pipe_t *pipe, struct api_identity *ret);

/** What such a connection is called: "pipe" or "socket". */
extern const char api_peer_medium[];

#endif
