/* SPDX-License-Identifier: MIT */
#include "api/access/origin.h"

#include <string.h>

#include <uv.h>

#include "base/text/str.h"

enum { HOST_SIZE = 256 };

static bool is_address(const char *name)
{
    struct in6_addr address;
    return uv_inet_pton(AF_INET, name, &address) == 0 ||
           uv_inet_pton(AF_INET6, name, &address) == 0;
}

static bool is_port(const char *text)
{
    uint64_t port;
    return *text == '\0' || str_parse_u64(text, 65535, &port) == 0;
}

/* The name of "name[:port]" or "[v6][:port]", without brackets. */
static bool split_host(const char *host, char name[HOST_SIZE])
{
    bool is_v6 = *host == '[';
    const char *start = host + is_v6;
    const char *end = is_v6 ? strchr(start, ']') : start + strcspn(start, ":");
    if (!end || end == start || end - start >= HOST_SIZE)
        return false;
    memcpy(name, start, (size_t)(end - start));
    name[end - start] = '\0';
    end += is_v6;
    return *end == '\0' || (*end == ':' && is_port(end + 1));
}

bool api_origin_is_host(const char *host)
{
    char name[HOST_SIZE];
    if (!split_host(host, name))
        return false;
    if (*host == '[')
        return is_address(name);
    for (const char *p = name; *p; p++) {
        bool is_plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
                        (*p >= 'A' && *p <= 'Z') || *p == '-' || *p == '.' || *p == '_';
        if (!is_plain)
            return false;
    }
    return true;
}

static bool is_wildcard(const char *bound)
{
    return strcmp(bound, "0.0.0.0") == 0 || strcmp(bound, "::") == 0;
}

static bool is_machine_name(const char *name)
{
    char own[HOST_SIZE];
    size_t size = sizeof(own);
    return uv_os_gethostname(own, &size) == 0 && str_is_equal_nocase(name, own);
}

bool api_origin_is_our_host(const char *host, const char *bound)
{
    char name[HOST_SIZE];
    struct in_addr v4;
    if (!split_host(host, name))
        return false;
    if (strcmp(name, bound) == 0 || str_is_equal_nocase(name, "localhost") ||
        strcmp(name, "::1") == 0)
        return true;
    if (uv_inet_pton(AF_INET, name, &v4) == 0 && *(unsigned char *)&v4 == 127)
        return true;
    return is_wildcard(bound) && (is_address(name) || is_machine_name(name));
}

bool api_origin_is_own(const char *origin, const char *host)
{
    return str_has_prefix(origin, "http://") && str_is_equal_nocase(origin + 7, host);
}
