/* SPDX-License-Identifier: MIT */
#include "api/http/stream.h"

#include <stdio.h>
#include <string.h>

#include "api/http/conn.h"
#include "base/memory/mem.h"

struct api_stream {
    struct api_conn *conn; /* NULL once the client is gone and a write still holds us */
    const struct api_stream_calls *calls;
    void *arg;
    const char *beat;
    bool is_chunked, is_writing, is_ending;
    uint64_t last_mark, taken_mark;
    struct buf pending; /* whole frames */
    struct buf flight;  /* what libuv is writing */
    uv_write_t write;
};

static void stream_free(struct api_stream *s)
{
    buf_deinit(&s->pending);
    buf_deinit(&s->flight);
    mem_free(s);
}

static void finish(struct api_stream *s)
{
    struct api_conn *conn = s->conn;
    conn->stream = NULL;
    conn->state = API_CONN_IDLE;
    conn->server->stats.n_streams--;
    stream_free(s);
    api_conn_end_exchange(conn);
    api_conn_linger(conn);
}

static void flush(struct api_stream *s);

/* A piece that libuv had is out: what came meanwhile is next. */
static void go_on(struct api_stream *s)
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
    struct api_stream *s = container_of(write, struct api_stream, write);
    s->is_writing = false;
    buf_deinit(&s->flight);
    if (!s->conn)
        stream_free(s);
    else if (status < 0)
        api_conn_close(s->conn);
    else
        go_on(s);
}

/* Hands what the socket does not take at once to libuv, as one piece. */
static void queue_rest(struct api_stream *s)
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
        api_conn_set_deadline(s->conn, 0);
    }
}

static void flush(struct api_stream *s)
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

struct api_stream *api_stream_begin(struct api_exchange *x, const char *type, const char *beat,
                                    const struct api_stream_calls *calls, void *arg)
{
    struct api_conn *conn = x->conn;
    struct api_stream *s = mem_new(struct api_stream);
    s->conn = conn;
    s->calls = calls;
    s->arg = arg;
    s->beat = beat;
    s->is_chunked = !x->request.is_http10;
    buf_init(&s->pending, conn->server->options.max_backlog_bytes);
    x->on_time = x->on_gone = NULL;
    conn->state = API_CONN_STREAMING;
    conn->stream = s;
    conn->server->stats.n_streams++;
    conn->server->stats.n_requests[2]++;
    if (!x->request_id[0])
        api_exchange_name(x);
    struct api_response head = {
        .status = 200,
        .type = type,
        .length = s->is_chunked ? API_LENGTH_CHUNKED : API_LENGTH_CLOSE,
        .date = api_server_date(conn->server),
        .request_id = x->request_id,
        .lines = &x->lines,
        .is_closing = true,
    };
    api_response_append(&head, &s->pending);
    flush(s);
    api_conn_set_deadline(conn, conn->server->options.heartbeat_ms);
    return s;
}

uint64_t api_stream_taken(const struct api_stream *s)
{
    return s->taken_mark;
}

int api_stream_write(struct api_stream *s, const char *bytes, size_t n, uint64_t mark)
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

bool api_stream_is_behind(const struct api_stream *s)
{
    return s->is_writing;
}

void api_stream_forget(struct api_stream *s)
{
    buf_clear(&s->pending);
}

void api_stream_end(struct api_stream *s)
{
    s->is_ending = true;
    s->pending.max += 5;
    if (s->is_chunked)
        (void)buf_append(&s->pending, "0\r\n\r\n", 5);
    s->conn->last_queue = uv_stream_get_write_queue_size(&s->conn->io.stream);
    api_conn_set_deadline(s->conn, s->conn->server->options.write_timeout_ms);
    if (s->pending.len == 0 && !s->is_writing)
        finish(s);
    else
        flush(s);
}

void api_stream_on_gone(struct api_stream *s)
{
    s->conn->server->stats.n_streams--;
    s->conn = NULL;
    if (!s->is_ending)
        s->calls->on_gone(s->arg);
    if (!s->is_writing)
        stream_free(s);
}

void api_stream_on_deadline(struct api_stream *s)
{
    struct api_conn *conn = s->conn;
    if (conn->is_eof) {
        api_conn_close(conn);
        return;
    }
    if (s->is_ending) {
        size_t queue = uv_stream_get_write_queue_size(&conn->io.stream);
        if (queue == conn->last_queue) {
            api_conn_close(conn);
            return;
        }
        conn->last_queue = queue;
        api_conn_set_deadline(conn, conn->server->options.write_timeout_ms);
        return;
    }
    api_conn_set_deadline(conn, conn->server->options.heartbeat_ms);
    if (s->beat && !s->is_writing)
        (void)api_stream_write(s, s->beat, strlen(s->beat), s->last_mark);
}

void api_stream_drain(struct api_stream *s)
{
    if (!s->is_ending)
        s->calls->on_drain(s->arg);
}
