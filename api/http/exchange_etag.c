/* SPDX-License-Identifier: MIT */
#include "api/http/exchange.h"

#include <stdio.h>
#include <string.h>

#include "base/text/str.h"

static const char *without_weakness(const char *tag)
{
    return strncmp(tag, "W/", 2) == 0 ? tag + 2 : tag;
}

/* Whether the comma-separated LIST of a conditional header names TAG, a strong one. A weak tag of
 * the list counts as the strong one when IS_WEAK, else for nothing (RFC 9110, section 8.8.3.2). */
static bool names(const char *list, const char *tag, bool is_weak)
{
    size_t n = strlen(tag);
    if (strcmp(list, "*") == 0)
        return true;
    while (*list) {
        list += strspn(list, ", \t");
        if (is_weak)
            list = without_weakness(list);
        if (strncmp(list, tag, n) == 0 && strchr(", \t", list[n]))
            return true;
        /* A tag may contain commas, so its closing quote is looked for. */
        const char *open = strpbrk(list, "\",");
        const char *close = open && *open == '"' ? strchr(open + 1, '"') : NULL;
        list = close ? close + 1 : list + strcspn(list, ",");
        list += strcspn(list, ",");
    }
    return false;
}

bool http_exchange_matches(struct http_exchange *x, const char *etag)
{
    const char *list = http_request_header(&x->request, HTTP_HEADER_IF_NONE_MATCH);
    http_exchange_header(x, "ETag", etag);
    x->has_etag = true;
    return list && names(list, without_weakness(etag), true);
}

enum http_precondition http_exchange_may_change(const struct http_exchange *x, const char *revision)
{
    const char *list = http_request_header(&x->request, HTTP_HEADER_IF_MATCH);
    char tag[64];
    if (!list || strcmp(list, "*") == 0)
        return HTTP_PRECONDITION_NONE;
    snprintf(tag, sizeof(tag), "\"%s\"", revision);
    return names(list, tag, false) ? HTTP_PRECONDITION_HOLDS : HTTP_PRECONDITION_FAILS;
}
