/* SPDX-License-Identifier: MIT */
#include "api/http/conn.h"

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

enum { EXTRA_CONNECTIONS = 64 }; /* beyond the limit, to be told so */

void http_conn_set_deadline(struct http_conn *conn, uint64_t after_ms)
{
    conn->deadline_ms = http_state_now(conn->server) + (after_ms ? after_ms : 1);
}

static void on_closed(uv_handle_t *handle)
{
    struct http_conn *conn = handle->data;
    struct http_server *server = conn->server;
    list_unlink(&conn->link);
    buf_deinit(&conn->unread);
    server->calls->free_conn_data(conn->data);
    mem_free(conn);
    server->stats.n_conns--;
    http_state_update_tick(server);
    http_state_check_closed(server);
}

void http_conn_close_io(struct http_conn *conn)
{
    conn->deadline_ms = 0;
    if (!uv_is_closing(&conn->io.handle))
        uv_close(&conn->io.handle, on_closed);
}

void http_conn_close(struct http_conn *conn)
{
    enum http_conn_state state = conn->state;
    if (state == HTTP_CONN_CLOSING)
        return;
    conn->state = HTTP_CONN_CLOSING;
    if (!conn->is_shutting_down)
        http_conn_close_io(conn);
    if (conn->stream)
        conn->stream_calls->on_gone(take_ptr(conn->stream));
    if (state == HTTP_CONN_HANDLING && conn->exchange)
        http_exchange_lose_client(take_ptr(conn->exchange));
    else if (state != HTTP_CONN_WRITING && conn->exchange)
        http_conn_end_exchange(conn);
    /* While writing, libuv reads the exchange's memory until the write's callback has come. */
}

static void on_refused_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

/* A client beyond the limit is told so without being read. */
static void refuse(struct http_conn *conn)
{
    conn->server->stats.n_refused++;
    http_conn_begin_exchange(conn);
    http_conn_fail(conn, HTTP_FAULT_CONNECTIONS,
                   "All connections that this server allows are in use.");
}

void http_conn_accept(struct http_server *server, struct listener *listener)
{
    unsigned max = server->limits.max_connections;
    struct http_conn *conn = mem_new(struct http_conn);
    int r = listener_accept(listener, &conn->io);
    conn->io.handle.data = conn;
    if (r < 0 || server->stats.n_conns >= max + EXTRA_CONNECTIONS) {
        uv_close(&conn->io.handle, on_refused_closed);
        return;
    }
    conn->server = server;
    conn->listener = listener;
    buf_init(&conn->unread, 0);
    list_init(&conn->link);
    list_append(&server->conns, &conn->link);
    server->stats.n_conns++;
    server->stats.n_accepted++;
    http_state_update_tick(server);
    http_conn_set_deadline(conn, server->limits.idle_timeout_ms);
    http_conn_start_reading(conn);
    if (server->stats.n_conns > max)
        refuse(conn);
}

/* A slow client that still takes bytes is left in peace. */
static void check_progress(struct http_conn *conn)
{
    size_t queue = uv_stream_get_write_queue_size(&conn->io.stream);
    if (queue == conn->last_queue) {
        http_conn_close(conn);
        return;
    }
    conn->last_queue = queue;
    http_conn_set_deadline(conn, conn->server->limits.write_timeout_ms);
}

static void on_deadline(struct http_conn *conn)
{
    conn->deadline_ms = 0;
    switch (conn->state) {
    case HTTP_CONN_IDLE:
    case HTTP_CONN_LINGERING:
    case HTTP_CONN_CLOSING:
        http_conn_close(conn);
        http_conn_close_io(conn);
        break;
    case HTTP_CONN_HEAD:
        http_conn_fail(conn, HTTP_FAULT_TIMEOUT, "The request head did not arrive in time.");
        break;
    case HTTP_CONN_BODY:
        http_conn_fail(conn, HTTP_FAULT_TIMEOUT, "The request body did not arrive in time.");
        break;
    case HTTP_CONN_WRITING:
        check_progress(conn);
        break;
    case HTTP_CONN_STREAMING:
        conn->stream_calls->on_deadline(conn->stream);
        break;
    case HTTP_CONN_HANDLING:
        break;
    }
}

void http_conn_check_deadline(struct http_conn *conn)
{
    uint64_t now = http_state_now(conn->server);
    struct http_exchange *x = conn->state == HTTP_CONN_HANDLING ? conn->exchange : NULL;
    if (x && x->deadline_ms && now >= x->deadline_ms)
        http_exchange_end_wait(x);
    else if (conn->deadline_ms && now >= conn->deadline_ms)
        on_deadline(conn);
}

void http_conn_drain(struct http_conn *conn)
{
    if (conn->state == HTTP_CONN_IDLE)
        http_conn_close(conn);
    else if (conn->state == HTTP_CONN_HANDLING)
        http_exchange_end_wait(conn->exchange);
    else if (conn->state == HTTP_CONN_STREAMING)
        conn->stream_calls->on_drain(conn->stream);
}
