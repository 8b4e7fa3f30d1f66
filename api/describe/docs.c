/* SPDX-License-Identifier: MIT */
#include "api/describe/openapi.h"

#include <string.h>

#include "api/describe/event.h"
#include "api/describe/problem.h"
#include "api/describe/route.h"
#include "api/http/response.h"

static const char style[] =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}"
    "code{font-family:ui-monospace,monospace}h2{margin-top:2.5rem;border-bottom:1px solid #bbb}"
    "article{margin:1rem 0;padding:.6rem 1rem;border:1px solid #ccc;border-radius:6px}"
    "h3{margin:.2rem 0}table{border-collapse:collapse}td,th{text-align:left;padding:.1rem .8rem "
    ".1rem 0;vertical-align:top}.role{float:right;color:#666}"
    "@media(prefers-color-scheme:dark){body{background:#16181c;color:#ddd}a{color:#8bf}}";

static void add(struct buf *out, const char *markup)
{
    (void)buf_append_str(out, markup);
}

/* Text becomes HTML; `code` in back quotes becomes <code>. */
static void add_text(struct buf *out, const char *text)
{
    bool is_code = false;
    for (; *text; text++) {
        if (*text == '`') {
            add(out, is_code ? "</code>" : "<code>");
            is_code = !is_code;
        } else if (*text == '<') {
            add(out, "&lt;");
        } else if (*text == '&') {
            add(out, "&amp;");
        } else {
            (void)buf_append(out, text, 1);
        }
    }
}

static void add_query(const struct api_route *route, struct buf *out)
{
    if (!route->query)
        return;
    add(out, "<table>");
    for (const struct api_route_query *const *q = route->query; *q; q++) {
        (void)buf_printf(out, "<tr><td><code>?%s=</code><td><code>", (*q)->name);
        add_text(out, (*q)->type);
        add(out, "</code><td>");
        add_text(out, (*q)->description);
        add(out, (*q)->need == API_REQUIRED ? " Required." : "");
    }
    add(out, "</table>");
}

static void add_schema_link(const char *name, struct buf *out)
{
    (void)buf_printf(out, "<a href=\"/api/openapi.json\"><code>%s</code></a>", name);
}

static void add_answers(const struct api_route *route, struct buf *out)
{
    int refusals[16];
    size_t n = api_openapi_refusals(route, refusals, 16);
    add(out, "<table>");
    for (const struct api_route_answer *a = route->answers; a->status; a++) {
        (void)buf_printf(out, "<tr><td>%d<td>", a->status);
        if (a->schema)
            add_schema_link(a->schema, out);
        add(out, "<td>");
        add_text(out, a->summary);
    }
    for (size_t i = 0; i < n; i++)
        (void)buf_printf(out, "<tr><td>%d<td><td>%s", refusals[i],
                         http_response_reason(refusals[i]));
    add(out, "</table>");
}

static void add_route(const struct api_route *route, struct buf *out)
{
    (void)buf_printf(out,
                     "<article id=\"%s\"><span class=\"role\">%s</span><h3><code>%s %s</code>"
                     "</h3><p>",
                     route->id,
                     route->role == CACHE_ROLE_NONE ? "open to all" : cache_role_name(route->role),
                     http_method_name(route->method), route->path);
    add_text(out, route->summary);
    add(out, ".</p>");
    if (route->description) {
        add(out, "<p>");
        add_text(out, route->description);
        add(out, "</p>");
    }
    if (route->body) {
        add(out, "<p>Body: ");
        add_schema_link(route->body, out);
        add(out, route->is_body_required ? "</p>" : ", may be left out</p>");
    }
    add_query(route, out);
    add_answers(route, out);
    add(out, "</article>");
}

static void add_events(struct buf *out)
{
    add(out, "<h2 id=\"events\">Types of events</h2><table><tr><th>type<th>data<th>when");
    for (size_t i = 0; i < api_n_event_types; i++) {
        (void)buf_printf(out, "<tr><td><code>%s</code><td><code>", api_event_types[i].type);
        add_text(out, api_event_types[i].data);
        add(out, "</code><td>");
        add_text(out, api_event_types[i].description);
    }
    add(out, "</table>");
}

static void add_problems(struct buf *out)
{
    add(out, "<h2 id=\"problems\">Problems</h2><p>Refusals are <code>application/problem+json"
             "</code> (RFC 9457) with one of these codes.</p><table><tr><th>code<th>status<th>"
             "title<th>retryable");
    for (size_t i = 0; i < API_CODE_COUNT; i++) {
        const struct api_problem_row *row = &api_problem_table[i];
        (void)buf_printf(out, "<tr id=\"%s\"><td><code>%s</code><td>%d<td>%s<td>%s", row->code,
                         row->code, row->status, row->title, row->is_retryable ? "yes" : "no");
    }
    add(out, "</table>");
}

void api_docs_append(const struct api_route *routes, size_t n, const char *version, struct buf *out)
{
    add(out, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
             "content=\"width=device-width\"><title>ldplayerd API</title><style>");
    add(out, style);
    add(out, "</style><h1>ldplayerd ");
    add_text(out, version);
    add(out, "</h1><p>The same as a machine reads it: <a href=\"/api/openapi.json\">"
             "/api/openapi.json</a>. Credentials: <code>Authorization: Bearer TOKEN</code>.</p>");
    const char *tag = "";
    for (size_t i = 0; i < n; i++) {
        if (strcmp(tag, routes[i].tag) != 0) {
            tag = routes[i].tag;
            (void)buf_printf(out, "<h2>%s</h2>", tag);
        }
        add_route(&routes[i], out);
    }
    add_events(out);
    add_problems(out);
    add(out, "</html>\n");
}
