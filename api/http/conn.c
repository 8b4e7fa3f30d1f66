/* SPDX-License-Identifier: MIT */
#include "api/http/conn.h"

#include <string.h>

#include "api/http/stream.h"
#include "base/loop/loop.h"
#include "base/memory/mem.h"
#include "base/loop/pipe_server.h"

enum {
    EXTRA_CONNECTIONS = 64, /* beyond the limit, to be told so */
    KEEPALIVE_S = 60        /* TCP probes find clients that vanished without a word */
};

void api_conn_set_deadline(struct api_conn *conn, uint64_t after_ms)
{
    conn->deadline_ms = api_server_now(conn->server) + (after_ms ? after_ms : 1);
}

static void on_closed(uv_handle_t *handle)
{
    struct api_conn *conn = handle->data;
    struct api_server *server = conn->server;
    list_unlink(&conn->link);
    buf_deinit(&conn->unread);
    mem_free(conn);
    server->n_conns--;
    api_server_update_tick(server);
    api_server_check_closed(server);
}

void api_conn_close(struct api_conn *conn)
{
    enum api_conn_state state = conn->state;
    if (state == API_CONN_CLOSING)
        return;
    conn->state = API_CONN_CLOSING;
    conn->deadline_ms = 0;
    uv_close(&conn->io.handle, on_closed);
    struct api_exchange *x = conn->exchange;
    if (conn->stream)
        api_stream_on_gone(take_ptr(conn->stream));
    if (state == API_CONN_HANDLING && x) {
        /* Somebody works for this exchange and will answer it, to nobody. */
        conn->exchange = NULL;
        x->conn = NULL;
        if (x->on_gone)
            x->on_gone(x);
    } else if (state != API_CONN_WRITING && x) {
        api_conn_end_exchange(conn);
    }
    /* While writing, libuv reads the exchange's memory until the write's callback has come. */
}

static void on_handle_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static struct api_conn *conn_new(struct api_listener *listener)
{
    struct api_conn *conn = mem_new(struct api_conn);
    uv_loop_t *loop = &listener->server->context.loop->uv;
    if (api_listener_is_pipe(listener))
        uv_pipe_init(loop, &conn->io.pipe, 0);
    else
        uv_tcp_init(loop, &conn->io.tcp);
    conn->io.handle.data = conn;
    conn->server = listener->server;
    conn->listener = listener;
    list_init(&conn->link);
    buf_init(&conn->unread, 0);
    return conn;
}

static int open_conn(struct api_conn *conn, struct api_listener *listener)
{
    return listener->pipe ? pipe_server_accept(listener->pipe, &conn->io.pipe)
                          : uv_accept((uv_stream_t *)&listener->tcp, &conn->io.stream);
}

static void set_up(struct api_conn *conn)
{
    if (api_listener_is_pipe(conn->listener))
        return;
    uv_tcp_nodelay(&conn->io.tcp, 1);
    uv_tcp_keepalive(&conn->io.tcp, 1, KEEPALIVE_S);
}

/* A client beyond the limit is told so without being read. */
static void refuse_connection(struct api_conn *conn)
{
    conn->server->stats.n_refused++;
    conn->exchange = api_exchange_take(conn->server);
    conn->exchange->conn = conn;
    api_conn_refuse(conn, API_TOO_MANY_CONNECTIONS,
                    "All connections that this server allows are in use.");
}

void api_conn_accept(struct api_listener *listener)
{
    struct api_server *server = listener->server;
    unsigned max = server->options.max_connections;
    struct api_conn *conn = conn_new(listener);
    if (open_conn(conn, listener) < 0 || server->n_conns >= max + EXTRA_CONNECTIONS) {
        uv_close(&conn->io.handle, on_handle_closed);
        return;
    }
    list_append(&server->conns, &conn->link);
    server->n_conns++;
    server->stats.n_accepted++;
    api_server_update_tick(server);
    set_up(conn);
    api_conn_set_deadline(conn, server->options.idle_timeout_ms);
    api_conn_start_reading(conn);
    if (server->n_conns > max)
        refuse_connection(conn);
}

/* A slow client that still takes bytes is left in peace. */
static void check_progress(struct api_conn *conn)
{
    size_t queue = uv_stream_get_write_queue_size(&conn->io.stream);
    if (queue == conn->last_queue) {
        api_conn_close(conn);
        return;
    }
    conn->last_queue = queue;
    api_conn_set_deadline(conn, conn->server->options.write_timeout_ms);
}

static void end_wait(struct api_exchange *x)
{
    void (*on_time)(struct api_exchange * x) = x->on_time;
    if (!on_time)
        return;
    api_exchange_unwait(x);
    on_time(x);
}

void api_conn_on_deadline(struct api_conn *conn)
{
    conn->deadline_ms = 0;
    switch (conn->state) {
    case API_CONN_IDLE:
    case API_CONN_LINGERING:
        api_conn_close(conn);
        break;
    case API_CONN_HEAD:
        api_conn_refuse(conn, API_REQUEST_TIMEOUT, "The request head did not arrive in time.");
        break;
    case API_CONN_BODY:
        api_conn_refuse(conn, API_REQUEST_TIMEOUT, "The request body did not arrive in time.");
        break;
    case API_CONN_HANDLING:
        end_wait(conn->exchange);
        break;
    case API_CONN_WRITING:
        check_progress(conn);
        break;
    case API_CONN_STREAMING:
        api_stream_on_deadline(conn->stream);
        break;
    case API_CONN_CLOSING:
        break;
    }
}

void api_conn_drain(struct api_conn *conn)
{
    if (conn->state == API_CONN_IDLE)
        api_conn_close(conn);
    else if (conn->state == API_CONN_HANDLING)
        end_wait(conn->exchange);
    else if (conn->state == API_CONN_STREAMING)
        api_stream_drain(conn->stream);
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    static const unsigned char v6[16] = {[15] = 1};
    static const unsigned char mapped[13] = {[10] = 0xff, [11] = 0xff, [12] = 127};
    if (address->ss_family == AF_INET)
        return *(const unsigned char *)&((const struct sockaddr_in *)address)->sin_addr == 127;
    const void *bytes = &((const struct sockaddr_in6 *)address)->sin6_addr;
    return memcmp(bytes, v6, sizeof(v6)) == 0 || memcmp(bytes, mapped, sizeof(mapped)) == 0;
}

bool api_conn_is_loopback(const struct api_conn *conn)
{
    struct sockaddr_storage address = {0};
    int size = sizeof(address);
    if (api_listener_is_pipe(conn->listener))
        return true;
    return uv_tcp_getpeername(&conn->io.tcp, (struct sockaddr *)&address, &size) == 0 &&
           is_loopback(&address);
}
