/* SPDX-License-Identifier: MIT */
#ifndef API_SERVER_STATE_H
#define API_SERVER_STATE_H

#include <uv.h>

#include "api/access/audit.h"
#include "api/http/exchange.h"
#include "api/http/response.h"
#include "api/http/route.h"
#include "api/http/server.h"
#include "api/listen/shared_body.h"
#include "base/memory/blob.h"
#include "base/memory/list.h"
#include "control/observe/observer.h"
#include "control/workstations/workstations.h"

/** What the files of the HTTP machinery share. Handlers need none of it but `stats`. */

union api_io {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

struct pipe_server;
struct api_peers;

/** A listening socket or pipe. */
struct api_listener {
    uv_tcp_t tcp;
    struct pipe_server *pipe; /* instead of tcp */
    struct list link;
    struct api_server *server;
    char *host;  /* TCP: the address it is bound to; NULL for a pipe */
    int trouble; /* of a pipe: why no client could connect when it was last told; 0 = none */
    bool is_closing;
};

struct api_stats {
    uint64_t n_accepted, n_refused; /* connections */
    uint64_t n_requests[6];         /* by status / 100 */
    uint64_t n_events, n_cut_off;   /* sent to streams; streams ended for being slow */
    unsigned n_streams;             /* open event streams */
};

enum { API_DENIED_COUNT = 8 };

/** Requests whose token is not in the table in memory: the command line may just have made it, so
 *  the table is read again, but once a second at most, whatever strangers send. */
struct api_auth {
    struct list waiting; /* exchanges that need a reload begun after they came */
    struct list serving; /* exchanges that the reload under way is for */
    uint64_t next_ms;    /* no reload before */
    bool is_reloading;
    unsigned next_denied; /* tokens that a reload did not find are refused at once for a second */
    struct {
        char token[CACHE_TOKEN_SIZE];
        uint64_t until_ms;
    } denied[API_DENIED_COUNT];
    unsigned generation; /* of what connections remember; moves when a token is revoked here */
};

struct api_server {
    struct api_context context;
    struct api_options options;
    const struct api_route *routes;
    size_t n_routes;
    struct api_router *router;
    struct list listeners, conns, pool;
    unsigned n_listeners, n_conns, n_pooled;
    unsigned n_exchanges; /* handed out and not yet back */
    struct api_auth auth;
    struct api_peers *peers; /* once a pipe is listened to */
    struct api_audit_limit audit;
    struct api_stats stats;
    char date[API_DATE_SIZE];
    uint64_t date_until_ms;
    uint32_t request_prefix, request_count;
    struct blob *openapi, *docs; /* made when first asked for */
    struct api_shared_body shared;
    uv_timer_t tick;
    unsigned tick_ms;
    struct ctl_survey_listener on_survey;
    struct ctl_workstations_listener on_workstation;
    bool is_closing, is_finishing;
    uint64_t kill_at_ms; /* end of the drain */
    void (*on_closed)(void *arg);
    void *on_closed_arg;
    char read_buf[65536]; /* shared: what must outlive a callback is copied */
};

/** Serves ROUTES instead of the product's table: for tests of the machinery. */
void api_server_use_routes(struct api_server *server, const struct api_route *routes, size_t n);
/** A listener that is part of SERVER from now on; its tcp is to be initialised at once, or its
 *  pipe set, and it is closed with api_listener_close when listening fails. HOST NULL for a
 *  pipe. */
struct api_listener *api_listener_new(struct api_server *server, const char *host);
/** Stops accepting. The struct stays until the server is gone: connections point at it. */
void api_listener_close(struct api_listener *listener);

static inline bool api_listener_is_pipe(const struct api_listener *listener)
{
    return listener->host == NULL;
}

static inline uint64_t api_server_now(const struct api_server *server)
{
    return uv_now(server->tick.loop);
}
/** The Date header's value now. */
const char *api_server_date(struct api_server *server);
/** Goes on with closing when the last connection, listener or exchange is gone. */
void api_server_check_closed(struct api_server *server);
/** Keeps the timer running while there are connections. */
void api_server_update_tick(struct api_server *server);

/** An exchange from the pool, ready for a request. */
struct api_exchange *api_exchange_take(struct api_server *server);
/** Back to the pool; what it holds is released. */
void api_exchange_release(struct api_exchange *x);
/** Sets request_id from the client's or a new one. */
void api_exchange_name(struct api_exchange *x);
void api_exchange_free_pool(struct api_server *server);

#endif
