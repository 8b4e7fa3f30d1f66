/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <uv.h>

#include "api/http/request.h"
#include "base/text/str.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int http_request_unescape(char *text, bool is_query)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from == '+' && is_query) {
            *to++ = ' ';
        } else if (*from == '%') {
            int high = hex_digit(from[1]);
            int low = high < 0 ? -1 : hex_digit(from[2]);
            if (low < 0 || high + low == 0)
                return UV_EINVAL;
            *to++ = (char)(high * 16 + low);
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return str_is_utf8(text, (size_t)(to - text)) ? 0 : UV_EINVAL;
}

static int split_path(struct http_request *r, char *path)
{
    r->n_segments = 0;
    for (char *next; path; path = next) {
        next = strchr(path, '/');
        if (next)
            *next++ = '\0';
        if (http_request_unescape(path, false) < 0)
            return UV_EINVAL;
        if (r->n_segments == HTTP_MAX_SEGMENTS) {
            r->n_segments++;
            return 0;
        }
        r->segments[r->n_segments++] = path;
    }
    return 0;
}

static int split_query(struct http_request *r, char *query)
{
    r->n_query = 0;
    for (char *next; query; query = next) {
        next = strchr(query, '&');
        if (next)
            *next++ = '\0';
        if (!*query)
            continue;
        if (r->n_query == HTTP_MAX_QUERY)
            return UV_ENOBUFS;
        char *value = strchr(query, '=');
        if (value)
            *value++ = '\0';
        else
            value = query + strlen(query);
        if (http_request_unescape(query, true) < 0 || http_request_unescape(value, true) < 0)
            return UV_EINVAL;
        r->query[r->n_query++] = (struct http_query){query, value};
    }
    return 0;
}

/* "http://host:port/path": leaves the authority terminated and returns the path behind it. The
 * path's slash makes room for the terminator; the caller gets what follows the slash. */
static char *split_absolute(struct http_request *r, char *target)
{
    char *authority = target + 7;
    size_t n = strcspn(authority, "/?");
    if (n == 0 || authority[n] != '/')
        return NULL;
    authority[n] = '\0';
    r->authority = authority;
    return authority + n + 1;
}

static char *find_path(struct http_request *r, char *target)
{
    if (*target == '/')
        return target + 1;
    if (strncmp(target, "http://", 7) == 0)
        return split_absolute(r, target);
    return NULL;
}

int http_request_parse_target(struct http_request *r, const char **reterr)
{
    char *target = r->head.data + r->target;
    if (strcmp(target, "*") == 0 && r->method == HTTP_METHOD_OPTIONS) {
        r->is_asterisk = true;
        return 0;
    }
    char *path = strchr(target, '#') ? NULL : find_path(r, target);
    if (!path) {
        *reterr = "The request target is neither a path nor an http URL.";
        return UV_EINVAL;
    }
    char *query = strchr(path, '?');
    if (query)
        *query++ = '\0';
    if (split_path(r, path) < 0) {
        *reterr = "The path has a broken %-escape or is not UTF-8.";
        return UV_EINVAL;
    }
    int status = split_query(r, query);
    if (status == UV_ENOBUFS)
        *reterr = "The query has more than 32 parameters.";
    else if (status < 0)
        *reterr = "The query has a broken %-escape or is not UTF-8.";
    return status < 0 ? UV_EINVAL : 0;
}
