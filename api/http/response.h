/* SPDX-License-Identifier: MIT */
#ifndef API_RESPONSE_H
#define API_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory/buf.h"

enum { API_DATE_SIZE = 30, API_LENGTH_NONE = -1, API_LENGTH_CHUNKED = -2, API_LENGTH_CLOSE = -3 };

/** The head of one answer. */
struct api_response {
    int status;
    const char *type; /* media type, NULL = none */
    int64_t length;   /* of the body, or one of API_LENGTH_* */
    const char *date; /* IMF-fixdate */
    const char *request_id;
    const struct buf *lines; /* more headers, complete lines */
    bool is_closing;         /* the connection ends with this answer */
    bool is_http10;          /* then keeping alive must be said */
};

/** Appends the head with its empty line. */
void api_response_append(const struct api_response *r, struct buf *out);
/** "Fri, 20 Nov 2026 14:28:00 GMT". */
void api_response_format_date(int64_t wall_ms, char out[API_DATE_SIZE]);

#endif
