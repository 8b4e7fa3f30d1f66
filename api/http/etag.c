/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "api/http/exchange.h"
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
    while (*list) {
        list += strspn(list, ", \t");
        if (is_weak)
            list = without_weakness(list);
        if (*list == '*' || strncmp(list, tag, n) == 0)
            return true;
        /* A tag may contain commas, so its closing quote is looked for. */
        const char *open = strpbrk(list, "\",");
        const char *close = open && *open == '"' ? strchr(open + 1, '"') : NULL;
        list = close ? close + 1 : list + strcspn(list, ",");
    }
    return false;
}

bool api_exchange_matches(struct api_exchange *x, const char *etag)
{
    const char *list = api_request_header(&x->request, API_HEADER_IF_NONE_MATCH);
    api_exchange_header(x, "ETag", etag);
    x->has_etag = true;
    return list && names(list, without_weakness(etag), true);
}

enum api_precondition api_exchange_may_change(const struct api_exchange *x, const char *revision)
{
    const char *list = api_request_header(&x->request, API_HEADER_IF_MATCH);
    char tag[64];
    if (!list || strcmp(list, "*") == 0)
        return API_PRECONDITION_NONE;
    snprintf(tag, sizeof(tag), "\"%s\"", revision);
    return names(list, tag, false) ? API_PRECONDITION_HOLDS : API_PRECONDITION_FAILS;
}
