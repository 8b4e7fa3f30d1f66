/* SPDX-License-Identifier: MIT */
#include "api/http/gate.h"

#include <string.h>

#include "api/access/auth.h"
#include "api/http/conn.h"
#include "api/access/origin.h"
#include "base/text/str.h"

static enum api_gate refuse(struct api_exchange *x, enum api_code code, const char *detail)
{
    api_respond_code(x, code, "%s", detail);
    return API_GATE_ANSWERED;
}

static enum api_gate check_transfer_encoding(struct api_exchange *x)
{
    struct api_request *r = &x->request;
    const char *encoding = api_request_header(r, API_HEADER_TRANSFER_ENCODING);
    if (!encoding)
        return API_GATE_OPEN;
    /* Where the body ends is not known for any other encoding. */
    r->is_keep_alive = false;
    if (r->is_http10)
        return refuse(x, API_BAD_HEADER, "Transfer-Encoding does not belong to HTTP/1.0.");
    if (!str_is_equal_nocase(encoding, "chunked"))
        return refuse(x, API_TRANSFER_ENCODING_UNKNOWN, "The only transfer encoding is chunked.");
    r->is_keep_alive = llhttp_should_keep_alive(&x->parser.http);
    return API_GATE_OPEN;
}

/* The authority of an absolute target replaces the Host header (RFC 9112, section 3.2.2). */
static enum api_gate check_host(struct api_exchange *x, const char **ret_host)
{
    const struct api_request *r = &x->request;
    const char *host = api_request_header(r, API_HEADER_HOST);
    if (!host && !r->is_http10)
        return refuse(x, API_HOST_MISSING, "An HTTP/1.1 request needs a Host header.");
    if (r->authority)
        host = r->authority;
    *ret_host = host;
    if (host && x->conn->listener->host && !api_origin_is_host(host))
        return refuse(x, API_HOST_MISSING, "The Host header is not a host name or address.");
    return API_GATE_OPEN;
}

static enum api_gate check_origin(struct api_exchange *x, const char *host)
{
    const char *bound = x->conn->listener->host;
    const char *origin = api_request_header(&x->request, API_HEADER_ORIGIN);
    if (!bound)
        return API_GATE_OPEN;
    if (host && !api_origin_is_our_host(host, bound))
        return refuse(x, API_HOST_REFUSED,
                      "The Host header must name the loopback interface or the address that the "
                      "service listens at.");
    if (origin && (!host || !api_origin_is_own(origin, host)))
        return refuse(x, API_ORIGIN_REFUSED,
                      "The request comes from a page of another origin, which may not use this "
                      "service.");
    return API_GATE_OPEN;
}

static enum api_gate answer_options(struct api_exchange *x, unsigned methods)
{
    char allow[64];
    api_route_allow(methods, allow, sizeof(allow));
    api_exchange_header(x, "Allow", allow);
    api_respond_empty(x, 204);
    return API_GATE_ANSWERED;
}

static enum api_gate refuse_method(struct api_exchange *x, unsigned methods)
{
    char allow[64];
    if (!methods && x->request.method == API_METHOD_OTHER)
        return refuse(x, API_METHOD_UNKNOWN, "The request method is used by no route.");
    if (!methods)
        return refuse(x, API_NOT_FOUND, "No route has this path; GET /api/docs lists all.");
    api_route_allow(methods, allow, sizeof(allow));
    api_exchange_header(x, "Allow", allow);
    return refuse(x, API_METHOD_NOT_ALLOWED, "See the Allow header for the methods of this path.");
}

static enum api_gate find_route(struct api_exchange *x)
{
    struct api_request *r = &x->request;
    const unsigned all = 1u << API_METHOD_GET | 1u << API_METHOD_POST | 1u << API_METHOD_PATCH |
                         1u << API_METHOD_DELETE;
    if (r->is_asterisk)
        return answer_options(x, all);
    struct api_route_match match = api_router_find(x->server->router, r);
    if (r->method == API_METHOD_OPTIONS && match.methods)
        return answer_options(x, match.methods);
    if (!match.route)
        return refuse_method(x, match.methods);
    x->route = match.route;
    return API_GATE_OPEN;
}

static bool is_query_known(const struct api_route_query *const *query, const char *name)
{
    for (; query && *query; query++) {
        if (strcmp((*query)->name, name) == 0)
            return true;
    }
    return false;
}

/* A misspelt filter that is ignored would answer another question than was asked. Probes that add
 * something to a path of theirs are let through. */
static enum api_gate check_query(struct api_exchange *x)
{
    const struct api_request *r = &x->request;
    if (x->route->role == CACHE_ROLE_NONE)
        return API_GATE_OPEN;
    for (size_t i = 0; i < r->n_query; i++) {
        if (!is_query_known(x->route->query, r->query[i].name)) {
            api_respond_field(x, r->query[i].name, "is no query parameter of this route");
            return API_GATE_ANSWERED;
        }
    }
    return API_GATE_OPEN;
}

static bool is_json(const char *type)
{
    size_t n = strcspn(type, "; \t");
    char name[32];
    if (n >= sizeof(name))
        return false;
    memcpy(name, type, n);
    name[n] = '\0';
    return str_is_equal_nocase(name, "application/json");
}

static enum api_gate check_body(struct api_exchange *x)
{
    const struct api_request *r = &x->request;
    const char *expect = api_request_header(r, API_HEADER_EXPECT);
    const char *type = api_request_header(r, API_HEADER_CONTENT_TYPE);
    if (expect && !r->is_http10 && !str_is_equal_nocase(expect, "100-continue"))
        return refuse(x, API_EXPECTATION_FAILED, "The only expectation known is 100-continue.");
    if (r->content_length > r->body.max) {
        api_respond_code(x, API_BODY_TOO_LARGE, "The body may have %u bytes at most.",
                         (unsigned)r->body.max);
        return API_GATE_ANSWERED;
    }
    if (x->route->body && type && api_request_has_body(r) && !is_json(type))
        return refuse(x, API_UNSUPPORTED_MEDIA_TYPE, "The Content-Type must be application/json.");
    return API_GATE_OPEN;
}

static enum api_gate check_role(struct api_exchange *x)
{
    enum cache_role needed = x->route->role;
    if (x->who.role >= needed)
        return API_GATE_OPEN;
    if (x->who.kind == API_IDENTITY_NONE) {
        api_auth_refuse(x, "This route needs credentials: Authorization: Bearer TOKEN.");
        return API_GATE_ANSWERED;
    }
    api_respond_code(x, API_FORBIDDEN, "This needs the role %s; '%s' has the role %s.",
                     cache_role_name(needed), x->who.name, cache_role_name(x->who.role));
    return API_GATE_ANSWERED;
}

enum api_gate api_gate_check_identified(struct api_exchange *x)
{
    enum api_gate gate = check_role(x);
    if (gate == API_GATE_OPEN)
        gate = check_query(x);
    if (gate == API_GATE_OPEN)
        gate = check_body(x);
    return gate;
}

static enum api_gate check_head(struct api_exchange *x)
{
    const char *host = NULL, *why = NULL;
    enum api_gate gate = check_transfer_encoding(x);
    if (gate != API_GATE_OPEN)
        return gate;
    if (x->request.has_repeated_header)
        return refuse(x, API_BAD_HEADER, "A header that may stand once stands twice.");
    if (api_request_parse_target(&x->request, &why) < 0)
        return refuse(x, API_BAD_TARGET, why);
    gate = check_host(x, &host);
    if (gate == API_GATE_OPEN)
        gate = check_origin(x, host);
    return gate;
}

static bool is_open_to_loopback(const struct api_exchange *x)
{
    return x->server->options.metrics_on_loopback && strcmp(x->route->path, "/metrics") == 0 &&
           api_conn_is_loopback(x->conn);
}

enum api_gate api_gate_check(struct api_exchange *x)
{
    enum api_gate gate = check_head(x);
    if (gate == API_GATE_OPEN)
        gate = find_route(x);
    if (gate != API_GATE_OPEN)
        return gate;
    if (x->route->role == CACHE_ROLE_NONE || is_open_to_loopback(x))
        return check_body(x) == API_GATE_OPEN ? check_query(x) : API_GATE_ANSWERED;
    gate = api_auth_identify(x);
    return gate == API_GATE_OPEN ? api_gate_check_identified(x) : gate;
}
