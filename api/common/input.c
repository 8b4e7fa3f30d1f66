/* SPDX-License-Identifier: MIT */
#include "api/common/input.h"

#include <string.h>

#include "base/text/json.h"
#include "base/text/str.h"

bool api_input_body(struct api_exchange *x, yyjson_doc **ret_doc)
{
    static const char mark[] = "\xef\xbb\xbf";
    const struct buf *body = &x->http.request.body;
    const char *why;
    size_t n = sizeof(mark) - 1, skip = body->len >= n && memcmp(body->data, mark, n) == 0 ? n : 0;
    *ret_doc = NULL;
    if (body->len == skip)
        return true;
    if (json_parse(body->data + skip, body->len - skip, ret_doc, &why) == 0)
        return true;
    api_respond_code(x, API_BODY_NOT_JSON, "The body is not JSON: %s.", why);
    return false;
}

bool api_input_number(struct api_exchange *x, const char *name, uint64_t min, uint64_t max,
                      uint64_t fallback, uint64_t *ret)
{
    const char *text = api_exchange_query(x, name);
    *ret = fallback;
    if (!text)
        return true;
    if (str_parse_u64(text, max, ret) == 0 && *ret >= min)
        return true;
    api_respond_field(x, name, "must be a whole number from %llu to %llu", (unsigned long long)min,
                      (unsigned long long)max);
    return false;
}

bool api_input_bool(struct api_exchange *x, const char *name, bool *ret)
{
    const char *text = api_exchange_query(x, name);
    *ret = text && strcmp(text, "true") == 0;
    if (!text || *ret || strcmp(text, "false") == 0)
        return true;
    api_respond_field(x, name, "must be true or false");
    return false;
}

bool api_input_wait(struct api_exchange *x, uint64_t *ret_ms, bool *ret_has)
{
    *ret_has = api_exchange_query(x, "wait") != NULL;
    if (!api_input_number(x, "wait", 0, 3600, 0, ret_ms))
        return false;
    *ret_ms *= 1000;
    return true;
}

bool api_input_limit(struct api_exchange *x, unsigned fallback, unsigned *ret)
{
    uint64_t limit;
    if (!api_input_number(x, "limit", 1, 1000, fallback, &limit))
        return false;
    *ret = (unsigned)limit;
    return true;
}

bool api_input_each(const char *list, bool (*take)(void *arg, const char *name), void *arg)
{
    while (*list) {
        char name[64];
        size_t n = strcspn(list, ",");
        if (n >= sizeof(name))
            return take(arg, "");
        memcpy(name, list, n);
        name[n] = '\0';
        if (!take(arg, name))
            return false;
        list += n + (list[n] == ',');
    }
    return true;
}
