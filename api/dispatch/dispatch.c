/* SPDX-License-Identifier: MIT */
#include "api/dispatch/dispatch.h"

#include <string.h>

#include "api/access/audit.h"
#include "api/access/auth.h"
#include "api/access/origin.h"
#include "api/dispatch/idempotency.h"
#include "api/dispatch/router.h"
#include "api/exchange/exchange.h"
#include "api/exchange/parts.h"
#include "api/http/conn.h"
#include "base/memory/cleanup.h"
#include "base/text/str.h"

/* The way of a request. Each stage either lets it go on or answers it, and says so by its result.
 *
 *      on_head        the head is complete, or on_fault: it never will be
 *      check_head     the rules of HTTP, the target
 *      check_origin   Host and Origin: is it meant for us, and no foreign page's
 *      find_route     404, 405, OPTIONS
 *      api_auth_identify  who asks
 *      check_role     may they
 *      check_query    no parameter that the route does not have
 *      check_body     kind and size, before it is read
 *      on_request     the body is there
 *      api_idempotency_read  the Idempotency-Key
 *      the handler    of api/resources. It alone knows what If-Match and If-None-Match are about:
 *                     api_exchange_may_change, api_exchange_matches
 *      on_answer      the audit record
 */

static bool refuse(struct api_exchange *x, enum api_code code, const char *detail)
{
    api_respond_code(x, code, "%s", detail);
    return false;
}

/* --- the head --- */

static bool check_head(struct api_exchange *x)
{
    struct http_request *r = &x->http.request;
    const char *why = NULL;
    if (r->is_http10 && http_request_header(r, HTTP_HEADER_TRANSFER_ENCODING))
        return refuse(x, API_BAD_HEADER, "Transfer-Encoding does not belong to HTTP/1.0.");
    if (r->has_bad_encoding)
        return refuse(x, API_TRANSFER_ENCODING_UNKNOWN, "The only transfer encoding is chunked.");
    if (r->has_repeated_header)
        return refuse(x, API_BAD_HEADER, "A header that may stand once stands twice.");
    if (http_request_parse_target(r, &why) < 0)
        return refuse(x, API_BAD_TARGET, why);
    return true;
}

/* The authority of an absolute target replaces the Host header (RFC 9112, section 3.2.2). Behind a
 * pipe there are no names and no browsers. */
static bool check_origin(struct api_exchange *x)
{
    const struct http_request *r = &x->http.request;
    const char *bound = listener_host(x->http.listener);
    const char *host = http_request_header(r, HTTP_HEADER_HOST);
    const char *origin = http_request_header(r, HTTP_HEADER_ORIGIN);
    if (!host && !r->is_http10)
        return refuse(x, API_HOST_MISSING, "An HTTP/1.1 request needs a Host header.");
    if (!bound)
        return true;
    if (r->authority)
        host = r->authority;
    if (host && !api_origin_is_host(host))
        return refuse(x, API_HOST_MISSING, "The Host header is not a host name or address.");
    if (host && !api_origin_is_our_host(host, bound))
        return refuse(x, API_HOST_REFUSED,
                      "The Host header must name the loopback interface or the address that the "
                      "service listens at.");
    if (origin && (!host || !api_origin_is_own(origin, host)))
        return refuse(x, API_ORIGIN_REFUSED,
                      "The request comes from a page of another origin, which may not use this "
                      "service.");
    return true;
}

/* --- the route --- */

enum { METHODS_SIZE = 64 };

static void allow(struct api_exchange *x, unsigned methods, char list[METHODS_SIZE])
{
    api_router_allow(methods, list, METHODS_SIZE);
    api_exchange_header(x, "Allow", list);
}

static bool answer_options(struct api_exchange *x, unsigned methods)
{
    char list[METHODS_SIZE];
    allow(x, methods, list);
    api_respond_empty(x, 204);
    return false;
}

static bool refuse_method(struct api_exchange *x, unsigned methods)
{
    char list[METHODS_SIZE];
    if (!methods && x->http.request.method == HTTP_METHOD_OTHER)
        return refuse(x, API_METHOD_UNKNOWN, "The request method is used by no route.");
    if (!methods)
        return refuse(x, API_NOT_FOUND, "No route has this path; GET /api/docs lists all.");
    allow(x, methods, list);
    api_respond_code(x, API_METHOD_NOT_ALLOWED, "This path takes %s.", list);
    return false;
}

static bool find_route(struct api_exchange *x)
{
    struct http_request *r = &x->http.request;
    const unsigned all = 1u << HTTP_METHOD_GET | 1u << HTTP_METHOD_POST | 1u << HTTP_METHOD_PUT |
                         1u << HTTP_METHOD_PATCH | 1u << HTTP_METHOD_DELETE;
    if (r->is_asterisk)
        return answer_options(x, all);
    struct api_route_match match = api_router_find(x->server->router, r);
    if (r->method == HTTP_METHOD_OPTIONS && match.methods)
        return answer_options(x, match.methods);
    if (!match.route)
        return refuse_method(x, match.methods);
    x->route = match.route;
    return true;
}

/* --- may they --- */

static bool is_open(const struct api_exchange *x)
{
    if (x->route->role == CACHE_ROLE_NONE)
        return true;
    return x->server->options.metrics_on_loopback && strcmp(x->route->path, "/metrics") == 0 &&
           listener_is_local(x->http.listener, x->http.io);
}

static bool check_role(struct api_exchange *x)
{
    enum cache_role needed = x->route->role;
    if (x->who.role >= needed)
        return true;
    if (x->who.kind == API_IDENTITY_NONE)
        api_auth_refuse(x,
                        x->who.is_anonymous
                            ? "This route needs credentials, and this client has connected to the "
                              "pipe anonymously: connect with identification level "
                              "(SECURITY_IDENTIFICATION), or send Authorization: Bearer TOKEN."
                            : "This route needs credentials: Authorization: Bearer TOKEN.");
    else
        api_respond_code(x, API_FORBIDDEN, "This needs the role %s; '%s' has the role %s.",
                         cache_role_name(needed), x->who.name, cache_role_name(x->who.role));
    return false;
}

/* --- what is asked --- */

static bool has_query(const struct api_route *route, const char *name)
{
    for (const struct api_route_query *const *q = route->query; q && *q; q++) {
        if (strcmp((*q)->name, name) == 0)
            return true;
    }
    return false;
}

/* A misspelt filter that is ignored would answer another question than was asked. Probes that add
 * something to a path of theirs are let through. */
static bool check_query(struct api_exchange *x)
{
    const struct http_request *r = &x->http.request;
    for (size_t i = 0; i < r->n_query && x->route->role != CACHE_ROLE_NONE; i++) {
        if (!has_query(x->route, r->query[i].name)) {
            api_respond_field(x, r->query[i].name, "is no query parameter of this route");
            return false;
        }
    }
    return true;
}

static bool is_json(const char *type)
{
    char name[32];
    size_t n = strcspn(type, "; \t");
    if (n >= sizeof(name))
        return false;
    memcpy(name, type, n);
    name[n] = '\0';
    return str_is_equal_nocase(name, "application/json");
}

static bool check_body(struct api_exchange *x)
{
    const struct http_request *r = &x->http.request;
    const char *expect = http_request_header(r, HTTP_HEADER_EXPECT);
    const char *type = http_request_header(r, HTTP_HEADER_CONTENT_TYPE);
    if (expect && !r->is_http10 && !str_is_equal_nocase(expect, "100-continue"))
        return refuse(x, API_EXPECTATION_FAILED, "The only expectation known is 100-continue.");
    if (r->content_length > r->body.max) {
        api_respond_code(x, API_BODY_TOO_LARGE, "The body may have %u bytes at most.",
                         (unsigned)r->body.max);
        return false;
    }
    /* What stands there would be ignored, and be missed by whoever wrote it. */
    if (r->method == HTTP_METHOD_DELETE && http_request_has_body(r))
        return refuse(x, API_VALIDATION_FAILED, "DELETE takes no body; options go into the query.");
    if (x->route->body && type && http_request_has_body(r) && !is_json(type))
        return refuse(x, API_UNSUPPORTED_MEDIA_TYPE, "The Content-Type must be application/json.");
    return true;
}

/* --- the way --- */

static void on_head(struct http_exchange *h)
{
    struct api_exchange *x = api_exchange_of(h);
    if (!check_head(x) || !check_origin(x) || !find_route(x))
        return;
    if (!is_open(x) && !(api_auth_identify(x) && check_role(x)))
        return;
    if (check_query(x) && check_body(x))
        http_conn_proceed(h);
}

static void on_request(struct http_exchange *h)
{
    struct api_exchange *x = api_exchange_of(h);
    if (api_idempotency_read(x))
        x->route->handler(x);
}

static void on_fault(struct http_exchange *h, enum http_fault fault, const char *detail)
{
    static const enum api_code codes[] = {
        [HTTP_FAULT_BAD_REQUEST] = API_BAD_REQUEST,
        [HTTP_FAULT_TIMEOUT] = API_REQUEST_TIMEOUT,
        [HTTP_FAULT_BODY_TOO_LARGE] = API_BODY_TOO_LARGE,
        [HTTP_FAULT_TARGET_TOO_LONG] = API_TARGET_TOO_LONG,
        [HTTP_FAULT_HEAD_TOO_LARGE] = API_HEAD_TOO_LARGE,
        [HTTP_FAULT_METHOD_UNKNOWN] = API_METHOD_UNKNOWN,
        [HTTP_FAULT_TRANSFER_ENCODING] = API_TRANSFER_ENCODING_UNKNOWN,
        [HTTP_FAULT_CONNECTIONS] = API_TOO_MANY_CONNECTIONS,
        [HTTP_FAULT_VERSION] = API_HTTP_VERSION_UNKNOWN,
    };
    api_respond_code(api_exchange_of(h), codes[fault], "%s", detail);
}

static void on_answer(struct http_exchange *h, int status)
{
    api_audit_record(api_exchange_of(h), status);
}

/* --- the exchange between two requests --- */

static void init(struct http_exchange *h, void *arg)
{
    struct api_exchange *x = api_exchange_of(h);
    x->server = arg;
    x->context = &x->server->context;
}

static void on_end(struct http_exchange *h)
{
    struct api_exchange *x = api_exchange_of(h);
    x->route = NULL;
    x->who.kind = API_IDENTITY_NONE;
    x->who.role = CACHE_ROLE_NONE;
    x->who.name[0] = '\0';
    x->key = NULL;
    x->answer = NULL;
    x->is_live = false;
    x->body = NULL;
    x->status_ended = 0;
}

const struct http_calls api_dispatch_calls = {
    .exchange_size = sizeof(struct api_exchange),
    .init = init,
    .on_head = on_head,
    .on_request = on_request,
    .on_fault = on_fault,
    .on_answer = on_answer,
    .on_end = on_end,
    .free_conn_data = api_auth_free_caller,
};
