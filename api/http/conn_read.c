/* SPDX-License-Identifier: MIT */
#include "api/http/conn.h"
#include "api/http/gate.h"

enum { MAX_UNREAD = 65536 }; /* pipelined bytes kept while a request is handled */

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct api_conn *conn = handle->data;
    (void)size;
    *buf = uv_buf_init(conn->server->read_buf, sizeof(conn->server->read_buf));
}

static bool is_reading(const struct api_conn *conn)
{
    return conn->state <= API_CONN_BODY;
}

static void on_eof(struct api_conn *conn)
{
    conn->is_eof = true;
    /* A client may send its request, close its half and wait for a short answer. One that would
     * wait for long is taken for gone. */
    bool is_owed = conn->state == API_CONN_WRITING ||
                   (conn->state == API_CONN_HANDLING && !conn->exchange->on_gone);
    if (!is_owed)
        api_conn_close(conn);
}

static void on_message(struct api_conn *conn)
{
    struct api_exchange *x = conn->exchange;
    conn->state = API_CONN_HANDLING;
    conn->deadline_ms = 0;
    x->route->handler(x);
}

void api_conn_refuse(struct api_conn *conn, enum api_code code, const char *detail)
{
    struct api_exchange *x = conn->exchange;
    conn->state = API_CONN_HANDLING;
    conn->deadline_ms = 0;
    x->request.is_keep_alive = false;
    api_respond_code(x, code, "%s", detail);
}

static void offer_continue(struct api_conn *conn)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const struct api_request *r = &conn->exchange->request;
    if (r->is_http10 || !api_request_header(r, API_HEADER_EXPECT))
        return;
    /* 25 bytes into an empty socket buffer; should they not fit, the client sends its body after a
     * moment anyway, as RFC 9110 section 10.1.1 tells it to. */
    uv_buf_t b = uv_buf_init((char *)text, sizeof(text) - 1);
    (void)uv_try_write(&conn->io.stream, &b, 1);
}

/* The head has passed the gate. */
static void start_body(struct api_conn *conn)
{
    if (!api_request_has_body(&conn->exchange->request)) {
        on_message(conn);
        return;
    }
    conn->state = API_CONN_BODY;
    api_conn_set_deadline(conn, conn->server->options.body_timeout_ms);
    offer_continue(conn);
}

void api_conn_continue(struct api_conn *conn)
{
    start_body(conn);
    api_conn_process(conn);
}

static void on_head(struct api_conn *conn)
{
    conn->state = API_CONN_HANDLING;
    conn->deadline_ms = 0;
    if (api_gate_check(conn->exchange) == API_GATE_OPEN)
        start_body(conn);
}

static void start_request(struct api_conn *conn)
{
    conn->exchange = api_exchange_take(conn->server);
    conn->exchange->conn = conn;
    conn->exchange->is_by_pipe = api_listener_is_pipe(conn->listener);
    conn->state = API_CONN_HEAD;
    api_conn_set_deadline(conn, conn->server->options.head_timeout_ms);
}

/* One step of the parser. Returns false when it used all bytes and wants more. */
static bool step(struct api_conn *conn, const char *bytes, size_t n, size_t *used)
{
    struct api_parser *p = &conn->exchange->parser;
    size_t n_step;
    enum api_parse outcome = api_parser_feed(p, bytes, n, &n_step);
    *used += n_step;
    switch (outcome) {
    case API_PARSE_HEAD:
        on_head(conn);
        break;
    case API_PARSE_DONE:
        on_message(conn);
        break;
    case API_PARSE_BAD:
        api_conn_refuse(conn, p->code, p->detail);
        break;
    case API_PARSE_MORE:
        return false;
    }
    return true;
}

/* Reads requests until the bytes are used or one must be waited for. Returns how many were used. */
static size_t use_bytes(struct api_conn *conn, const char *bytes, size_t n)
{
    size_t used = 0;
    bool is_going = true;
    conn->is_processing = true;
    while (is_going && is_reading(conn)) {
        if (conn->state == API_CONN_IDLE) {
            /* Empty lines before a request line are ignored (RFC 9112, section 2.2). */
            while (used < n && (bytes[used] == '\r' || bytes[used] == '\n'))
                used++;
            if (used == n)
                break;
            start_request(conn);
        }
        is_going = step(conn, bytes + used, n - used, &used);
    }
    conn->is_processing = false;
    return used;
}

static void keep_unread(struct api_conn *conn, const char *bytes, size_t n)
{
    (void)buf_append(&conn->unread, bytes, n);
    if (conn->unread.len >= MAX_UNREAD && !conn->is_held) {
        conn->is_held = true;
        uv_read_stop(&conn->io.stream);
    }
}

static void on_bytes(struct api_conn *conn, const char *bytes, size_t n)
{
    size_t used = 0;
    if (conn->unread.len == 0 && is_reading(conn))
        used = use_bytes(conn, bytes, n);
    if (used < n && conn->state <= API_CONN_WRITING)
        keep_unread(conn, bytes + used, n - used);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct api_conn *conn = stream->data;
    if (n == UV_EOF)
        on_eof(conn);
    else if (n < 0)
        api_conn_close(conn);
    else
        on_bytes(conn, buf->base, (size_t)n);
}

void api_conn_start_reading(struct api_conn *conn)
{
    if (!conn->is_eof && conn->state != API_CONN_CLOSING)
        uv_read_start(&conn->io.stream, on_alloc, on_read);
}

void api_conn_process(struct api_conn *conn)
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
        api_conn_start_reading(conn);
    }
}
