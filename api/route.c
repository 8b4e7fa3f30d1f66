/* SPDX-License-Identifier: MIT */
#include "api/route.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const method_names[] = {"GET",   "HEAD",   "POST",    "PUT",
                                           "PATCH", "DELETE", "OPTIONS", "OTHER"};

const char *api_method_name(enum api_method method)
{
    return method_names[method];
}

/* What follows the literal segment at PATH when it is SEGMENT, else NULL. A slash within SEGMENT
 * was escaped and is none of the path's. */
static const char *skip_literal(const char *path, const char *segment)
{
    while (*path && *path != '/' && *path == *segment) {
        path++;
        segment++;
    }
    return *segment == '\0' && (*path == '\0' || *path == '/') ? path : NULL;
}

/* Compares without building anything. Returns the number of literal segments + 1, or 0. */
static unsigned match_path(const char *path, const struct api_request *r,
                           const char *params[API_MAX_PARAMS])
{
    unsigned n_literal = 0, n_params = 0;
    for (size_t i = 0; i < r->n_segments; i++) {
        if (*path++ != '/')
            return 0;
        const char *segment = r->segments[i];
        if (*path == '{') {
            if (!*segment || n_params == API_MAX_PARAMS)
                return 0;
            params[n_params++] = segment;
            path += strcspn(path, "/");
        } else {
            path = skip_literal(path, segment);
            if (!path)
                return 0;
            n_literal++;
        }
    }
    return *path ? 0 : n_literal + 1;
}

struct api_route_match api_route_find(const struct api_route *routes, size_t n,
                                      struct api_request *r)
{
    struct api_route_match match = {0};
    enum api_method wanted = r->method == API_METHOD_HEAD ? API_METHOD_GET : r->method;
    unsigned best = 0;
    if (r->n_segments > API_MAX_SEGMENTS)
        return match;
    for (size_t i = 0; i < n; i++) {
        const char *params[API_MAX_PARAMS] = {0};
        unsigned score = match_path(routes[i].path, r, params);
        if (!score)
            continue;
        match.methods |= 1u << routes[i].method;
        if (routes[i].method == wanted && score > best) {
            best = score;
            match.route = &routes[i];
            memcpy(r->params, params, sizeof(params));
        }
    }
    return match;
}

void api_route_allow(unsigned methods, char *out, size_t size)
{
    if (methods & (1u << API_METHOD_GET))
        methods |= 1u << API_METHOD_HEAD;
    methods |= 1u << API_METHOD_OPTIONS;
    size_t used = 0;
    for (unsigned m = 0; m < API_METHOD_OTHER; m++) {
        if (methods & (1u << m))
            used += (size_t)snprintf(out + used, used < size ? size - used : 0, "%s%s",
                                     used ? ", " : "", method_names[m]);
    }
}
