/* SPDX-License-Identifier: MIT */
#include "api/describe/openapi.h"

#include <stdlib.h>
#include <string.h>

#include "api/describe/problem.h"
#include "api/http/response.h"
#include "api/describe/schema.h"
#include "base/memory/cleanup.h"
#include "base/text/json.h"

enum { MAX_REFUSALS = 16 };

static const char *method_key(enum http_method method)
{
    switch (method) {
    case HTTP_METHOD_POST:
        return "post";
    case HTTP_METHOD_PATCH:
        return "patch";
    case HTTP_METHOD_DELETE:
        return "delete";
    default:
        return "get";
    }
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void add_refusal(int status, int *out, size_t max, size_t *n)
{
    for (size_t i = 0; i < *n; i++) {
        if (out[i] == status)
            return;
    }
    if (*n < max)
        out[(*n)++] = status;
}

size_t api_openapi_refusals(const struct api_route *route, int *out, size_t max)
{
    size_t n = 0;
    static const int of_body[] = {400, 413, 415, 422, 0};
    if (route->role != CACHE_ROLE_NONE) {
        add_refusal(401, out, max, &n);
        add_refusal(403, out, max, &n);
    }
    if (strchr(route->path, '{'))
        add_refusal(404, out, max, &n);
    if (route->query || (route->headers && strstr(route->headers, "Idempotency-Key")))
        add_refusal(422, out, max, &n);
    for (const int *status = of_body; route->body && *status; status++)
        add_refusal(*status, out, max, &n);
    for (const int *status = route->refusals; status && *status; status++)
        add_refusal(*status, out, max, &n);
    qsort(out, n, sizeof(*out), compare);
    return n;
}

static void add_text(struct buf *out, const char *key, const char *text)
{
    (void)buf_printf(out, ",\"%s\":", key);
    json_append_str(out, text);
}

static void begin_parameter(struct buf *out, bool *is_first, const char *in)
{
    (void)buf_printf(out, "%s{\"in\":\"%s\"", *is_first ? "" : ",", in);
    *is_first = false;
}

static void end_parameter(struct buf *out, const char *type, const char *description)
{
    (void)buf_append_str(out, ",\"schema\":");
    api_schema_append_type(type, out);
    if (description)
        add_text(out, "description", description);
    (void)buf_append_str(out, "}");
}

static void append_path_parameters(const struct api_route *route, struct buf *out, bool *is_first)
{
    for (const char *p = strchr(route->path, '{'); p; p = strchr(p + 1, '{')) {
        begin_parameter(out, is_first, "path");
        (void)buf_printf(out, ",\"name\":\"%.*s\",\"required\":true", (int)strcspn(p + 1, "}"),
                         p + 1);
        end_parameter(out, "text", NULL);
    }
}

static void append_header_parameters(const struct api_route *route, struct buf *out, bool *is_first)
{
    const char *name = route->headers ? route->headers : "";
    while (*name) {
        size_t n = strcspn(name, " ");
        begin_parameter(out, is_first, "header");
        (void)buf_printf(out, ",\"name\":\"%.*s\",\"required\":false", (int)n, name);
        end_parameter(out, "text", NULL);
        name += n + (name[n] == ' ');
    }
}

static void append_parameters(const struct api_route *route, struct buf *out)
{
    bool is_first = true;
    (void)buf_append_str(out, ",\"parameters\":[");
    append_path_parameters(route, out, &is_first);
    for (const struct api_route_query *q = route->query; q && q->name; q++) {
        begin_parameter(out, &is_first, "query");
        add_text(out, "name", q->name);
        (void)buf_append_str(out, ",\"required\":false");
        end_parameter(out, q->type, q->description);
    }
    append_header_parameters(route, out, &is_first);
    (void)buf_append_str(out, "]");
}

static void append_content(const char *type, const char *schema, struct buf *out)
{
    (void)buf_printf(out, ",\"content\":{\"%s\":{\"schema\":", type);
    api_schema_append_type(schema, out);
    (void)buf_append_str(out, "}}");
}

static void append_answer(const struct api_route_answer *a, struct buf *out)
{
    (void)buf_printf(out, "\"%d\":{\"description\":", a->status);
    json_append_str(out, a->summary);
    if (a->schema)
        append_content(a->type ? a->type : "application/json", a->schema, out);
    else if (a->type)
        append_content(a->type, "text", out);
    (void)buf_append_str(out, "}");
}

static void append_responses(const struct api_route *route, struct buf *out)
{
    int refusals[MAX_REFUSALS];
    size_t n = api_openapi_refusals(route, refusals, MAX_REFUSALS);
    (void)buf_append_str(out, ",\"responses\":{");
    for (size_t i = 0; i < API_ROUTE_MAX_ANSWERS && route->answers[i].status; i++) {
        if (i > 0)
            (void)buf_append_str(out, ",");
        append_answer(&route->answers[i], out);
    }
    for (size_t i = 0; i < n; i++)
        (void)buf_printf(out, ",\"%d\":{\"$ref\":\"#/components/responses/%d\"}", refusals[i],
                         refusals[i]);
    (void)buf_append_str(out, ",\"default\":{\"$ref\":\"#/components/responses/default\"}}");
}

static void append_operation(const struct api_route *route, struct buf *out)
{
    (void)buf_printf(out, "\"%s\":{\"operationId\":\"%s\",\"tags\":[\"%s\"]",
                     method_key(route->method), route->id, route->tag);
    add_text(out, "summary", route->summary);
    if (route->description)
        add_text(out, "description", route->description);
    add_text(out, "x-role", route->role == CACHE_ROLE_NONE ? "none" : cache_role_name(route->role));
    (void)buf_append_str(out, route->role == CACHE_ROLE_NONE ? ",\"security\":[]"
                                                             : ",\"security\":[{\"bearer\":[]}]");
    append_parameters(route, out);
    if (route->body) {
        (void)buf_append_str(out, ",\"requestBody\":{\"required\":false");
        append_content("application/json", route->body, out);
        (void)buf_append_str(out, "}");
    }
    append_responses(route, out);
    (void)buf_append_str(out, "}");
}

static bool is_first_of_path(const struct api_route *routes, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(routes[k].path, routes[i].path) == 0)
            return false;
    }
    return true;
}

static void append_paths(const struct api_route *routes, size_t n, struct buf *out)
{
    const char *separator = "";
    for (size_t i = 0; i < n; i++) {
        if (!is_first_of_path(routes, i))
            continue;
        (void)buf_printf(out, "%s\"%s\":{", separator, routes[i].path);
        append_operation(&routes[i], out);
        for (size_t k = i + 1; k < n; k++) {
            if (strcmp(routes[k].path, routes[i].path) != 0)
                continue;
            (void)buf_append_str(out, ",");
            append_operation(&routes[k], out);
        }
        (void)buf_append_str(out, "}");
        separator = ",";
    }
}

static void append_problem_response(const char *key, const char *description, struct buf *out)
{
    (void)buf_printf(out, "\"%s\":{\"description\":", key);
    json_append_str(out, description);
    append_content("application/problem+json", "Problem", out);
    (void)buf_append_str(out, "}");
}

static void append_components(struct buf *out)
{
    static const char *const statuses[] = {"400", "401", "403", "404", "409", "412",
                                           "413", "415", "422", "429", "503", "504"};
    (void)buf_append_str(out, "\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":"
                              "\"bearer\"}},\"responses\":{");
    for (size_t i = 0; i < countof(statuses); i++) {
        append_problem_response(statuses[i], http_response_reason(atoi(statuses[i])), out);
        (void)buf_append_str(out, ",");
    }
    append_problem_response("default", "Any other problem", out);
    (void)buf_append_str(out, "},\"schemas\":{");
    for (size_t i = 0; i < api_schema_count(); i++) {
        (void)buf_printf(out, "%s\"%s\":", i ? "," : "", api_schema_name(i));
        api_schema_append(i, out);
    }
    (void)buf_append_str(out, "}");
}

void api_openapi_append(const struct api_route *routes, size_t n, const char *version,
                        struct buf *out)
{
    (void)buf_append_str(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"ldplayerd\","
                              "\"description\":\"Drives LDPlayer's ldconsole and tells the truth "
                              "about it.\",\"license\":{\"name\":\"MIT\",\"identifier\":\"MIT\"},"
                              "\"version\":");
    json_append_str(out, version);
    (void)buf_append_str(out, "},\"servers\":[{\"url\":\"/\"}],\"paths\":{");
    append_paths(routes, n, out);
    (void)buf_append_str(out, "},\"components\":{");
    append_components(out);
    (void)buf_append_str(out, "}}");
}
