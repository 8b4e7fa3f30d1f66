/* SPDX-License-Identifier: MIT */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory/buf.h"

enum {
    HTTP_DATE_SIZE = 30,
    HTTP_LENGTH_NONE = -1,
    HTTP_LENGTH_CHUNKED = -2,
    HTTP_LENGTH_CLOSE = -3
};

/** The head of one answer. */
struct http_response {
    int status;
    const char *type; /* media type, NULL = none */
    int64_t length;   /* of the body, or one of HTTP_LENGTH_* */
    const char *date; /* IMF-fixdate */
    const char *request_id;
    const struct buf *lines; /* more headers, complete lines */
    bool is_closing;         /* the connection ends with this answer */
    bool is_http10;          /* then keeping alive must be said */
};

/** Appends the head with its empty line. */
void http_response_append(const struct http_response *r, struct buf *out);
/** "Fri, 20 Nov 2026 14:28:00 GMT". */
void http_response_format_date(int64_t wall_ms, char out[HTTP_DATE_SIZE]);

/** "Not Found"; "Status" for a number that is used nowhere. */
const char *http_response_reason(int status);

#endif
