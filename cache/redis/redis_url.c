/* SPDX-License-Identifier: MIT */
#include "cache/redis/redis_url.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/text/str.h"

/* Each reader returns NULL, or the rule that is broken. */

static const char scheme[] = "redis://";

static bool is_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f;
}

static const char *check_text(const char *text)
{
    if (strlen(text) > CACHE_REDIS_URL_MAX)
        return "must be at most 1024 bytes long";
    for (const char *p = text; *p; p++) {
        if (is_control((unsigned char)*p) || *p == ' ')
            return "must not have spaces or control characters";
    }
    if (str_has_prefix(text, "rediss://"))
        return "must begin with redis://: TLS (rediss://) is not supported, use a tunnel for it";
    if (!str_has_prefix(text, scheme))
        return "must begin with redis://, as in redis://127.0.0.1:6379/0";
    return NULL;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The N bytes at TEXT without their percent escapes. */
static const char *decode(const char *text, size_t n, char *out, size_t size)
{
    const char *end = text + n;
    size_t len = 0;
    while (text < end) {
        int byte = (unsigned char)*text++;
        if (byte == '%') {
            if (end - text < 2 || hex_value(text[0]) < 0 || hex_value(text[1]) < 0)
                return "has a % that two hexadecimal digits do not follow; write %25 for the sign";
            byte = hex_value(text[0]) * 16 + hex_value(text[1]);
            text += 2;
        }
        if (is_control((unsigned char)byte))
            return "must not have control characters, escaped or not";
        if (len + 1 == size)
            return "must have a user of at most 128 and a password of at most 512 bytes";
        out[len++] = (char)byte;
    }
    out[len] = '\0';
    return NULL;
}

/* "user:password", N bytes. */
static const char *read_credentials(const char *text, size_t n, struct cache_redis_url *url)
{
    const char *colon = memchr(text, ':', n);
    if (!colon || colon + 1 == text + n)
        return "must have the password behind a colon, as in redis://user:password@host; the "
               "user may be empty";
    const char *rule = decode(text, (size_t)(colon - text), url->user, sizeof(url->user));
    if (rule)
        return rule;
    return decode(colon + 1, (size_t)(text + n - colon - 1), url->password, sizeof(url->password));
}

static bool is_name(const char *host)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789-_.";
    return host[strspn(host, allowed)] == '\0' && *host && *host != '.' && *host != '-' &&
           !strstr(host, "..");
}

/* The N bytes of a host without port. */
static const char *read_host(const char *text, size_t n, struct cache_redis_url *url)
{
    static const char rule[] = "must have a host: a name, an IPv4 address, or an IPv6 address in "
                               "brackets, as in redis://[::1]:6379";
    struct sockaddr_in6 address;
    bool is_bracketed = n >= 2 && text[0] == '[' && text[n - 1] == ']';
    if (is_bracketed) {
        text++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof(url->host))
        return rule;
    memcpy(url->host, text, n);
    url->host[n] = '\0';
    if (is_bracketed)
        return strchr(url->host, '%') || uv_ip6_addr(url->host, 0, &address) < 0 ? rule : NULL;
    return is_name(url->host) ? NULL : rule;
}

/* "host" or "host:port", N bytes. */
static const char *read_place(const char *text, size_t n, struct cache_redis_url *url)
{
    const char *end = text + n, *port = end;
    while (port > text && port[-1] != ':' && port[-1] != ']')
        port--;
    if (port == text || port[-1] == ']')
        return read_host(text, n, url);

    char digits[6] = "";
    uint64_t number = 0;
    if ((size_t)(end - port) < sizeof(digits))
        memcpy(digits, port, (size_t)(end - port));
    if (str_parse_u64(digits, 65535, &number) < 0 || number == 0)
        return "must have a port from 1 to 65535 behind the host's colon, or neither";
    url->port = (int)number;
    return read_host(text, (size_t)(port - 1 - text), url);
}

static const char *read_database(const char *text, struct cache_redis_url *url)
{
    uint64_t number = 0;
    if (*text && str_parse_u64(text, 65535, &number) < 0)
        return "must end with the number of a database from 0 to 65535, as in "
               "redis://127.0.0.1:6379/0, or without one";
    url->db = (unsigned)number;
    return NULL;
}

static const char *read_all(const char *text, struct cache_redis_url *url)
{
    const char *rule = check_text(text);
    if (rule)
        return rule;
    text += strlen(scheme);
    size_t n = strcspn(text, "/");
    const char *path = text + n, *at = path;
    while (at > text && at[-1] != '@')
        at--;
    if (at > text)
        rule = read_credentials(text, (size_t)(at - 1 - text), url);
    if (!rule)
        rule = read_place(at, (size_t)(path - at), url);
    if (!rule)
        rule = read_database(path + (*path == '/'), url);
    return rule;
}

int cache_redis_url_parse(const char *text, struct cache_redis_url *ret, const char **reterr_rule)
{
    struct cache_redis_url url = {.port = CACHE_REDIS_PORT};
    const char *rule = read_all(text, &url);
    if (rule) {
        *reterr_rule = rule;
        return UV_EINVAL;
    }
    *ret = url;
    return 0;
}

char *cache_redis_url_show(const struct cache_redis_url *url, char *out, size_t size)
{
    bool is_ipv6 = strchr(url->host, ':') != NULL;
    snprintf(out, size, "%s%s%s%s:%d/%u", scheme, is_ipv6 ? "[" : "", url->host, is_ipv6 ? "]" : "",
             url->port, url->db);
    return out;
}
