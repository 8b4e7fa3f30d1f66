/* SPDX-License-Identifier: MIT */
#include "api/resources/routes.h"

#include <string.h>

#include "api/common/cacheable.h"
#include "api/describe/openapi.h"
#include "api/describe/problem.h"
#include "api/http/response.h"
#include "base/memory/buf.h"

static const char *role_name(enum cache_role role)
{
    return role == CACHE_ROLE_NONE ? "none" : cache_role_name(role);
}

void api_routes_print(FILE *out)
{
    for (size_t i = 0; i < api_n_routes; i++)
        fprintf(out, "%s\t%s\t%s\t%s\t%s\n", http_method_name(api_routes[i].method),
                api_routes[i].path, role_name(api_routes[i].role), api_routes[i].id,
                api_routes[i].summary);
}

static void write_parameters(const struct api_route *route, struct buf *out)
{
    if (!route->query)
        return;
    (void)buf_append_str(out, "\nQuery:\n\n| parameter | type | meaning |\n|---|---|---|\n");
    for (const struct api_route_query *q = route->query; q->name; q++) {
        (void)buf_printf(out, "| `%s` | `", q->name);
        for (const char *p = q->type; *p; p++)
            (void)buf_printf(out, *p == '|' ? "\\%c" : "%c", *p);
        (void)buf_printf(out, "` | %s |\n", q->description);
    }
}

static void write_answers(const struct api_route *route, struct buf *out)
{
    int refusals[16];
    size_t n = api_openapi_refusals(route, refusals, 16);
    (void)buf_append_str(out, "\nAnswers:\n\n| status | body | meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < API_ROUTE_MAX_ANSWERS && route->answers[i].status; i++) {
        const struct api_route_answer *a = &route->answers[i];
        const char *body = a->schema ? a->schema : a->type ? a->type : "none";
        (void)buf_printf(out, "| %d | `%s` | %s |\n", a->status, body, a->summary);
    }
    for (size_t i = 0; i < n; i++)
        (void)buf_printf(out, "| %d | `Problem` | %s |\n", refusals[i],
                         http_response_reason(refusals[i]));
}

static void write_caching(const struct api_route *route, struct buf *out)
{
    const struct api_cacheable *row = api_cacheable_find(route->id);
    if (row)
        (void)buf_printf(out,
                         "\nKept in the result cache under `%s` for %u s. It is forgotten when %s. "
                         "The answer's `X-Cache` is HIT, MISS, STALE or BYPASS, and `Age` says how "
                         "old it is.\n",
                         row->key, (unsigned)(row->policy.ttl_ms / 1000), row->forgotten);
}

static void write_section(const struct api_route *route, struct buf *out)
{
    (void)buf_printf(out, "\n<a id=\"%s\"></a>\n\n## %s %s\n\n%s. Role: %s.\n", route->id,
                     http_method_name(route->method), route->path, route->summary,
                     role_name(route->role));
    if (route->description)
        (void)buf_printf(out, "\n%s\n", route->description);
    if (route->headers)
        (void)buf_printf(out, "\nRequest headers that mean something: %s.\n", route->headers);
    if (route->body)
        (void)buf_printf(out, "\nBody: `%s` in `GET /api/openapi.json`.\n", route->body);
    write_caching(route, out);
    write_parameters(route, out);
    write_answers(route, out);
}

static void write_index(struct buf *out)
{
    (void)buf_append_str(out,
                         "# Routes\n\nWhat `ldplayerd routes docs` prints; the schemas are in "
                         "`GET /api/openapi.json`.\n\n| route | role | what |\n|---|---|---|\n");
    for (size_t i = 0; i < api_n_routes; i++) {
        const struct api_route *r = &api_routes[i];
        (void)buf_printf(out, "| [`%s %s`](#%s) | %s | %s |\n", http_method_name(r->method),
                         r->path, r->id, role_name(r->role), r->summary);
    }
}

void api_routes_markdown(struct buf *out)
{
    write_index(out);
    for (size_t i = 0; i < api_n_routes; i++)
        write_section(&api_routes[i], out);
}
