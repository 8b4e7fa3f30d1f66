/* SPDX-License-Identifier: MIT */
#include "base/text/address.h"

#include <string.h>

#include <uv.h>

#include "base/text/str.h"

enum { MAX_DIGITS = 5 }; /* of a port */

/* At the last colon; without brackets an IPv6 host's own colons would be taken for the port's. */
int address_split(const char *text, struct address *ret)
{
    struct address a = {.is_ipv6 = *text == '['};
    const char *colon = strrchr(text, ':');
    uint64_t port;
    if (!colon || strlen(colon + 1) > MAX_DIGITS || str_parse_u64(colon + 1, 65535, &port) < 0)
        return UV_EINVAL;
    const char *host = text, *end = colon;
    if (a.is_ipv6) {
        if (end[-1] != ']')
            return UV_EINVAL;
        host++;
        end--;
    }
    size_t n = (size_t)(end - host);
    if (end <= host || n >= sizeof(a.host))
        return UV_EINVAL;
    memcpy(a.host, host, n);
    a.port = (int)port;
    *ret = a;
    return 0;
}

/* What consists of digits and dots alone is meant as an IPv4 address. */
static bool is_host(const struct address *a)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    size_t n = strlen(a->host);
    if (a->is_ipv6)
        return uv_ip6_addr(a->host, a->port, &in6) == 0;
    if (strspn(a->host, "0123456789.") == n)
        return uv_ip4_addr(a->host, a->port, &in4) == 0;
    return strspn(a->host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
               n &&
           a->host[0] != '.' && a->host[0] != '-' && !strstr(a->host, "..");
}

int address_parse(const char *text, struct address *ret)
{
    struct address a;
    if (str_has_prefix(text, "http://"))
        text += strlen("http://");
    if (address_split(text, &a) < 0 || a.port == 0 || !is_host(&a))
        return UV_EINVAL;
    *ret = a;
    return 0;
}
