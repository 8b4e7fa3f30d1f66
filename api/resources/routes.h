/* SPDX-License-Identifier: MIT */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include <stdio.h>

#include "api/describe/route.h"

/** The one table of everything the API serves. Dispatch, the OpenAPI document, `ldplayerd routes`
 *  and the documentation pages all come from it. */
extern const struct api_route api_routes[];
extern const size_t api_n_routes;

/** One line a route: method, path, role, operation id, summary, separated by tabs. */
void api_routes_print(FILE *out);
/** Appends docs/api.md: an index, then a section for each route. */
void api_routes_markdown(struct buf *out);

#endif
