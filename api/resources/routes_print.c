/* SPDX-License-Identifier: MIT */
#include "api/resources/routes.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "api/common/cacheable.h"
#include "api/describe/event.h"
#include "api/describe/openapi.h"
#include "api/describe/problem.h"
#include "api/describe/route.h"
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

/* In a table, where a bar would begin the next cell. */
static void write_type(const char *type, struct buf *out)
{
    (void)buf_append_str(out, "`");
    for (const char *p = type; *p; p++)
        (void)buf_printf(out, *p == '|' ? "\\%c" : "%c", *p);
    (void)buf_append_str(out, "`");
}

static void write_parameters(const struct api_route *route, struct buf *out)
{
    if (!route->query)
        return;
    (void)buf_append_str(out, "\nQuery:\n\n| parameter | type | meaning |\n|---|---|---|\n");
    for (const struct api_route_query *const *q = route->query; *q; q++) {
        (void)buf_printf(out, "| `%s` | ", (*q)->name);
        write_type((*q)->type, out);
        (void)buf_printf(out, " | %s%s |\n", (*q)->description,
                         (*q)->need == API_REQUIRED ? " Required." : "");
    }
}

static void write_answers(const struct api_route *route, struct buf *out)
{
    int refusals[16];
    size_t n = api_openapi_refusals(route, refusals, 16);
    (void)buf_append_str(out, "\nAnswers:\n\n| status | body | meaning |\n|---|---|---|\n");
    for (const struct api_route_answer *a = route->answers; a->status; a++) {
        (void)buf_printf(out, "| %d | ", a->status);
        write_type(a->schema ? a->schema : a->type ? a->type : "none", out);
        (void)buf_printf(out, " | %s |\n", a->summary);
    }
    if (route->condition == API_IF_NONE_MATCH)
        (void)buf_append_str(out, "| 304 | `none` | The client has this answer already. |\n");
    for (size_t i = 0; i < n; i++)
        (void)buf_printf(out, "| %d | `Problem` | %s |\n", refusals[i],
                         http_response_reason(refusals[i]));
}

static void write_caching(const struct api_route *route, struct buf *out)
{
    const struct api_cacheable *row = route->cacheable;
    char life[32] = "`cache_ttl_s`";
    if (!row)
        return;
    if (row->policy.ttl_ms > 0)
        snprintf(life, sizeof(life), "%u s", (unsigned)(row->policy.ttl_ms / 1000));
    (void)buf_printf(out,
                     "\nKept in the result cache under `%s` for %s. It is forgotten when %s. The "
                     "answer's `X-Cache` is HIT, MISS, STALE or BYPASS, and `Age` says how old it "
                     "is.\n",
                     row->key, life, row->forgotten);
}

static void write_headers(const struct api_route *route, struct buf *out)
{
    bool is_first = true;
    for (size_t i = 0; i < API_HEADER_COUNT; i++) {
        if (!api_header_is_taken(route, i))
            continue;
        (void)buf_printf(out, "%s%s", is_first ? "\n[Request headers](#headers): " : ", ",
                         api_headers[i].name);
        is_first = false;
    }
    if (!is_first)
        (void)buf_append_str(out, ".\n");
}

static void write_section(const struct api_route *route, struct buf *out)
{
    (void)buf_printf(out, "\n<a id=\"%s\"></a>\n\n## %s %s\n\n%s. Role: %s.\n", route->id,
                     http_method_name(route->method), route->path, route->summary,
                     role_name(route->role));
    if (route->description)
        (void)buf_printf(out, "\n%s\n", route->description);
    write_headers(route, out);
    if (route->body)
        (void)buf_printf(out, "\nBody: `%s` in `GET /api/openapi.json`%s.\n", route->body,
                         route->is_body_required ? "" : "; may be left out");
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

static void write_all_headers(struct buf *out)
{
    (void)buf_append_str(out, "\n<a id=\"headers\"></a>\n\n## Request headers\n\n"
                              "Those that mean something to some of the routes.\n\n"
                              "| header | meaning |\n|---|---|\n");
    for (size_t i = 0; i < API_HEADER_COUNT; i++)
        (void)buf_printf(out, "| `%s` | %s |\n", api_headers[i].name, api_headers[i].description);
}

static void write_events(struct buf *out)
{
    (void)buf_append_str(out, "\n<a id=\"events\"></a>\n\n## Types of events\n\n"
                              "| type | data | when |\n|---|---|---|\n");
    for (size_t i = 0; i < api_n_event_types; i++) {
        (void)buf_printf(out, "| `%s` | ", api_event_types[i].type);
        write_type(api_event_types[i].data, out);
        (void)buf_printf(out, " | %s |\n", api_event_types[i].description);
    }
}

void api_routes_markdown(struct buf *out)
{
    write_index(out);
    write_all_headers(out);
    for (size_t i = 0; i < api_n_routes; i++)
        write_section(&api_routes[i], out);
    write_events(out);
}
