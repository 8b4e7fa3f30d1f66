/* SPDX-License-Identifier: MIT */
#include "api/server_state.h"

/* libuv's own pipe server cannot be given a security descriptor, so it is not used: until a
 * listener of our own exists, Windows serves TCP alone. */
int api_server_listen_pipe(struct api_server *server, const char *path)
{
    (void)server;
    (void)path;
    return UV_ENOTSUP;
}
