/* SPDX-License-Identifier: MIT */
#include "base/loop/dial.h"

#include <stdio.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/text/str.h"

enum { MAX_ADDRESSES = 16 };

struct dial {
    struct loop *loop;
    dial_fn fn;
    void *arg;
    int port;
    unsigned turn;

    uv_getaddrinfo_t resolve;
    struct sockaddr_storage addresses[MAX_ADDRESSES];
    unsigned n_addresses, next;

    uv_connect_t connect;
    uv_tcp_t *tcp; /* of the address that is being tried */
    int status;
    bool is_resolving, is_cancelled;
};

bool dial_is_name_error(int status)
{
    return status < 0 && str_has_prefix(uv_err_name(status), "EAI_");
}

static void finish(struct dial *d, int status, uv_tcp_t *tcp)
{
    dial_fn fn = d->fn;
    void *arg = d->arg;
    mem_free(d);
    fn(arg, status, tcp);
}

static void try_next(struct dial *d);

static void on_socket_closed(uv_handle_t *handle)
{
    struct dial *d = handle->data;
    mem_free(handle);
    d->tcp = NULL;
    try_next(d);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct dial *d = container_of(connect, struct dial, connect);
    if (uv_is_closing((uv_handle_t *)d->tcp))
        return; /* cancelled; on_socket_closed goes on */
    if (status == 0) {
        finish(d, 0, d->tcp);
        return;
    }
    d->status = status;
    uv_close((uv_handle_t *)d->tcp, on_socket_closed);
}

static void try_next(struct dial *d)
{
    if (d->is_cancelled || d->next == d->n_addresses) {
        finish(d, d->is_cancelled ? UV_ECANCELED : d->status, NULL);
        return;
    }
    const struct sockaddr *address = (const struct sockaddr *)&d->addresses[d->next++];
    d->tcp = mem_new(uv_tcp_t);
    uv_tcp_init(&d->loop->uv, d->tcp);
    d->tcp->data = d;
    int r = uv_tcp_connect(&d->connect, d->tcp, address, on_connected);
    if (r < 0) {
        d->status = r;
        uv_close((uv_handle_t *)d->tcp, on_socket_closed);
    }
}

static void keep_addresses(struct dial *d, const struct addrinfo *list)
{
    for (; list && d->n_addresses < MAX_ADDRESSES; list = list->ai_next) {
        if (list->ai_family == AF_INET || list->ai_family == AF_INET6)
            memcpy(&d->addresses[d->n_addresses++], list->ai_addr, (size_t)list->ai_addrlen);
    }
    if (d->n_addresses > 0)
        d->next = d->turn % d->n_addresses;
}

static void on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *list)
{
    struct dial *d = container_of(resolve, struct dial, resolve);
    d->is_resolving = false;
    d->status = status == 0 ? UV_EAI_NODATA : status;
    keep_addresses(d, list);
    uv_freeaddrinfo(list);
    try_next(d);
}

static void start(void *arg)
{
    try_next(arg);
}

/* Returns 0, or why the resolver does not even begin. */
static int begin_resolve(struct dial *d, const char *host)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char service[8];
    snprintf(service, sizeof(service), "%d", d->port);
    int r = uv_getaddrinfo(&d->loop->uv, &d->resolve, on_resolved, host, service, &hints);
    d->is_resolving = r == 0;
    return r;
}

struct dial *dial_new(struct loop *loop, const char *host, int port, unsigned turn, dial_fn fn,
                      void *arg)
{
    struct dial *d = mem_new(struct dial);
    d->loop = loop;
    d->port = port;
    d->turn = turn;
    d->fn = fn;
    d->arg = arg;
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)&d->addresses[0]) == 0 ||
        uv_ip6_addr(host, port, (struct sockaddr_in6 *)&d->addresses[0]) == 0)
        d->n_addresses = 1;
    else
        d->status = begin_resolve(d, host);
    if (!d->is_resolving)
        loop_post(loop, start, d);
    return d;
}

bool dial_is_resolving(const struct dial *d)
{
    return d->is_resolving;
}

void dial_cancel(struct dial *d)
{
    d->is_cancelled = true;
    if (d->is_resolving)
        uv_cancel((uv_req_t *)&d->resolve);
    else if (d->tcp && !uv_is_closing((uv_handle_t *)d->tcp))
        uv_close((uv_handle_t *)d->tcp, on_socket_closed);
}
