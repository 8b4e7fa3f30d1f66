/* SPDX-License-Identifier: MIT */
#ifndef API_OPENAPI_H
#define API_OPENAPI_H

#include "api/describe/route.h"
#include "base/memory/buf.h"

/** Appends the OpenAPI 3.1 document of ROUTES. VERSION is that of the program. */
void api_openapi_append(const struct api_route *routes, size_t n, const char *version,
                        struct buf *out);
/** Statuses other than success that ROUTE may answer with, ascending, into OUT (at most MAX).
 *  Returns how many. */
size_t api_openapi_refusals(const struct api_route *route, int *out, size_t max);
/** The headers of requests that mean something to routes, and whether one does to ROUTE. */
enum { API_HEADER_COUNT = 5 };
extern const struct api_header {
    const char *name, *description;
} api_headers[API_HEADER_COUNT];
bool api_header_is_taken(const struct api_route *route, size_t header);
/** Appends the page to read, as HTML. */
void api_docs_append(const struct api_route *routes, size_t n, const char *version,
                     struct buf *out);

#endif
