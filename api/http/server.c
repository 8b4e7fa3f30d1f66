/* SPDX-License-Identifier: MIT */
#include "api/http/server_state.h"

#include <string.h>

#include "api/access/auth.h"
#include "api/http/conn.h"
#include "api/common/fresh.h"
#include "api/common/kept.h"
#include "api/access/peer.h"
#include "api/resources/routes.h"
#include "base/system/clock.h"
#include "base/loop/loop.h"
#include "base/memory/mem.h"
#include "base/loop/pipe_server.h"
#include "base/system/random.h"

const struct api_options api_options_defaults = {
    .max_connections = 10000,
    .max_head_bytes = 16384,
    .max_body_bytes = 1048576,
    .head_timeout_ms = 10000,
    .body_timeout_ms = 30000,
    .idle_timeout_ms = 75000,
    .write_timeout_ms = 30000,
    .heartbeat_ms = 15000,
    .max_backlog_bytes = 1048576,
    .operators_group = "ldplayerd-operators",
    .interactive_role = CACHE_ROLE_VIEWER,
    .first_survey_ms = 60000,
    .ready_age_ms = 60000,
};

/* Deadlines are looked at a few times within the shortest of them, and twice a second otherwise:
 * nobody notices a timeout that comes half a second late. */
static unsigned choose_tick(const struct api_options *o)
{
    const unsigned times[] = {o->head_timeout_ms, o->body_timeout_ms, o->idle_timeout_ms,
                              o->write_timeout_ms, o->heartbeat_ms};
    unsigned shortest = 2000;
    for (size_t i = 0; i < countof(times); i++) {
        if (times[i] < shortest)
            shortest = times[i];
    }
    return shortest / 4 > 10 ? shortest / 4 : 10;
}

struct api_server *api_server_new(const struct api_context *context,
                                  const struct api_options *options)
{
    struct api_server *s = mem_new(struct api_server);
    s->context = *context;
    s->options = *options;
    api_server_use_routes(s, api_routes, api_n_routes);
    list_init(&s->listeners);
    list_init(&s->conns);
    list_init(&s->pool);
    api_auth_init(&s->auth);
    api_shared_body_init(&s->shared);
    random_bytes(&s->request_prefix, sizeof(s->request_prefix));
    s->tick_ms = choose_tick(options);
    uv_timer_init(&context->loop->uv, &s->tick);
    /* Tests of the machinery bring routes of their own and nothing to observe. */
    if (context->observer) {
        api_fresh_start(s);
        api_kept_start(s);
    }
    return s;
}

void api_server_use_routes(struct api_server *server, const struct api_route *routes, size_t n)
{
    server->routes = routes;
    server->n_routes = n;
    api_router_free(server->router);
    server->router = api_router_new(routes, n);
}

const char *api_server_date(struct api_server *server)
{
    uint64_t now = api_server_now(server);
    if (now >= server->date_until_ms) {
        int64_t wall = clock_wall_ms();
        api_response_format_date(wall, server->date);
        server->date_until_ms = now + 1000 - (uint64_t)(wall % 1000);
    }
    return server->date;
}

struct api_listener *api_listener_new(struct api_server *server, const char *host)
{
    struct api_listener *l = mem_new(struct api_listener);
    l->server = server;
    l->host = mem_strdup(host);
    l->tcp.data = l;
    list_append(&server->listeners, &l->link);
    server->n_listeners++;
    return l;
}

static void on_listener_closed(void *arg)
{
    struct api_listener *l = arg;
    l->server->n_listeners--;
    api_server_check_closed(l->server);
}

static void on_tcp_closed(uv_handle_t *handle)
{
    on_listener_closed(handle->data);
}

void api_listener_close(struct api_listener *listener)
{
    if (listener->is_closing)
        return;
    listener->is_closing = true;
    if (listener->pipe)
        pipe_server_close(listener->pipe, on_listener_closed, listener);
    else if (api_listener_is_pipe(listener))
        loop_post(listener->server->context.loop, on_listener_closed, listener);
    else
        uv_close((uv_handle_t *)&listener->tcp, on_tcp_closed);
}

static void on_tick(uv_timer_t *tick)
{
    struct api_server *s = container_of(tick, struct api_server, tick);
    uint64_t now = api_server_now(s);
    bool is_over = s->is_closing && now >= s->kill_at_ms;
    list_foreach(item, &s->conns) {
        struct api_conn *conn = list_entry(item, struct api_conn, link);
        if (is_over)
            api_conn_close(conn);
        else if (conn->deadline_ms && now >= conn->deadline_ms)
            api_conn_on_deadline(conn);
    }
    api_auth_on_tick(s);
}

void api_server_update_tick(struct api_server *server)
{
    uv_handle_t *handle = (uv_handle_t *)&server->tick;
    if (server->n_conns == 0 && !uv_is_closing(handle))
        uv_timer_stop(&server->tick);
    else if (server->n_conns > 0 && !uv_is_active(handle) && !uv_is_closing(handle))
        uv_timer_start(&server->tick, on_tick, server->tick_ms, server->tick_ms);
}

static void on_tick_closed(uv_handle_t *handle)
{
    struct api_server *s = container_of((uv_timer_t *)handle, struct api_server, tick);
    void (*on_closed)(void *arg) = s->on_closed;
    void *arg = s->on_closed_arg;
    list_foreach(item, &s->listeners) {
        struct api_listener *l = list_entry(item, struct api_listener, link);
        mem_free(l->host);
        mem_free(l);
    }
    if (s->context.observer) {
        api_fresh_stop(s);
        api_kept_stop(s);
    }
    api_peers_free(s->peers);
    api_exchange_free_pool(s);
    blob_unref(s->openapi);
    blob_unref(s->docs);
    api_shared_body_forget(&s->shared);
    api_router_free(s->router);
    mem_free(s);
    on_closed(arg);
}

void api_server_check_closed(struct api_server *server)
{
    if (!server->is_closing || server->is_finishing)
        return;
    /* Exchanges without a connection still wait for an engine or a store that points at them. */
    if (server->n_listeners || server->n_conns || server->n_exchanges)
        return;
    server->is_finishing = true;
    uv_close((uv_handle_t *)&server->tick, on_tick_closed);
}

void api_server_close(struct api_server *server, uint64_t drain_ms, void (*on_closed)(void *arg),
                      void *arg)
{
    server->is_closing = true;
    server->on_closed = on_closed;
    server->on_closed_arg = arg;
    uv_update_time(server->tick.loop);
    server->kill_at_ms = api_server_now(server) + drain_ms;
    list_foreach(item, &server->listeners)
        api_listener_close(list_entry(item, struct api_listener, link));
    list_foreach(item, &server->conns)
        api_conn_drain(list_entry(item, struct api_conn, link));
    api_server_check_closed(server);
}
