/* SPDX-License-Identifier: MIT */
#include "service/config/address.h"

#include <string.h>

#include <uv.h>

#include "base/text/address.h"
#include "base/text/str.h"

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
    struct address split;
    if (address_split(text, &split) < 0 || strlen(split.host) >= sizeof(a.host))
        return UV_EINVAL;
    str_copy(a.host, sizeof(a.host), split.host);
    a.port = split.port;
    a.is_ipv6 = split.is_ipv6;
    if (check_host(&a) < 0)
        return UV_EINVAL;
    *ret = a;
    return 0;
}
