/* SPDX-License-Identifier: MIT */
#include "api/server.h"

#include "api/access/audit.h"
#include "api/access/peer.h"
#include "api/common/cached.h"
#include "api/dispatch/dispatch.h"
#include "api/dispatch/router.h"
#include "api/exchange/parts.h"
#include "api/http/server.h"
#include "api/resources/routes.h"
#include "base/memory/mem.h"

const struct api_options api_options_defaults = {
    .http =
        {
            .max_connections = 10000,
            .max_head_bytes = 16384,
            .max_body_bytes = 1048576,
            .head_timeout_ms = 10000,
            .body_timeout_ms = 30000,
            .idle_timeout_ms = 75000,
            .write_timeout_ms = 30000,
            .heartbeat_ms = 15000,
            .max_backlog_bytes = 1048576,
        },
    .operators_group = "ldplayerd-operators",
    .interactive_role = CACHE_ROLE_VIEWER,
    .first_survey_ms = 60000,
    .ready_age_ms = 60000,
};

struct api_server *api_server_new(const struct api_context *context,
                                  const struct api_options *options)
{
    struct api_server *s = mem_new(struct api_server);
    s->context = *context;
    s->options = *options;
    s->http = http_server_new(context->loop, &options->http, &api_dispatch_calls, s);
    s->audit = api_audit_new();
    api_server_use_routes(s, api_routes, api_n_routes);
    /* Tests of the machinery bring routes of their own and nothing to observe. */
    if (context->observer)
        s->cached = api_cached_new(s);
    return s;
}

void api_server_use_routes(struct api_server *server, const struct api_route *routes, size_t n)
{
    server->routes = routes;
    server->n_routes = n;
    api_router_free(server->router);
    server->router = api_router_new(routes, n);
}

int api_server_listen_tcp(struct api_server *server, const char *host, unsigned port, int *ret_port)
{
    return http_server_listen_tcp(server->http, host, port, ret_port);
}

int api_server_listen_pipe(struct api_server *server, const char *path)
{
    const struct api_options *o = &server->options;
    if (!server->peers)
        server->peers = api_peers_new(o->operators_group, o->interactive_role);
    return http_server_listen_pipe(server->http, path, api_peers_sddl(server->peers));
}

static void on_closed(void *arg)
{
    struct api_server *s = arg;
    void (*on_gone)(void *arg) = s->on_closed;
    void *gone_arg = s->on_closed_arg;
    api_cached_free(s->cached);
    api_router_free(s->router);
    api_audit_free(s->audit);
    api_peers_free(s->peers);
    blob_unref(s->openapi);
    blob_unref(s->docs);
    mem_free(s);
    on_gone(gone_arg);
}

void api_server_close(struct api_server *server, uint64_t drain_ms, void (*on_gone)(void *arg),
                      void *arg)
{
    server->on_closed = on_gone;
    server->on_closed_arg = arg;
    http_server_close(server->http, drain_ms, on_closed, server);
}
