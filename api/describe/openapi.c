/* SPDX-License-Identifier: MIT */
#include "api/describe/openapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/describe/problem.h"
#include "api/describe/schema.h"
#include "api/http/response.h"
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
    case HTTP_METHOD_PUT:
        return "put";
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
    static const int of_body[] = {413, 415, 422, 0};
    add_refusal(400, out, max, &n); /* no HTTP as it should be */
    add_refusal(403, out, max, &n); /* the page of another site; a role that is too small */
    add_refusal(503, out, max, &n); /* too many connections; the service is stopping */
    if (route->role != CACHE_ROLE_NONE) {
        add_refusal(401, out, max, &n);
        add_refusal(422, out, max, &n); /* a query parameter that there is not */
    }
    if (strchr(route->path, '{'))
        add_refusal(404, out, max, &n);
    if (route->condition == API_IF_MATCH)
        add_refusal(412, out, max, &n);
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
    api_notation_append_type(type, out);
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

const struct api_header api_headers[API_HEADER_COUNT] = {
    {"Idempotency-Key", "Of 1 to 255 visible characters. The same request with the same key is "
                        "done once, and gets the same answer for 24 hours. A request that "
                        "changes something and does not list it refuses it with 422."},
    {"If-Match", "The `revision` that is to be changed, in double quotes. When it is another by "
                 "the time of the change, nothing is changed."},
    {"If-None-Match", "The ETag of an answer that the client has."},
    {"Cache-Control", "`no-cache` is `max_age_ms=0` for those who may ask for that."},
    {"Last-Event-ID", "The seq of the last event that the client has; `since` for those who "
                      "reconnect."},
};

bool api_header_is_taken(const struct api_route *route, size_t header)
{
    const bool is_taken[API_HEADER_COUNT] = {
        route->is_idempotent,
        route->condition == API_IF_MATCH,
        route->condition == API_IF_NONE_MATCH,
        route->cacheable != NULL,
        route->is_resumable,
    };
    return is_taken[header];
}

static void append_header_parameters(const struct api_route *route, struct buf *out, bool *is_first)
{
    for (size_t i = 0; i < API_HEADER_COUNT; i++) {
        if (!api_header_is_taken(route, i))
            continue;
        begin_parameter(out, is_first, "header");
        add_text(out, "name", api_headers[i].name);
        end_parameter(out, "text", api_headers[i].description);
    }
}

static void append_parameters(const struct api_route *route, struct buf *out)
{
    bool is_first = true;
    (void)buf_append_str(out, ",\"parameters\":[");
    append_path_parameters(route, out, &is_first);
    for (const struct api_route_query *const *q = route->query; q && *q; q++) {
        begin_parameter(out, &is_first, "query");
        add_text(out, "name", (*q)->name);
        (void)buf_printf(out, ",\"required\":%s", (*q)->need == API_REQUIRED ? "true" : "false");
        end_parameter(out, (*q)->type, (*q)->description);
    }
    append_header_parameters(route, out, &is_first);
    (void)buf_append_str(out, "]");
}

/* --- headers of answers --- */

enum {
    HEADER_REQUEST_ID = 1 << 0,
    HEADER_ETAG = 1 << 1,
    HEADER_X_CACHE = 1 << 2,
    HEADER_AGE = 1 << 3,
    HEADER_LOCATION = 1 << 4,
    HEADER_CACHE_CONTROL = 1 << 5,
    HEADER_ALLOW = 1 << 6,
    HEADER_RETRY_AFTER = 1 << 7,
    HEADER_WWW_AUTHENTICATE = 1 << 8,
    HEADER_CONTENT_POLICY = 1 << 9,
    HEADER_CONTENT_OPTIONS = 1 << 10,
};

/* In the order of the bits. */
static const struct {
    const char *name, *type, *description;
} headers[] = {
    {"X-Request-Id", "text", "That of the request when it had one of its own, else a new one."},
    {"ETag", "text", "For If-None-Match. Weak where the body tells its age."},
    {"X-Cache", "HIT|MISS|STALE|BYPASS", "How the result cache took part in the answer."},
    {"Age", "count",
     "Seconds since what the answer is made of was seen. Until the first look after a start nobody "
     "knows."},
    {"Location", "text", "The path of what was made."},
    {"Cache-Control", "=no-store", "The answer is not to be kept."},
    {"Allow", "text", "The methods of this path."},
    {"Retry-After", "count", "Seconds after which it may be tried again."},
    {"WWW-Authenticate", "text", "How to say who one is."},
    {"Content-Security-Policy", "text", "What the page may do."},
    {"X-Content-Type-Options", "=nosniff", "The page is what its type says."},
};

static unsigned headers_of(const struct api_route *route, const struct api_route_answer *a)
{
    bool has_tag = route->condition == API_IF_NONE_MATCH || (a->headers & API_ANSWER_ETAG);
    return HEADER_REQUEST_ID | (has_tag ? HEADER_ETAG : 0) |
           (route->cacheable ? HEADER_X_CACHE | HEADER_AGE : 0) |
           (a->headers & API_ANSWER_LOCATION ? HEADER_LOCATION : 0) |
           (a->headers & API_ANSWER_NO_STORE ? HEADER_CACHE_CONTROL : 0) |
           (a->headers & API_ANSWER_PAGE ? HEADER_CONTENT_POLICY | HEADER_CONTENT_OPTIONS : 0);
}

static unsigned headers_of_refusal(int status)
{
    switch (status) {
    case 401:
        return HEADER_REQUEST_ID | HEADER_WWW_AUTHENTICATE;
    case 405:
        return HEADER_REQUEST_ID | HEADER_ALLOW;
    case 429:
    case 503:
        return HEADER_REQUEST_ID | HEADER_RETRY_AFTER;
    default:
        return HEADER_REQUEST_ID;
    }
}

static void append_headers(unsigned set, struct buf *out)
{
    const char *separator = "";
    (void)buf_append_str(out, ",\"headers\":{");
    for (size_t i = 0; i < countof(headers); i++) {
        if (!(set & (1u << i)))
            continue;
        (void)buf_printf(out, "%s\"%s\":{\"$ref\":\"#/components/headers/%s\"}", separator,
                         headers[i].name, headers[i].name);
        separator = ",";
    }
    (void)buf_append_str(out, "}");
}

static void append_header_components(struct buf *out)
{
    for (size_t i = 0; i < countof(headers); i++) {
        (void)buf_printf(out, "%s\"%s\":{\"required\":%s,\"schema\":", i ? "," : "",
                         headers[i].name, 1u << i == HEADER_AGE ? "false" : "true");
        api_notation_append_type(headers[i].type, out);
        add_text(out, "description", headers[i].description);
        (void)buf_append_str(out, "}");
    }
}

/* --- bodies and answers --- */

/* TYPES: media types, apart by spaces. */
static void append_content(const char *types, const char *schema, struct buf *out)
{
    const char *separator = "";
    (void)buf_append_str(out, ",\"content\":{");
    for (size_t n; *types; types += n + (types[n] == ' '), separator = ",") {
        n = strcspn(types, " ");
        (void)buf_printf(out, "%s\"%.*s\":{\"schema\":", separator, (int)n, types);
        api_notation_append_type(schema, out);
        (void)buf_append_str(out, "}");
    }
    (void)buf_append_str(out, "}");
}

static void append_answer(const struct api_route *route, const struct api_route_answer *a,
                          struct buf *out)
{
    (void)buf_printf(out, "\"%d\":{\"description\":", a->status);
    json_append_str(out, a->summary);
    append_headers(headers_of(route, a), out);
    if (a->schema)
        append_content(a->type ? a->type : "application/json", a->schema, out);
    else if (a->type)
        append_content(a->type, "text", out);
    (void)buf_append_str(out, "}");
}

static void append_not_modified(const struct api_route *route, struct buf *out)
{
    static const struct api_route_answer unchanged = {
        .status = 304, .summary = "The client has this answer already."};
    (void)buf_append_str(out, ",");
    append_answer(route, &unchanged, out);
}

static void append_responses(const struct api_route *route, struct buf *out)
{
    int refusals[MAX_REFUSALS];
    size_t n = api_openapi_refusals(route, refusals, MAX_REFUSALS);
    (void)buf_append_str(out, ",\"responses\":{");
    for (const struct api_route_answer *a = route->answers; a->status; a++) {
        (void)buf_append_str(out, a == route->answers ? "" : ",");
        append_answer(route, a, out);
    }
    if (route->condition == API_IF_NONE_MATCH)
        append_not_modified(route, out);
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
        (void)buf_printf(out, ",\"requestBody\":{\"required\":%s",
                         route->is_body_required ? "true" : "false");
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

/* --- what routes share --- */

static void append_problem_response(const char *key, const char *description, unsigned set,
                                    struct buf *out)
{
    (void)buf_printf(out, "\"%s\":{\"description\":", key);
    json_append_str(out, description);
    append_headers(set, out);
    append_content("application/problem+json", "Problem", out);
    (void)buf_append_str(out, "}");
}

static void append_components(struct buf *out)
{
    static const int statuses[] = {400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 429, 503, 504};
    (void)buf_append_str(out, "\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":"
                              "\"bearer\"}},\"headers\":{");
    append_header_components(out);
    (void)buf_append_str(out, "},\"responses\":{");
    for (size_t i = 0; i < countof(statuses); i++) {
        char key[12];
        snprintf(key, sizeof(key), "%d", statuses[i]);
        append_problem_response(key, http_response_reason(statuses[i]),
                                headers_of_refusal(statuses[i]), out);
        (void)buf_append_str(out, ",");
    }
    append_problem_response("default", "A problem that any request may have.", HEADER_REQUEST_ID,
                            out);
    (void)buf_append_str(out, "},\"schemas\":{");
    api_schemas_append(out);
    (void)buf_append_str(out, "}");
}

/* What routes are about. */
static const struct {
    const char *name, *description;
} tags[] = {
    {"instances", "The emulators of this workstation."},
    {"operations", "What was asked for, and what became of it."},
    {"events", "What happens, as it happens."},
    {"breakers", "What keeps failing calls from being made again and again."},
    {"chaos", "Drills: ldconsole fails on purpose, where the configuration allows that."},
    {"cache", "The results that are kept."},
    {"performance", "The same in the shapes of earlier systems."},
    {"workstations", "This workstation, and others that were made known."},
    {"auth", "Who asks, and tokens."},
    {"backups", "Copies of the service's own database."},
    {"health", "Whether the service is well."},
    {"system", "The service itself, and this description."},
};

static void append_tags(struct buf *out)
{
    for (size_t i = 0; i < countof(tags); i++) {
        (void)buf_printf(out, "%s{\"name\":\"%s\"", i ? "," : "", tags[i].name);
        add_text(out, "description", tags[i].description);
        (void)buf_append_str(out, "}");
    }
}

void api_openapi_append(const struct api_route *routes, size_t n, const char *version,
                        struct buf *out)
{
    (void)buf_append_str(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"ldplayerd\","
                              "\"description\":\"Drives LDPlayer's ldconsole and tells the truth "
                              "about it.\",\"license\":{\"name\":\"MIT\",\"identifier\":\"MIT\"},"
                              "\"version\":");
    json_append_str(out, version);
    (void)buf_append_str(out, "},\"servers\":[{\"url\":\"/\"}],\"tags\":[");
    append_tags(out);
    (void)buf_append_str(out, "],\"paths\":{");
    append_paths(routes, n, out);
    (void)buf_append_str(out, "},\"components\":{");
    append_components(out);
    (void)buf_append_str(out, "}}");
}
