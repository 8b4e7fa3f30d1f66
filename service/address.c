/* SPDX-License-Identifier: MIT */
#include "service/address.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/str.h"

/* Splits at the last colon; an IPv6 host must be in brackets, or its own colons would be taken for
 * the port's. */
static int split(const char *text, struct svc_address *a, const char **ret_port)
{
    const char *colon = strrchr(text, ':');
    if (!colon)
        return UV_EINVAL;
    const char *host = text, *end = colon;
    if (*text == '[') {
        if (end == text || end[-1] != ']')
            return UV_EINVAL;
        host++;
        end--;
        a->is_ipv6 = true;
    }
    size_t n = (size_t)(end - host);
    if (n == 0 || n >= sizeof(a->host))
        return UV_EINVAL;
    memcpy(a->host, host, n);
    *ret_port = colon + 1;
    return 0;
}

static bool is_loopback6(const struct sockaddr_in6 *address)
{
    struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;
    return memcmp(&address->sin6_addr, &loopback, sizeof(loopback)) == 0;
}

static int check_host(struct svc_address *a)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    if (a->is_ipv6) {
        if (uv_ip6_addr(a->host, a->port, &in6) < 0)
            return UV_EINVAL;
        a->is_loopback = is_loopback6(&in6);
        return 0;
    }
    if (str_is_equal_nocase(a->host, "localhost"))
        str_copy(a->host, sizeof(a->host), "127.0.0.1");
    if (uv_ip4_addr(a->host, a->port, &in4) < 0)
        return UV_EINVAL;
    a->is_loopback = str_has_prefix(a->host, "127.");
    return 0;
}

int svc_address_parse(const char *text, struct svc_address *ret)
{
    struct svc_address a = {.port = 0};
    const char *port_text;
    uint64_t port;
    if (split(text, &a, &port_text) < 0 || str_parse_u64(port_text, 65535, &port) < 0)
        return UV_EINVAL;
    a.port = (int)port;
    if (check_host(&a) < 0)
        return UV_EINVAL;
    *ret = a;
    return 0;
}
