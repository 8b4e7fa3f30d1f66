/* SPDX-License-Identifier: MIT */
/* What is read is collected in `in` until a frame is complete; what is written is one write for
 * each send. The link ends once, for whatever reason (`is_ended`, on_end), and is closed by its
 * owner after that or before. */
#include "runner/agent_link.h"

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

enum { READ_SIZE = 16384 };

struct agent_link {
    uv_pipe_t *pipe;
    size_t max_frame;
    const struct agent_link_events *events;
    void *arg;
    struct buf in;
    bool is_closing, is_ended;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

struct message {
    uv_write_t write;
    char *bytes;
};

static void on_pipe_closed(uv_handle_t *handle)
{
    struct agent_link *l = handle->data;
    void (*on_closed)(void *arg) = l->on_closed;
    void *arg = l->on_closed_arg;
    mem_free(handle);
    buf_deinit(&l->in);
    mem_free(l);
    if (on_closed)
        on_closed(arg);
}

static void finish(struct agent_link *l, const char *why)
{
    if (l->is_ended || l->is_closing)
        return;
    l->is_ended = true;
    uv_read_stop((uv_stream_t *)l->pipe);
    l->events->on_end(l->arg, why);
}

static void on_alloc(uv_handle_t *pipe, size_t suggested, uv_buf_t *ret)
{
    struct agent_link *l = pipe->data;
    (void)suggested;
    *ret = uv_buf_init(buf_reserve(&l->in, READ_SIZE), READ_SIZE);
}

/* The frames are taken from the front and the rest moved once. */
static void read_frames(struct agent_link *l)
{
    size_t used = 0;
    ptrdiff_t n = 0;
    while (!l->is_closing) {
        struct agent_frame frame;
        n = agent_read_frame(l->in.data + used, l->in.len - used, l->max_frame, &frame);
        if (n <= 0)
            break;
        used += (size_t)n;
        l->events->on_frame(l->arg, &frame);
    }
    buf_consume(&l->in, used);
    if (n < 0)
        finish(l, "it sent what is no message");
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct agent_link *l = stream->data;
    (void)bytes;
    if (n < 0) {
        finish(l, n == UV_EOF ? "it closed the pipe" : uv_strerror((int)n));
    } else if (n > 0) {
        l->in.len += (size_t)n;
        read_frames(l);
    }
}

struct agent_link *agent_link_new(uv_pipe_t *pipe, size_t max_frame,
                                  const struct agent_link_events *events, void *arg)
{
    struct agent_link *l = mem_new(struct agent_link);
    l->pipe = pipe;
    l->max_frame = max_frame;
    l->events = events;
    l->arg = arg;
    /* A frame that grows beyond its maximum is noticed by its length, so this needs no limit. */
    buf_init(&l->in, 0);
    pipe->data = l;
    (void)uv_read_start((uv_stream_t *)pipe, on_alloc, on_read); /* of a connected pipe */
    return l;
}

static void on_written(uv_write_t *write, int status)
{
    struct message *m = container_of(write, struct message, write);
    (void)status; /* the reading side notices the end */
    mem_free(m->bytes);
    mem_free(m);
}

void agent_link_send(struct agent_link *link, struct buf *out)
{
    size_t n;
    if (link->is_ended || link->is_closing) {
        buf_clear(out);
        return;
    }
    struct message *m = mem_new(struct message);
    m->bytes = buf_take(out, &n);
    uv_buf_t bytes = uv_buf_init(m->bytes, (unsigned)n);
    if (uv_write(&m->write, (uv_stream_t *)link->pipe, &bytes, 1, on_written) < 0)
        on_written(&m->write, UV_EPIPE);
}

void agent_link_close(struct agent_link *link, void (*on_closed)(void *arg), void *arg)
{
    link->is_closing = true;
    link->on_closed = on_closed;
    link->on_closed_arg = arg;
    uv_close((uv_handle_t *)link->pipe, on_pipe_closed);
}
