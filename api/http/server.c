/* SPDX-License-Identifier: MIT */
#include "api/http/server.h"

#include "api/http/conn.h"
#include "api/http/state.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/random.h"

/* A listener and the server it belongs to. */
struct entrance {
    struct http_server *server;
    struct listener *listener;
    struct list link;
};

/* Deadlines are looked at a few times within the shortest of them, and twice a second otherwise:
 * nobody notices a timeout that comes half a second late. */
static unsigned choose_tick(const struct http_limits *l)
{
    const unsigned times[] = {l->head_timeout_ms, l->body_timeout_ms, l->idle_timeout_ms,
                              l->write_timeout_ms, l->heartbeat_ms};
    unsigned shortest = 2000;
    for (size_t i = 0; i < countof(times); i++) {
        if (times[i] < shortest)
            shortest = times[i];
    }
    return shortest / 4 > 10 ? shortest / 4 : 10;
}

static void on_tick(uv_timer_t *tick)
{
    struct http_server *s = container_of(tick, struct http_server, tick);
    bool is_over = s->is_closing && http_state_now(s) >= s->kill_at_ms;
    list_foreach(item, &s->conns) {
        struct http_conn *conn = list_entry(item, struct http_conn, link);
        if (is_over)
            http_conn_close(conn);
        http_conn_check_deadline(conn);
    }
}

static void on_tick_closed(uv_handle_t *handle)
{
    struct http_server *s = container_of((uv_timer_t *)handle, struct http_server, tick);
    void (*on_closed)(void *arg) = s->on_closed;
    void *arg = s->on_closed_arg;
    list_foreach(item, &s->listeners) {
        struct entrance *entrance = list_entry(item, struct entrance, link);
        listener_free(entrance->listener);
        mem_free(entrance);
    }
    http_exchange_free_pool(s);
    mem_free(s);
    on_closed(arg);
}

static void finish(struct http_server *server)
{
    uv_close((uv_handle_t *)&server->tick, on_tick_closed);
}

struct http_server *http_server_new(struct loop *loop, const struct http_limits *limits,
                                    const struct http_calls *calls, void *arg)
{
    struct http_server *s = mem_new(struct http_server);
    s->loop = loop;
    s->limits = *limits;
    s->calls = calls;
    s->arg = arg;
    list_init(&s->listeners);
    list_init(&s->conns);
    list_init(&s->pool);
    random_bytes(&s->request_prefix, sizeof(s->request_prefix));
    s->tick_ms = choose_tick(limits);
    s->on_tick = on_tick;
    s->finish = finish;
    uv_timer_init(&loop->uv, &s->tick);
    return s;
}

static void on_client(void *arg, struct listener *listener)
{
    const struct entrance *entrance = arg;
    http_conn_accept(entrance->server, listener);
}

static struct entrance *entrance_new(struct http_server *server)
{
    struct entrance *entrance = mem_new(struct entrance);
    entrance->server = server;
    return entrance;
}

/* Takes over what listens; what does not is no entrance. */
static int keep_entrance(struct entrance *entrance, int status)
{
    if (status < 0) {
        mem_free(entrance);
        return status;
    }
    list_append(&entrance->server->listeners, &entrance->link);
    entrance->server->n_listeners++;
    return 0;
}

int http_server_listen_tcp(struct http_server *server, const char *host, unsigned port,
                           int *ret_port)
{
    struct entrance *entrance = entrance_new(server);
    return keep_entrance(entrance, listener_new_tcp(server->loop, host, port, on_client, entrance,
                                                    &entrance->listener, ret_port));
}

int http_server_listen_pipe(struct http_server *server, const char *path, const char *sddl)
{
    struct entrance *entrance = entrance_new(server);
    return keep_entrance(entrance, listener_new_pipe(server->loop, path, sddl, on_client, entrance,
                                                     &entrance->listener));
}

const struct http_stats *http_server_stats(const struct http_server *server)
{
    return &server->stats;
}

static void on_listener_closed(void *arg)
{
    struct http_server *server = arg;
    server->n_listeners--;
    http_state_check_closed(server);
}

void http_server_close(struct http_server *server, uint64_t drain_ms, void (*on_closed)(void *arg),
                       void *arg)
{
    server->on_closed = on_closed;
    server->on_closed_arg = arg;
    server->is_closing = true;
    uv_update_time(&server->loop->uv);
    server->kill_at_ms = http_state_now(server) + drain_ms;
    list_foreach(item, &server->listeners)
        listener_close(list_entry(item, struct entrance, link)->listener, on_listener_closed,
                       server);
    list_foreach(item, &server->conns)
        http_conn_drain(list_entry(item, struct http_conn, link));
    http_state_check_closed(server);
}
