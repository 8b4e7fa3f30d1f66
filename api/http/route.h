/* SPDX-License-Identifier: MIT */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include <stddef.h>

#include "api/describe/route.h"

/** What a path matched. */
struct api_route_match {
    const struct api_route *route; /* NULL when the path has no route for the method */
    unsigned methods;              /* 1 << method of every route of the path; 0 = no such path */
};

/** The table taken apart for matching, because every request is matched. */
struct api_router;

/** ROUTES must outlive it. */
struct api_router *api_router_new(const struct api_route *routes, size_t n);
struct api_router *api_router_free(struct api_router *router);
/** Finds the route of R (its target parsed) and fills R's params. HEAD finds GET. */
struct api_route_match api_router_find(const struct api_router *router, struct api_request *r);
/** "GET, HEAD, OPTIONS" for METHODS, into OUT. */
void api_route_allow(unsigned methods, char *out, size_t size);
const char *api_method_name(enum api_method method);

#endif
