/* SPDX-License-Identifier: MIT */
#include "cache/redis/redis_url.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/text/address.h"
#include "base/text/str.h"

/* Each reader returns NULL, or the rule that is broken. */

static const char scheme[] = "redis://";

static const char *check_text(const char *text)
{
    if (strlen(text) > CACHE_REDIS_URL_MAX)
        return "must be at most 1024 bytes long";
    if (strchr(text, ' ') || str_has_controls(text))
        return "must not have spaces or control characters";
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
        if (len + 1 == size)
            return "must have a user of at most 128 and a password of at most 512 bytes";
        out[len++] = (char)byte;
    }
    out[len] = '\0';
    /* A NUL among them ends OUT early. */
    if (strlen(out) < len || str_has_controls(out))
        return "must not have control characters, escaped or not";
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

static bool has_port(const char *text, size_t n)
{
    while (n > 0 && text[n - 1] != ':' && text[n - 1] != ']')
        n--;
    return n > 0 && text[n - 1] == ':';
}

/* "host" or "host:port", N bytes. */
static const char *read_place(const char *text, size_t n, struct cache_redis_url *url)
{
    struct address a;
    char place[ADDRESS_HOST_SIZE + 16], port[8] = "";
    if (n >= ADDRESS_HOST_SIZE + 6)
        return "must have a host of at most 253 bytes";
    if (!has_port(text, n))
        snprintf(port, sizeof(port), ":%d", CACHE_REDIS_PORT);
    snprintf(place, sizeof(place), "%.*s%s", (int)n, text, port);
    /* A % begins the zone of an IPv6 address elsewhere, and an escape in a URL. */
    if (strchr(place, '%') || address_parse(place, &a) < 0)
        return "must have a host: a name, an IPv4 address, or an IPv6 address in brackets, and "
               "behind its colon, if there is one, a port from 1 to 65535, as in "
               "redis://[::1]:6379";
    str_copy(url->host, sizeof(url->host), a.host);
    url->port = a.port;
    return NULL;
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
