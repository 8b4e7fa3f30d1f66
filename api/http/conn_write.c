/* SPDX-License-Identifier: MIT */
#include "api/http/conn.h"

enum { LINGER_MS = 2000 };

bool api_conn_is_last(const struct api_conn *conn)
{
    const struct api_exchange *x = conn->exchange;
    /* With a body unread, the next bytes would be taken for a request. */
    bool is_half_read = !x->parser.is_done && api_request_has_body(&x->request);
    return !x->request.is_keep_alive || is_half_read || conn->is_eof || conn->server->is_closing;
}

void api_conn_end_exchange(struct api_conn *conn)
{
    struct api_exchange *x = take_ptr(conn->exchange);
    x->conn = NULL;
    api_exchange_release(x);
}

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    struct api_conn *conn = container_of(shutdown, struct api_conn, shutdown);
    if (status < 0)
        api_conn_close(conn);
}

void api_conn_linger(struct api_conn *conn)
{
    if (conn->is_eof || uv_shutdown(&conn->shutdown, &conn->io.stream, on_shutdown) < 0) {
        api_conn_close(conn);
        return;
    }
    conn->state = API_CONN_LINGERING;
    api_conn_set_deadline(conn, LINGER_MS);
    if (conn->is_held) {
        conn->is_held = false;
        api_conn_start_reading(conn);
    }
}

/* The answer is out: next request, or the end. */
static void on_answered(struct api_conn *conn)
{
    bool is_last = api_conn_is_last(conn);
    conn->state = API_CONN_IDLE;
    api_conn_end_exchange(conn);
    if (is_last) {
        api_conn_linger(conn);
        return;
    }
    api_conn_set_deadline(conn, conn->server->options.idle_timeout_ms);
    api_conn_process(conn);
}

static void on_written(uv_write_t *write, int status)
{
    struct api_conn *conn = container_of(write, struct api_exchange, write)->conn;
    if (status == 0 && conn->state == API_CONN_WRITING) {
        on_answered(conn);
        return;
    }
    api_conn_end_exchange(conn);
    api_conn_close(conn);
}

static void skip(uv_buf_t *b, size_t *n)
{
    size_t part = *n < b->len ? *n : b->len;
    b->base += part;
    b->len -= part;
    *n -= part;
}

/* What the socket did not take at once goes through libuv's queue. */
static void send_rest(struct api_conn *conn, uv_buf_t bufs[2], size_t written)
{
    skip(&bufs[0], &written);
    skip(&bufs[1], &written);
    conn->state = API_CONN_WRITING;
    conn->last_queue = 0;
    api_conn_set_deadline(conn, conn->server->options.write_timeout_ms);
    if (uv_write(&conn->exchange->write, &conn->io.stream, bufs, 2, on_written) < 0) {
        api_conn_end_exchange(conn);
        api_conn_close(conn);
    }
}

static size_t try_send(struct api_conn *conn, const uv_buf_t bufs[2])
{
    struct blob *blob = conn->exchange->blob;
    int n = UV_ENOTSUP;
    if (blob && bufs[1].base == blob->data && bufs[1].len == blob->len)
        n = api_shared_body_send(&conn->server->shared, &conn->io.stream, bufs[0], blob);
    if (n == UV_ENOTSUP)
        n = uv_try_write(&conn->io.stream, bufs, bufs[1].len ? 2 : 1);
    return n > 0 ? (size_t)n : 0;
}

void api_conn_send(struct api_conn *conn, uv_buf_t head, uv_buf_t body)
{
    uv_buf_t bufs[2] = {head, body};
    size_t written = try_send(conn, bufs);
    conn->deadline_ms = 0;
    if (written == (size_t)head.len + body.len)
        on_answered(conn);
    else
        send_rest(conn, bufs, written);
}
