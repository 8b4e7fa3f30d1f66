/* SPDX-License-Identifier: MIT */
#ifndef BASE_PIPE_SERVER_H
#define BASE_PIPE_SERVER_H

#include <stddef.h>

#include "base/loop/loop.h"

/** Listens for programs of this machine, guarded by the system from the first instruction on: a
 *  named pipe with a security descriptor of its own on Windows (libuv's server cannot be given
 *  one), a unix socket with file permissions elsewhere. Loop thread only. */

struct pipe_server_options {
    const char *path; /* "\\.\pipe\NAME" on Windows, else of a socket; copied */
    const char *sddl; /* Windows: who may connect; nobody from another machine may in any case */
    unsigned mode;    /* elsewhere: permissions of the socket file */
    unsigned backlog; /* connections that may wait to be accepted; on Windows 2 to 16, and clients
                         beyond meet ERROR_PIPE_BUSY, on which they wait (WaitNamedPipe) */
};

struct pipe_server;

/** A connection waits to be taken with pipe_server_accept, now or later. STATUS < 0: accepting
 *  failed (too many handles, ...); the server goes on and tries again by itself. May close the
 *  server. */
typedef void (*pipe_server_fn)(void *arg, int status);

/** Returns 0 and a server that listens, or a UV code: UV_EADDRINUSE when another process serves
 *  PATH (no pipe of another's making is ever joined), UV_EACCES (on Windows also when SDDL does not
 *  let this process make further instances), UV_ENAMETOOLONG, UV_EINVAL for a bad path or SDDL. The
 *  socket file of a dead server is replaced. A refused server may take turns of the loop to be
 *  released. */
int pipe_server_new(struct loop *loop, const struct pipe_server_options *options,
                    pipe_server_fn on_connection, void *arg, struct pipe_server **ret);
/** Opens CLIENT (initialised by the caller, to be closed by the caller in any case) for the oldest
 *  connection that waits. Returns 0, UV_EAGAIN when none does, or why it could not be opened; then
 *  that connection is gone: its client may be, or (UV_EMFILE) the 2048 descriptors of the C runtime
 *  on Windows are in use. */
int pipe_server_accept(struct pipe_server *server, uv_pipe_t *client);
/** Stops listening; connections that were accepted live on. ON_CLOSED comes in a later turn, and
 *  the server is gone. */
void pipe_server_close(struct pipe_server *server, void (*on_closed)(void *arg), void *arg);

/** The process at the other end of an accepted connection, or of one made with uv_pipe_connect
 *  when IS_SERVER asks for who serves it. Returns 0, or a UV code where the system does not
 *  tell. */
int pipe_peer_pid(const uv_pipe_t *pipe, int is_server, int *ret_pid);

#endif
