/* SPDX-License-Identifier: MIT */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdbool.h>

#include <uv.h>

#include "base/loop/loop.h"

/** A TCP socket, a named pipe or a unix socket that clients connect to. Loop thread. */

/** The stream of one client, to be closed by whoever accepted it. */
union listener_stream {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

struct listener;

/** A client waits: take it with listener_accept within the call. */
typedef void (*listener_fn)(void *arg, struct listener *listener);

/** HOST is an IPv4 or IPv6 address or "localhost"; PORT 0 takes any free one. *RET_PORT (may be
 *  NULL) is the port in use. Returns 0 or a UV code (UV_EADDRINUSE, UV_EACCES, UV_EINVAL). */
int listener_new_tcp(struct loop *loop, const char *host, unsigned port, listener_fn on_client,
                     void *arg, struct listener **ret, int *ret_port);
/** A named pipe on Windows, guarded by the descriptor SDDL, else a unix socket with mode 0660
 *  (base/loop/pipe_server.h). Returns 0 or a UV code: UV_EADDRINUSE when somebody serves PATH
 *  already or it is something else, UV_ENAMETOOLONG, UV_EINVAL. */
int listener_new_pipe(struct loop *loop, const char *path, const char *sddl, listener_fn on_client,
                      void *arg, struct listener **ret);

/** Takes the waiting client into IO, whose handle is initialised in any case and has to be closed.
 *  Returns 0 or a UV code. */
int listener_accept(struct listener *listener, union listener_stream *io);

/** The address that was asked for; NULL for a pipe or unix socket. */
const char *listener_host(const struct listener *listener);
bool listener_is_pipe(const struct listener *listener);
/** Whether the client behind IO, which LISTENER accepted, is on this machine. */
bool listener_is_local(const struct listener *listener, const union listener_stream *io);

/** Stops accepting. ON_CLOSED comes in a later turn; LISTENER stays readable until
 *  listener_free. */
void listener_close(struct listener *listener, void (*on_closed)(void *arg), void *arg);
/** Once it is closed. Accepts NULL. */
void listener_free(struct listener *listener);

#endif
