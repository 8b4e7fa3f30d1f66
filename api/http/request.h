/* SPDX-License-Identifier: MIT */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory/buf.h"

enum http_method {
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_PATCH,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_OTHER /* known to HTTP, used by nothing here */
};

const char *http_method_name(enum http_method method);

/** The headers that mean something here; all others are counted and dropped. */
enum http_header {
    HTTP_HEADER_HOST,
    HTTP_HEADER_AUTHORIZATION,
    HTTP_HEADER_CONTENT_TYPE,
    HTTP_HEADER_CONTENT_LENGTH,
    HTTP_HEADER_TRANSFER_ENCODING,
    HTTP_HEADER_EXPECT,
    HTTP_HEADER_ORIGIN,
    HTTP_HEADER_IF_MATCH,
    HTTP_HEADER_IF_NONE_MATCH,
    HTTP_HEADER_IDEMPOTENCY_KEY,
    HTTP_HEADER_X_REQUEST_ID,
    HTTP_HEADER_LAST_EVENT_ID,
    HTTP_HEADER_CACHE_CONTROL,
    HTTP_HEADER_COUNT
};

enum { HTTP_MAX_SEGMENTS = 8, HTTP_MAX_QUERY = 32, HTTP_MAX_PARAMS = 2, HTTP_MAX_TARGET = 8192 };

struct http_query {
    const char *name, *value;
};

/** One request as it was read. All text lives in `head`, NUL-terminated; it is complete, and the
 *  pointers below are valid, once the head has been read. */
struct http_request {
    enum http_method method;
    bool is_http10, is_keep_alive, is_chunked, is_asterisk;
    bool has_repeated_header; /* a header that may stand once stands twice */
    bool has_bad_encoding;    /* a transfer encoding that is not chunked */
    uint64_t content_length;
    struct buf head;
    size_t target;                     /* offset in `head`; it is the first thing there */
    size_t headers[HTTP_HEADER_COUNT]; /* offset of the value in `head`, 0 when absent */
    const char *authority;             /* host[:port] of an absolute target, NULL otherwise */
    char *segments[HTTP_MAX_SEGMENTS]; /* of the path, decoded: "/api/x" is "api", "x" */
    size_t n_segments;                 /* HTTP_MAX_SEGMENTS + 1 when there are too many */
    struct http_query query[HTTP_MAX_QUERY];
    size_t n_query;
    const char *params[HTTP_MAX_PARAMS]; /* the {parameters} of the route's path, in order */
    struct buf body;
};

void http_request_init(struct http_request *r, size_t max_head, size_t max_body);
void http_request_deinit(struct http_request *r);
/** Ready for the next request; large buffers are given back. */
void http_request_reset(struct http_request *r);

/** The header's value or NULL. */
const char *http_request_header(const struct http_request *r, enum http_header header);
/** Which header NAME (N bytes, any case) is; -1 when it is none of ours. */
int http_request_header_find(const char *name, size_t n);
/** Whether it may stand once only; the others are joined with ", ". */
bool http_request_header_is_single(enum http_header header);
bool http_request_has_body(const struct http_request *r);
/** The first query parameter NAME, or NULL. */
const char *http_request_query(const struct http_request *r, const char *name);

/** Splits and decodes the target in place: origin form, absolute form, or "*" with OPTIONS.
 *  Returns 0, or UV_EINVAL with a sentence in RETERR (static). */
int http_request_parse_target(struct http_request *r, const char **reterr);
/** Decodes %XX in place (and + as a space in a query). Returns 0, or UV_EINVAL for a broken
 *  escape, an escaped NUL, or bytes that are no UTF-8. */
int http_request_unescape(char *text, bool is_query);

#endif
