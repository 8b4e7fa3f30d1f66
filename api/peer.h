/* SPDX-License-Identifier: MIT */
#ifndef API_PEER_H
#define API_PEER_H

#include <uv.h>

#include "api/identity.h"

/** Who is at the other end of a unix socket, by the credentials the kernel keeps: root and the
 *  user this process runs as are admin, everybody else is nobody until a token says more. */
void api_peer_identify(const uv_pipe_t *pipe, struct api_identity *ret);
/** Who may connect to a pipe on Windows, owned by the caller; NULL elsewhere. */
char *api_peer_sddl(void);

#endif
