/* SPDX-License-Identifier: MIT */
#include "api/dispatch/router.h"

#include <stdio.h>
#include <string.h>

#include "base/memory/mem.h"

/* A route's path; a parameter has no text. */
struct pattern {
    const struct api_route *route;
    size_t n_segments, n_literals;
    struct {
        const char *text;
        size_t len;
    } segments[HTTP_MAX_SEGMENTS];
};

/* The patterns of N segments stand together, from first[N] to first[N + 1], in the order of the
 * table; of more segments than a path may have there are none. */
struct api_router {
    size_t first[HTTP_MAX_SEGMENTS + 3];
    struct pattern patterns[];
};

static void take_apart(const struct api_route *route, struct pattern *ret)
{
    ret->route = route;
    for (const char *p = route->path; *p == '/'; p += strcspn(p, "/")) {
        bool is_param = *++p == '{';
        ret->segments[ret->n_segments].text = is_param ? NULL : p;
        ret->segments[ret->n_segments++].len = strcspn(p, "/");
        ret->n_literals += !is_param;
    }
}

struct api_router *api_router_new(const struct api_route *routes, size_t n)
{
    struct api_router *router = mem_alloc(sizeof(*router) + n * sizeof(router->patterns[0]));
    size_t at = 0;
    for (size_t n_segments = 0; n_segments <= HTTP_MAX_SEGMENTS; n_segments++) {
        router->first[n_segments] = at;
        for (size_t i = 0; i < n; i++) {
            struct pattern p = {0};
            take_apart(&routes[i], &p);
            if (p.n_segments == n_segments)
                router->patterns[at++] = p;
        }
    }
    router->first[HTTP_MAX_SEGMENTS + 1] = router->first[HTTP_MAX_SEGMENTS + 2] = at;
    return router;
}

struct api_router *api_router_free(struct api_router *router)
{
    mem_free(router);
    return NULL;
}

static bool is_match(const struct pattern *p, const struct http_request *r)
{
    /* Paths differ at their ends rather than at their beginnings. */
    for (size_t i = p->n_segments; i > 0; i--) {
        const char *segment = r->segments[i - 1], *text = p->segments[i - 1].text;
        size_t len = p->segments[i - 1].len;
        /* The first letter tells most of them apart, at no cost. */
        if (text ? *segment != *text || strncmp(segment, text, len) != 0 || segment[len] != '\0'
                 : *segment == '\0')
            return false;
    }
    return true;
}

static void fill_params(const struct pattern *p, struct http_request *r)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_segments && n < HTTP_MAX_PARAMS; i++) {
        if (!p->segments[i].text)
            r->params[n++] = r->segments[i];
    }
}

struct api_route_match api_router_find(const struct api_router *router, struct http_request *r)
{
    struct api_route_match match = {0};
    enum http_method wanted = r->method == HTTP_METHOD_HEAD ? HTTP_METHOD_GET : r->method;
    const struct pattern *best = NULL;
    for (size_t i = router->first[r->n_segments]; i < router->first[r->n_segments + 1]; i++) {
        const struct pattern *p = &router->patterns[i];
        if (!is_match(p, r))
            continue;
        match.methods |= 1u << p->route->method;
        if (p->route->method == wanted && (!best || p->n_literals > best->n_literals))
            best = p;
    }
    if (best) {
        match.route = best->route;
        fill_params(best, r);
    }
    return match;
}

void api_router_allow(unsigned methods, char *out, size_t size)
{
    if (methods & (1u << HTTP_METHOD_GET))
        methods |= 1u << HTTP_METHOD_HEAD;
    methods |= 1u << HTTP_METHOD_OPTIONS;
    size_t used = 0;
    for (unsigned m = 0; m < HTTP_METHOD_OTHER; m++) {
        if (methods & (1u << m))
            used += (size_t)snprintf(out + used, used < size ? size - used : 0, "%s%s",
                                     used ? ", " : "", http_method_name((enum http_method)m));
    }
}
