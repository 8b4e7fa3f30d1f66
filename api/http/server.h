/* SPDX-License-Identifier: MIT */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "api/http/owner.h"
#include "base/loop/loop.h"

/** An HTTP/1.1 server for any program: it reads requests from TCP sockets and pipes, hands each to
 *  its owner (owner.h) and writes the owner's answer (respond.h, stream.h). It knows nothing of
 *  paths, of callers and of what is in a body. Loop thread only. */
struct http_server;

/** CALLS is static; LIMITS are copied. Does not listen yet. The process ignores SIGPIPE: clients
 *  hang up while they are written to. */
struct http_server *http_server_new(struct loop *loop, const struct http_limits *limits,
                                    const struct http_calls *calls, void *arg);
/** Arguments and results as in api/listen/listener.h. */
int http_server_listen_tcp(struct http_server *server, const char *host, unsigned port,
                           int *ret_port);
int http_server_listen_pipe(struct http_server *server, const char *path, const char *sddl);

const struct http_stats *http_server_stats(const struct http_server *server);

/** Stops accepting, ends streams and waits, lets requests under way finish for up to DRAIN_MS, then
 *  closes what is left. ON_CLOSED comes on the loop; the server is gone then. */
void http_server_close(struct http_server *server, uint64_t drain_ms, void (*on_closed)(void *arg),
                       void *arg);

#endif
