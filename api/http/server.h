/* SPDX-License-Identifier: MIT */
#ifndef API_SERVER_H
#define API_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/tables/tokens.h"

struct loop;
struct ctl_observer;
struct ctl_engine;
struct ctl_workstations;
struct cache_events;
struct cache_store;
struct cache_results;
struct ldc_client;

/** The HTTP service: listeners, connections and the routes of the product contract. Loop thread
 *  only. Nothing here blocks or starts a process; it asks control and waits on the loop. */

/** What the routes speak for. All pointers and strings are the caller's and outlive the server. */
struct api_context {
    struct loop *loop;
    struct ctl_observer *observer;
    struct ctl_engine *engine;
    struct ctl_workstations *workstations;
    struct cache_events *events;
    struct cache_store *store;
    struct cache_tokens *tokens;
    struct cache_results *results;
    struct ldc_client *client;
    const char *version, *revision; /* of this program */
    const char *data_dir;
    const char *cache_backend; /* "memory", "redis", "none" */
    const char *runner;        /* how ldconsole is run: "direct" or "agent" */
    const char *limits;        /* JSON object text for GET /api/info: effective limits of the
                                  other layers; NULL for none */
    int64_t started_at;        /* wall ms */
};

struct api_options {
    unsigned max_connections;  /* one more is accepted, told 503 and closed; default 10000 */
    unsigned max_head_bytes;   /* request line and headers; default 16384 */
    unsigned max_body_bytes;   /* default 1 MiB */
    unsigned head_timeout_ms;  /* first to last byte of a head; default 10000 */
    unsigned body_timeout_ms;  /* the whole body; default 30000 */
    unsigned idle_timeout_ms;  /* kept alive without a request; default 75000 */
    unsigned write_timeout_ms; /* an answer that the client does not take; default 30000 */
    unsigned heartbeat_ms;     /* comment in an idle event stream; default 15000 */
    unsigned
        max_backlog_bytes;    /* of one event stream before the reader is cut off; default 1 MiB */
    unsigned first_survey_ms; /* how long a read waits for the first survey; default 60000 */
    unsigned ready_age_ms;    /* older than this, the last survey says "not ready"; default 60000 */
    const char *operators_group;      /* see api/access/peer.h; default "ldplayerd-operators" */
    enum cache_role interactive_role; /* default viewer */
    bool metrics_on_loopback; /* GET /metrics without credentials from loopback; default false */
};
extern const struct api_options api_options_defaults;

struct api_server;

/** Copies CONTEXT and OPTIONS (not what their pointers show). Does not listen yet. The process
 *  ignores SIGPIPE: clients hang up while they are written to. */
struct api_server *api_server_new(const struct api_context *context,
                                  const struct api_options *options);

/** HOST is an IPv4 or IPv6 address or "localhost"; PORT 0 takes any free one. *RET_PORT (may be
 *  NULL) is the port in use. Requests must name this address or a loopback name in Host and come
 *  from no foreign Origin. Returns 0 or a UV code (UV_EADDRINUSE, UV_EACCES, UV_EINVAL). */
int api_server_listen_tcp(struct api_server *server, const char *host, unsigned port,
                          int *ret_port);
/** A named pipe on Windows, else a unix socket with mode 0660 (base/loop/pipe_server.h); peers are
 * known by what the system tells of them (api/access/peer.h). Returns 0 or a UV code: UV_EADDRINUSE
 * when somebody serves PATH already or it is something else, UV_ENAMETOOLONG, UV_EINVAL. */
int api_server_listen_pipe(struct api_server *server, const char *path);

/** Stops accepting, ends event streams and waits for operations, lets requests under way finish
 *  for up to DRAIN_MS, then closes what is left. ON_CLOSED comes on the loop when the server is
 *  gone. Must come before the engine, the observer, the store and the result cache
 *  close. */
void api_server_close(struct api_server *server, uint64_t drain_ms, void (*on_closed)(void *arg),
                      void *arg);

#endif
