/* SPDX-License-Identifier: MIT */

/* pipe_bridge PIPE: listens on a free TCP port of the loopback interface, prints it on a line, and
 * relays each connection to the named pipe PIPE, so that test clients outside of Wine reach a pipe
 * inside. Runs until it is killed. A half-closed TCP connection is closed for good: a pipe has no
 * halves. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <uv.h>

enum { BACKLOG = 128, CHUNK_BYTES = 65536 };

struct pair;

/* One direction: what is read from FROM is written to TO, a chunk at a time. */
struct way {
    struct pair *pair;
    uv_stream_t *from, *to;
    uv_write_t write;
    uv_shutdown_t shutdown;
    char bytes[CHUNK_BYTES];
};

struct pair {
    uv_tcp_t tcp;
    uv_pipe_t pipe;
    uv_connect_t connect;
    struct way up, down;
    unsigned n_open;
    bool is_closing;
    bool is_flushing; /* libuv does that on a thread of its own; Wine's server dies when the pipe is
                         closed under it */
};

static uv_loop_t *loop;
static const char *path;

static void on_closed(uv_handle_t *handle)
{
    struct pair *pair = handle->data;
    if (--pair->n_open == 0)
        free(pair);
}

static void close_pipe(struct pair *pair)
{
    uv_handle_t *pipe = (uv_handle_t *)&pair->pipe;
    if (!pair->is_flushing && !uv_is_closing(pipe))
        uv_close(pipe, on_closed);
}

static void close_pair(struct pair *pair)
{
    if (pair->is_closing)
        return;
    pair->is_closing = true;
    uv_close((uv_handle_t *)&pair->tcp, on_closed);
    close_pipe(pair);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct pair *pair = handle->data;
    struct way *way = handle == (uv_handle_t *)&pair->tcp ? &pair->up : &pair->down;
    (void)size;
    *buf = uv_buf_init(way->bytes, sizeof(way->bytes));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void on_written(uv_write_t *write, int status)
{
    struct way *way = write->data;
    if (status < 0 || uv_read_start(way->from, on_alloc, on_read) < 0)
        close_pair(way->pair);
}

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    struct way *way = shutdown->data;
    struct pair *pair = way->pair;
    (void)status;
    if (way == &pair->up)
        pair->is_flushing = false;
    close_pair(pair);
    close_pipe(pair);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct pair *pair = stream->data;
    struct way *way = stream == (uv_stream_t *)&pair->tcp ? &pair->up : &pair->down;
    uv_buf_t out = uv_buf_init(buf->base, n > 0 ? (unsigned)n : 0);
    if (n == 0)
        return;
    uv_read_stop(stream);
    if (n < 0) {
        int r = uv_shutdown(&way->shutdown, way->to, on_shutdown);
        if (r == 0 && way == &pair->up)
            pair->is_flushing = true;
        if (r < 0)
            close_pair(pair);
    }
    if (n > 0 && uv_write(&way->write, way->to, &out, 1, on_written) < 0)
        close_pair(pair);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct pair *pair = connect->data;
    if (pair->is_closing)
        return;
    if (status < 0) {
        fprintf(stderr, "pipe_bridge: %s: %s\n", path, uv_strerror(status));
        close_pair(pair);
        return;
    }
    uv_read_start((uv_stream_t *)&pair->tcp, on_alloc, on_read);
    uv_read_start((uv_stream_t *)&pair->pipe, on_alloc, on_read);
}

static void init_way(struct way *way, struct pair *pair, void *from, void *to)
{
    way->pair = pair;
    way->from = from;
    way->to = to;
    way->write.data = way->shutdown.data = way;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    if (!pair || status < 0)
        abort();
    uv_tcp_init(loop, &pair->tcp);
    uv_pipe_init(loop, &pair->pipe, 0);
    pair->tcp.data = pair->pipe.data = pair->connect.data = pair;
    pair->n_open = 2;
    init_way(&pair->up, pair, &pair->tcp, &pair->pipe);
    init_way(&pair->down, pair, &pair->pipe, &pair->tcp);
    if (uv_accept(listener, (uv_stream_t *)&pair->tcp) < 0)
        close_pair(pair);
    else
        uv_pipe_connect(&pair->connect, &pair->pipe, path, on_connected);
}

static int listen_at_any_port(uv_tcp_t *listener)
{
    struct sockaddr_in address;
    int size = sizeof(address);
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(loop, listener);
    int r = uv_tcp_bind(listener, (struct sockaddr *)&address, 0);
    if (r == 0)
        r = uv_listen((uv_stream_t *)listener, BACKLOG, on_connection);
    if (r == 0)
        r = uv_tcp_getsockname(listener, (struct sockaddr *)&address, &size);
    if (r == 0)
        printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return r;
}

int main(int argc, char **argv)
{
    uv_tcp_t listener;
    if (argc != 2) {
        fprintf(stderr, "usage: pipe_bridge PIPE\n");
        return 2;
    }
    path = argv[1];
    loop = uv_default_loop();
    int r = listen_at_any_port(&listener);
    if (r < 0) {
        fprintf(stderr, "pipe_bridge: %s\n", uv_strerror(r));
        return 1;
    }
    return uv_run(loop, UV_RUN_DEFAULT);
}
