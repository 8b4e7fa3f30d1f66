/* SPDX-License-Identifier: MIT */
#include "api/http/conn.h"

enum { MAX_UNREAD = 65536 }; /* pipelined bytes kept while a request is handled */

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct http_conn *conn = handle->data;
    (void)size;
    *buf = uv_buf_init(conn->server->read_buf, sizeof(conn->server->read_buf));
}

static bool is_reading(const struct http_conn *conn)
{
    return conn->state <= HTTP_CONN_BODY;
}

static void on_eof(struct http_conn *conn)
{
    conn->is_eof = true;
    /* A client may send its request, close its half and wait for a short answer. One that would
     * wait for long is taken for gone. */
    const struct http_wait *wait = conn->exchange ? conn->exchange->wait : NULL;
    bool is_owed = conn->state == HTTP_CONN_WRITING ||
                   (conn->state == HTTP_CONN_HANDLING && (!wait || !wait->is_long));
    if (!is_owed)
        http_conn_close(conn);
}

static void on_message(struct http_conn *conn)
{
    struct http_exchange *x = conn->exchange;
    conn->state = HTTP_CONN_HANDLING;
    conn->deadline_ms = 0;
    x->server->calls->on_request(x);
}

void http_conn_fail(struct http_conn *conn, enum http_fault fault, const char *detail)
{
    struct http_exchange *x = conn->exchange;
    conn->state = HTTP_CONN_HANDLING;
    conn->deadline_ms = 0;
    x->request.is_keep_alive = false;
    x->server->calls->on_fault(x, fault, detail);
}

static void offer_continue(struct http_conn *conn)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const struct http_request *r = &conn->exchange->request;
    if (r->is_http10 || !http_request_header(r, HTTP_HEADER_EXPECT))
        return;
    /* 25 bytes into an empty socket buffer; should they not fit, the client sends its body after a
     * moment anyway, as RFC 9110 section 10.1.1 tells it to. */
    uv_buf_t b = uv_buf_init((char *)text, sizeof(text) - 1);
    (void)uv_try_write(&conn->io.stream, &b, 1);
}

static void read_body(struct http_conn *conn)
{
    if (!http_request_has_body(&conn->exchange->request)) {
        on_message(conn);
        return;
    }
    conn->state = HTTP_CONN_BODY;
    http_conn_set_deadline(conn, conn->server->limits.body_timeout_ms);
    offer_continue(conn);
}

void http_conn_proceed(struct http_exchange *x)
{
    struct http_conn *conn = x->conn;
    read_body(conn);
    /* Called from on_head, the loop that reads requests goes on by itself. */
    http_conn_process(conn);
}

static void on_head(struct http_conn *conn)
{
    struct http_exchange *x = conn->exchange;
    conn->state = HTTP_CONN_HANDLING;
    conn->deadline_ms = 0;
    x->server->calls->on_head(x);
}

void http_conn_begin_exchange(struct http_conn *conn)
{
    struct http_exchange *x = http_exchange_take(conn->server);
    x->conn = conn;
    x->listener = conn->listener;
    x->io = &conn->io;
    x->conn_data = &conn->data;
    conn->exchange = x;
    conn->state = HTTP_CONN_HEAD;
    http_conn_set_deadline(conn, conn->server->limits.head_timeout_ms);
}

/* One step of the parser. Returns false when it used all bytes and wants more. */
static bool step(struct http_conn *conn, const char *bytes, size_t n, size_t *used)
{
    struct http_parser *p = &conn->exchange->parser;
    size_t n_step;
    enum http_parse outcome = http_parser_feed(p, bytes, n, &n_step);
    *used += n_step;
    switch (outcome) {
    case HTTP_PARSE_HEAD:
        on_head(conn);
        break;
    case HTTP_PARSE_DONE:
        on_message(conn);
        break;
    case HTTP_PARSE_BAD:
        http_conn_fail(conn, p->fault, p->detail);
        break;
    case HTTP_PARSE_MORE:
        return false;
    }
    return true;
}

/* Reads requests until the bytes are used or one must be waited for. Returns how many were used. */
static size_t use_bytes(struct http_conn *conn, const char *bytes, size_t n)
{
    size_t used = 0;
    bool is_going = true;
    conn->is_processing = true;
    while (is_going && is_reading(conn)) {
        if (conn->state == HTTP_CONN_IDLE) {
            /* Empty lines before a request line are ignored (RFC 9112, section 2.2). */
            while (used < n && (bytes[used] == '\r' || bytes[used] == '\n'))
                used++;
            if (used == n)
                break;
            http_conn_begin_exchange(conn);
        }
        is_going = step(conn, bytes + used, n - used, &used);
    }
    conn->is_processing = false;
    return used;
}

static void keep_unread(struct http_conn *conn, const char *bytes, size_t n)
{
    (void)buf_append(&conn->unread, bytes, n);
    if (conn->unread.len >= MAX_UNREAD && !conn->is_held) {
        conn->is_held = true;
        uv_read_stop(&conn->io.stream);
    }
}

static void on_bytes(struct http_conn *conn, const char *bytes, size_t n)
{
    size_t used = 0;
    if (conn->unread.len == 0 && is_reading(conn))
        used = use_bytes(conn, bytes, n);
    if (used < n && conn->state <= HTTP_CONN_WRITING)
        keep_unread(conn, bytes + used, n - used);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct http_conn *conn = stream->data;
    if (n == UV_EOF)
        on_eof(conn);
    else if (n < 0)
        http_conn_close(conn);
    else
        on_bytes(conn, buf->base, (size_t)n);
}

void http_conn_start_reading(struct http_conn *conn)
{
    if (!conn->is_eof && conn->state != HTTP_CONN_CLOSING)
        uv_read_start(&conn->io.stream, on_alloc, on_read);
}

void http_conn_process(struct http_conn *conn)
{
    if (conn->is_processing)
        return;
    if (conn->unread.len > 0 && is_reading(conn)) {
        size_t used = use_bytes(conn, conn->unread.data, conn->unread.len);
        buf_consume(&conn->unread, used);
        if (conn->unread.len == 0)
            buf_deinit(&conn->unread);
    }
    if (conn->is_held && conn->unread.len < MAX_UNREAD) {
        conn->is_held = false;
        http_conn_start_reading(conn);
    }
}
