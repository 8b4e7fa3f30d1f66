/* SPDX-License-Identifier: MIT */
#include "api/http/conn.h"

#include "base/memory/cleanup.h"

enum { LINGER_MS = 2000 };

bool http_conn_is_last(const struct http_conn *conn)
{
    const struct http_exchange *x = conn->exchange;
    /* With a body unread, the next bytes would be taken for a request. */
    bool is_half_read = !x->parser.is_done && http_request_has_body(&x->request);
    return !x->request.is_keep_alive || is_half_read || conn->is_eof || conn->server->is_closing;
}

void http_conn_end_exchange(struct http_conn *conn)
{
    struct http_exchange *x = take_ptr(conn->exchange);
    x->conn = NULL;
    http_exchange_release(x);
}

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    struct http_conn *conn = container_of(shutdown, struct http_conn, shutdown);
    conn->is_shutting_down = false;
    if (conn->state == HTTP_CONN_CLOSING)
        http_conn_close_io(conn);
    else if (status < 0)
        http_conn_close(conn);
}

void http_conn_linger(struct http_conn *conn)
{
    if (conn->is_eof || uv_shutdown(&conn->shutdown, &conn->io.stream, on_shutdown) < 0) {
        http_conn_close(conn);
        return;
    }
    conn->is_shutting_down = true;
    conn->state = HTTP_CONN_LINGERING;
    http_conn_set_deadline(conn, LINGER_MS);
    if (conn->is_held) {
        conn->is_held = false;
        http_conn_start_reading(conn);
    }
}

/* The answer is out: next request, or the end. */
static void on_answered(struct http_conn *conn)
{
    bool is_last = http_conn_is_last(conn);
    conn->state = HTTP_CONN_IDLE;
    http_conn_end_exchange(conn);
    if (is_last) {
        http_conn_linger(conn);
        return;
    }
    http_conn_set_deadline(conn, conn->server->limits.idle_timeout_ms);
    http_conn_process(conn);
}

static void on_written(uv_write_t *write, int status)
{
    struct http_conn *conn = container_of(write, struct http_exchange, write)->conn;
    if (status == 0 && conn->state == HTTP_CONN_WRITING) {
        on_answered(conn);
        return;
    }
    http_conn_end_exchange(conn);
    http_conn_close(conn);
}

static void skip(uv_buf_t *b, size_t *n)
{
    size_t part = *n < b->len ? *n : b->len;
    b->base += part;
    b->len -= part;
    *n -= part;
}

/* What the socket did not take at once goes through libuv's queue. */
static void send_rest(struct http_conn *conn, uv_buf_t bufs[2], size_t written)
{
    skip(&bufs[0], &written);
    skip(&bufs[1], &written);
    conn->state = HTTP_CONN_WRITING;
    conn->last_queue = 0;
    http_conn_set_deadline(conn, conn->server->limits.write_timeout_ms);
    if (uv_write(&conn->exchange->write, &conn->io.stream, bufs, 2, on_written) < 0) {
        http_conn_end_exchange(conn);
        http_conn_close(conn);
    }
}

void http_conn_send(struct http_conn *conn, uv_buf_t head, uv_buf_t body)
{
    uv_buf_t bufs[2] = {head, body};
    int n = uv_try_write(&conn->io.stream, bufs, body.len ? 2 : 1);
    size_t written = n > 0 ? (size_t)n : 0;
    conn->deadline_ms = 0;
    if (written == (size_t)head.len + body.len)
        on_answered(conn);
    else
        send_rest(conn, bufs, written);
}
