/* SPDX-License-Identifier: MIT */
#ifndef SVC_CLIENT_PIPE_H
#define SVC_CLIENT_PIPE_H

#include <uv.h>

/** Connects PIPE (initialised, not open; the caller's to close in any case) to the unix socket or
 *  named pipe PATH. Blocks for TIMEOUT_MS at most. On Windows whoever serves it may learn who we
 *  are, but not act as us. Returns 0 or a UV code. */
int svc_client_pipe_connect(uv_pipe_t *pipe, const char *path, unsigned timeout_ms);

#endif
