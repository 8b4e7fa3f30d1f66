/* SPDX-License-Identifier: MIT */
#include "api/http/stream.h"

#include <stdio.h>
#include <string.h>

#include "api/http/conn.h"
#include "base/memory/mem.h"

struct http_stream {
    struct http_conn *conn; /* NULL once the client is gone and a write still holds us */
    const struct http_stream_calls *calls;
    void *arg;
    const char *beat;
    bool is_chunked, is_writing, is_ending;
    uint64_t last_mark, taken_mark;
    struct buf pending; /* whole frames */
    struct buf flight;  /* what libuv is writing */
    uv_write_t write;
};

static void stream_free(struct http_stream *s)
{
    buf_deinit(&s->pending);
    buf_deinit(&s->flight);
    mem_free(s);
}

static void finish(struct http_stream *s)
{
    struct http_conn *conn = s->conn;
    conn->stream = NULL;
    conn->state = HTTP_CONN_IDLE;
    conn->server->stats.n_streams--;
    stream_free(s);
    http_conn_end_exchange(conn);
    http_conn_linger(conn);
}

static void flush(struct http_stream *s);

/* A piece that libuv had is out: what came meanwhile is next. */
static void go_on(struct http_stream *s)
{
    if (s->is_ending) {
        if (s->pending.len > 0)
            flush(s);
        else
            finish(s);
        return;
    }
    flush(s);
    if (!s->is_writing)
        s->calls->on_ready(s->arg);
}

static void on_written(uv_write_t *write, int status)
{
    struct http_stream *s = container_of(write, struct http_stream, write);
    s->is_writing = false;
    buf_deinit(&s->flight);
    if (!s->conn)
        stream_free(s);
    else if (status < 0)
        http_conn_close(s->conn);
    else
        go_on(s);
}

/* Hands what the socket does not take at once to libuv, as one piece. */
static void queue_rest(struct http_stream *s)
{
    struct buf empty = {.max = s->pending.max};
    s->flight = s->pending;
    s->pending = empty;
    s->is_writing = true;
    s->conn->last_queue = 0;
    uv_buf_t b = uv_buf_init(s->flight.data, (unsigned)s->flight.len);
    if (uv_write(&s->write, &s->conn->io.stream, &b, 1, on_written) < 0) {
        s->is_writing = false;
        /* Not within the caller's hands: the next deadline, a moment from now, closes. */
        s->conn->is_eof = true;
        http_conn_set_deadline(s->conn, 0);
    }
}

static void flush(struct http_stream *s)
{
    if (s->is_writing || s->pending.len == 0)
        return;
    uv_buf_t b = uv_buf_init(s->pending.data, (unsigned)s->pending.len);
    int n = uv_try_write(&s->conn->io.stream, &b, 1);
    s->taken_mark = s->last_mark;
    if (n > 0)
        buf_consume(&s->pending, (size_t)n);
    if (s->pending.len > 0)
        queue_rest(s);
    else if (s->is_ending)
        finish(s);
}

uint64_t http_stream_taken(const struct http_stream *s)
{
    return s->taken_mark;
}

int http_stream_write(struct http_stream *s, const char *bytes, size_t n, uint64_t mark)
{
    char frame[24];
    int n_frame = s->is_chunked ? snprintf(frame, sizeof(frame), "%zx\r\n", n) : 0;
    if (n == 0)
        return 0;
    if (!buf_reserve(&s->pending, (size_t)n_frame + n + 2))
        return UV_ENOBUFS;
    (void)buf_append(&s->pending, frame, (size_t)n_frame);
    (void)buf_append(&s->pending, bytes, n);
    if (s->is_chunked)
        (void)buf_append(&s->pending, "\r\n", 2);
    s->last_mark = mark;
    flush(s);
    return 0;
}

bool http_stream_is_behind(const struct http_stream *s)
{
    return s->is_writing;
}

void http_stream_forget(struct http_stream *s)
{
    buf_clear(&s->pending);
}

void http_stream_end(struct http_stream *s)
{
    s->is_ending = true;
    s->pending.max += 5;
    if (s->is_chunked)
        (void)buf_append(&s->pending, "0\r\n\r\n", 5);
    s->conn->last_queue = uv_stream_get_write_queue_size(&s->conn->io.stream);
    http_conn_set_deadline(s->conn, s->conn->server->limits.write_timeout_ms);
    if (s->pending.len == 0 && !s->is_writing)
        finish(s);
    else
        flush(s);
}

static void on_gone(void *arg)
{
    struct http_stream *s = arg;
    s->conn->server->stats.n_streams--;
    s->conn = NULL;
    if (!s->is_ending)
        s->calls->on_gone(s->arg);
    if (!s->is_writing)
        stream_free(s);
}

static void on_deadline(void *arg)
{
    struct http_stream *s = arg;
    struct http_conn *conn = s->conn;
    if (conn->is_eof) {
        http_conn_close(conn);
        return;
    }
    if (s->is_ending) {
        size_t queue = uv_stream_get_write_queue_size(&conn->io.stream);
        if (queue == conn->last_queue) {
            http_conn_close(conn);
            return;
        }
        conn->last_queue = queue;
        http_conn_set_deadline(conn, conn->server->limits.write_timeout_ms);
        return;
    }
    http_conn_set_deadline(conn, conn->server->limits.heartbeat_ms);
    if (s->beat && !s->is_writing)
        (void)http_stream_write(s, s->beat, strlen(s->beat), s->last_mark);
}

static void on_drain(void *arg)
{
    struct http_stream *s = arg;
    if (!s->is_ending)
        s->calls->on_drain(s->arg);
}

static const struct http_conn_stream conn_calls = {on_gone, on_deadline, on_drain};

static void write_head(struct http_stream *s, struct http_exchange *x, const char *type)
{
    const struct http_response head = {
        .status = 200,
        .type = type,
        .length = s->is_chunked ? HTTP_LENGTH_CHUNKED : HTTP_LENGTH_CLOSE,
        .date = http_state_date(x->server),
        .request_id = http_exchange_id(x),
        .lines = &x->lines,
        .is_closing = true,
    };
    http_response_append(&head, &s->pending);
    flush(s);
}

struct http_stream *http_stream_begin(struct http_exchange *x, const char *type, const char *beat,
                                      const struct http_stream_calls *calls, void *arg)
{
    struct http_conn *conn = x->conn;
    struct http_stream *s = mem_new(struct http_stream);
    s->conn = conn;
    s->calls = calls;
    s->arg = arg;
    s->beat = beat;
    s->is_chunked = !x->request.is_http10;
    buf_init(&s->pending, conn->server->limits.max_backlog_bytes);
    http_exchange_woken(x);
    conn->state = HTTP_CONN_STREAMING;
    conn->stream = s;
    conn->stream_calls = &conn_calls;
    conn->server->stats.n_streams++;
    conn->server->stats.n_requests[2]++;
    write_head(s, x, type);
    http_conn_set_deadline(conn, conn->server->limits.heartbeat_ms);
    return s;
}
