/* SPDX-License-Identifier: MIT */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory/buf.h"

enum api_method {
    API_METHOD_GET,
    API_METHOD_HEAD,
    API_METHOD_POST,
    API_METHOD_PUT,
    API_METHOD_PATCH,
    API_METHOD_DELETE,
    API_METHOD_OPTIONS,
    API_METHOD_OTHER /* known to HTTP, used by nothing here */
};

/** The headers that mean something here; all others are counted and dropped. */
enum api_header {
    API_HEADER_HOST,
    API_HEADER_AUTHORIZATION,
    API_HEADER_CONTENT_TYPE,
    API_HEADER_CONTENT_LENGTH,
    API_HEADER_TRANSFER_ENCODING,
    API_HEADER_EXPECT,
    API_HEADER_ORIGIN,
    API_HEADER_IF_MATCH,
    API_HEADER_IF_NONE_MATCH,
    API_HEADER_IDEMPOTENCY_KEY,
    API_HEADER_X_REQUEST_ID,
    API_HEADER_LAST_EVENT_ID,
    API_HEADER_CACHE_CONTROL,
    API_HEADER_COUNT
};

enum { API_MAX_SEGMENTS = 8, API_MAX_QUERY = 32, API_MAX_PARAMS = 2, API_MAX_TARGET = 8192 };

struct api_query {
    const char *name, *value;
};

/** One request as it was read. All text lives in `head`, NUL-terminated; it is complete, and the
 *  pointers below are valid, once the head has been read. */
struct api_request {
    enum api_method method;
    bool is_http10, is_keep_alive, is_chunked, is_asterisk;
    bool has_repeated_header; /* a header that may stand once stands twice */
    uint64_t content_length;
    struct buf head;
    size_t target;                    /* offset in `head`; it is the first thing there */
    size_t headers[API_HEADER_COUNT]; /* offset of the value in `head`, 0 when absent */
    const char *authority;            /* host[:port] of an absolute target, NULL otherwise */
    char *segments[API_MAX_SEGMENTS]; /* of the path, decoded: "/api/x" is "api", "x" */
    size_t n_segments;                /* API_MAX_SEGMENTS + 1 when there are too many */
    struct api_query query[API_MAX_QUERY];
    size_t n_query;
    const char *params[API_MAX_PARAMS]; /* the {parameters} of the route's path, in order */
    struct buf body;
};

void api_request_init(struct api_request *r, size_t max_head, size_t max_body);
void api_request_deinit(struct api_request *r);
/** Ready for the next request; large buffers are given back. */
void api_request_reset(struct api_request *r);

/** The header's value or NULL. */
const char *api_request_header(const struct api_request *r, enum api_header header);
/** Which header NAME (N bytes, any case) is; -1 when it is none of ours. */
int api_request_header_find(const char *name, size_t n);
/** Whether it may stand once only; the others are joined with ", ". */
bool api_request_header_is_single(enum api_header header);
bool api_request_has_body(const struct api_request *r);
/** The first query parameter NAME, or NULL. */
const char *api_request_query(const struct api_request *r, const char *name);

/** Splits and decodes the target in place: origin form, absolute form, or "*" with OPTIONS.
 *  Returns 0, or UV_EINVAL with a sentence in RETERR (static). */
int api_request_parse_target(struct api_request *r, const char **reterr);
/** Decodes %XX in place (and + as a space in a query). Returns 0, or UV_EINVAL for a broken
 *  escape, an escaped NUL, or bytes that are no UTF-8. */
int api_request_unescape(char *text, bool is_query);

#endif
