/* SPDX-License-Identifier: MIT */
#ifndef API_SERVER_H
#define API_SERVER_H

#include "api/exchange/context.h"

/** The API of the service: listeners, the HTTP server behind them and the routes of the product
 *  contract. Loop thread only. Nothing here blocks or starts a process; it asks control and waits
 *  on the loop. */
struct api_server;
struct api_route;

extern const struct api_options api_options_defaults;

/** Copies CONTEXT and OPTIONS (not what their pointers show). Does not listen yet. The process
 *  ignores SIGPIPE: clients hang up while they are written to. */
struct api_server *api_server_new(const struct api_context *context,
                                  const struct api_options *options);
/** Serves ROUTES instead of the product's table: for tests of the machinery. */
void api_server_use_routes(struct api_server *server, const struct api_route *routes, size_t n);

/** HOST is an IPv4 or IPv6 address or "localhost"; PORT 0 takes any free one. *RET_PORT (may be
 *  NULL) is the port in use. Requests must name this address or a loopback name in Host and come
 *  from no foreign Origin. Returns 0 or a UV code (UV_EADDRINUSE, UV_EACCES, UV_EINVAL). */
int api_server_listen_tcp(struct api_server *server, const char *host, unsigned port,
                          int *ret_port);
/** A named pipe on Windows, else a unix socket with mode 0660 (base/loop/pipe_server.h); peers are
 *  known by what the system tells of them (api/access/peer.h). Returns 0 or a UV code:
 *  UV_EADDRINUSE when somebody serves PATH already or it is something else, UV_ENAMETOOLONG,
 *  UV_EINVAL. */
int api_server_listen_pipe(struct api_server *server, const char *path);

/** Stops accepting, ends event streams and waits for operations, lets requests under way finish
 *  for up to DRAIN_MS, then closes what is left. ON_CLOSED comes on the loop when the server is
 *  gone. Must come before the engine, the observer, the store and the result cache close. */
void api_server_close(struct api_server *server, uint64_t drain_ms, void (*on_closed)(void *arg),
                      void *arg);

#endif
