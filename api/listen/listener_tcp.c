/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "api/http/conn.h"
#include "api/http/server_state.h"
#include "base/loop/loop.h"

enum { BACKLOG = 1024 };

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

static void on_connection(uv_stream_t *stream, int status)
{
    /* A failed accept concerns that client alone; the next one comes with the next event. */
    if (status == 0)
        api_conn_accept(stream->data);
}

static int bind_and_listen(struct api_listener *l, const struct sockaddr_storage *address,
                           int *ret_port)
{
    int port = 0;
    int r = uv_tcp_bind(&l->tcp, (const struct sockaddr *)address, 0);
    if (r == 0)
        r = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection);
    if (r == 0)
        r = bound_port(&l->tcp, &port);
    if (r == 0 && ret_port)
        *ret_port = port;
    return r;
}

int api_server_listen_tcp(struct api_server *server, const char *host, unsigned port, int *ret_port)
{
    struct sockaddr_storage address;
    const char *ip = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    if (read_address(ip, port, &address) < 0)
        return UV_EINVAL;
    struct api_listener *l = api_listener_new(server, ip);
    uv_tcp_init(&server->context.loop->uv, &l->tcp);
    int r = bind_and_listen(l, &address, ret_port);
    if (r < 0)
        api_listener_close(l);
    return r;
}
