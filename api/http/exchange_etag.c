/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "api/http/exchange.h"
#include "base/text/str.h"

/* Whether the comma-separated LIST of a conditional header names ETAG. Tags are compared weakly
 * when IS_WEAK: a cache's own W/ in front does not matter then (RFC 9110, section 8.8.3.2). */
static bool names(const char *list, const char *etag, bool is_weak)
{
    size_t n = strlen(etag);
    while (*list) {
        list += strspn(list, ", \t");
        if (is_weak && strncmp(list, "W/", 2) == 0)
            list += 2;
        if (*list == '*' || strncmp(list, etag, n) == 0)
            return true;
        /* A tag may contain commas, so its closing quote is looked for. */
        const char *open = strpbrk(list, "\",");
        const char *close = open && *open == '"' ? strchr(open + 1, '"') : NULL;
        list = close ? close + 1 : list + strcspn(list, ",");
    }
    return false;
}

bool http_exchange_matches(struct http_exchange *x, const char *etag)
{
    const char *list = http_request_header(&x->request, HTTP_HEADER_IF_NONE_MATCH);
    http_exchange_header(x, "ETag", etag);
    x->has_etag = true;
    return list && names(list, etag, true);
}

bool http_exchange_may_change(const struct http_exchange *x, const char *etag)
{
    const char *list = http_request_header(&x->request, HTTP_HEADER_IF_MATCH);
    return !list || names(list, etag, false);
}
