/* SPDX-License-Identifier: MIT */
#include "api/listen/listener.h"

#include <string.h>

#include "base/log/log.h"
#include "base/loop/pipe_server.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

enum {
    BACKLOG = 1024,
    SOCKET_MODE = 0660,
    KEEPALIVE_S = 60 /* TCP probes find clients that vanished without a word */
};

struct listener {
    struct loop *loop;
    char *host;               /* of TCP */
    uv_tcp_t tcp;             /* either this ... */
    struct pipe_server *pipe; /* ... or that */
    int failure;              /* of a pipe: why no client could connect when it was last told */
    listener_fn on_client;
    void *arg;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

static struct listener *listener_new(struct loop *loop, listener_fn on_client, void *arg)
{
    struct listener *l = mem_new(struct listener);
    l->loop = loop;
    l->tcp.data = l;
    l->on_client = on_client;
    l->arg = arg;
    return l;
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    mem_free(listener->host);
    mem_free(listener);
}

/* --- TCP --- */

static int read_address(const char *host, unsigned port, struct sockaddr_storage *ret)
{
    if (port > 65535)
        return UV_EINVAL;
    if (uv_ip4_addr(host, (int)port, (struct sockaddr_in *)ret) == 0)
        return 0;
    return uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)ret) == 0 ? 0 : UV_EINVAL;
}

static int bound_port(const uv_tcp_t *tcp, int *ret_port)
{
    struct sockaddr_storage address;
    int size = sizeof(address);
    int r = uv_tcp_getsockname(tcp, (struct sockaddr *)&address, &size);
    if (r < 0)
        return r;
    *ret_port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                    : ((struct sockaddr_in *)&address)->sin_port);
    return 0;
}

static void on_tcp_client(uv_stream_t *stream, int status)
{
    struct listener *l = stream->data;
    /* A failed accept concerns that client alone; the next one comes with the next event. */
    if (status == 0)
        l->on_client(l->arg, l);
}

static void on_failed_closed(uv_handle_t *handle)
{
    listener_free(handle->data);
}

int listener_new_tcp(struct loop *loop, const char *host, unsigned port, listener_fn on_client,
                     void *arg, struct listener **ret, int *ret_port)
{
    struct sockaddr_storage address;
    const char *ip = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    int bound = 0;
    if (read_address(ip, port, &address) < 0)
        return UV_EINVAL;
    struct listener *l = listener_new(loop, on_client, arg);
    l->host = mem_strdup(ip);
    uv_tcp_init(&loop->uv, &l->tcp);
    int r = uv_tcp_bind(&l->tcp, (const struct sockaddr *)&address, 0);
    if (r == 0)
        r = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_tcp_client);
    if (r == 0)
        r = bound_port(&l->tcp, &bound);
    if (r < 0) {
        uv_close((uv_handle_t *)&l->tcp, on_failed_closed);
        return r;
    }
    if (ret_port)
        *ret_port = bound;
    *ret = l;
    return 0;
}

/* --- pipes --- */

static void on_pipe_client(void *arg, int status)
{
    struct listener *l = arg;
    bool is_news = status != l->failure; /* it is told at each try */
    l->failure = status;
    if (status == 0)
        l->on_client(l->arg, l);
    else if (is_news)
        log_warning("api", "no further client can connect to the pipe for now: %s; trying again",
                    uv_strerror(status));
}

int listener_new_pipe(struct loop *loop, const char *path, const char *sddl, listener_fn on_client,
                      void *arg, struct listener **ret)
{
    const struct pipe_server_options options = {
        .path = path, .sddl = sddl, .mode = SOCKET_MODE, .backlog = BACKLOG};
    struct listener *l = listener_new(loop, on_client, arg);
    int r = pipe_server_new(loop, &options, on_pipe_client, l, &l->pipe);
    if (r < 0)
        listener_free(l);
    else
        *ret = l;
    return r;
}

/* --- both --- */

int listener_accept(struct listener *listener, union listener_stream *io)
{
    if (listener->pipe) {
        uv_pipe_init(&listener->loop->uv, &io->pipe, 0);
        return pipe_server_accept(listener->pipe, &io->pipe);
    }
    uv_tcp_init(&listener->loop->uv, &io->tcp);
    int r = uv_accept((uv_stream_t *)&listener->tcp, &io->stream);
    if (r == 0) {
        uv_tcp_nodelay(&io->tcp, 1);
        uv_tcp_keepalive(&io->tcp, 1, KEEPALIVE_S);
    }
    return r;
}

const char *listener_host(const struct listener *listener)
{
    return listener->host;
}

bool listener_is_pipe(const struct listener *listener)
{
    return listener->pipe != NULL;
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

bool listener_is_local(const struct listener *listener, const union listener_stream *io)
{
    struct sockaddr_storage address = {0};
    int size = sizeof(address);
    if (listener_is_pipe(listener))
        return true;
    return uv_tcp_getpeername(&io->tcp, (struct sockaddr *)&address, &size) == 0 &&
           is_loopback(&address);
}

static void on_pipe_closed(void *arg)
{
    struct listener *l = arg;
    l->on_closed(l->on_closed_arg);
}

static void on_tcp_closed(uv_handle_t *handle)
{
    on_pipe_closed(handle->data);
}

void listener_close(struct listener *listener, void (*on_closed)(void *arg), void *arg)
{
    listener->on_closed = on_closed;
    listener->on_closed_arg = arg;
    if (listener->pipe)
        pipe_server_close(listener->pipe, on_pipe_closed, listener);
    else
        uv_close((uv_handle_t *)&listener->tcp, on_tcp_closed);
}
