/* SPDX-License-Identifier: MIT */
#include "api/access/audit.h"

#include <inttypes.h>
#include <string.h>

#include "api/access/peer.h"
#include "api/exchange/exchange.h"
#include "api/exchange/parts.h"
#include "base/log/log.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/tables/events.h"

enum { PATH_SIZE = 256, NAME_SIZE = CACHE_TOKEN_NAME_MAX + 1 };

struct api_audit *api_audit_new(void)
{
    return mem_new(struct api_audit);
}

void api_audit_free(struct api_audit *audit)
{
    mem_free(audit);
}

static bool is_change(const struct api_exchange *x)
{
    enum http_method method = x->http.request.method;
    return x->route && (method == HTTP_METHOD_POST || method == HTTP_METHOD_PUT ||
                        method == HTTP_METHOD_PATCH || method == HTTP_METHOD_DELETE);
}

/* False when this second has seen enough of them. What was dropped is told with the next that is
 * recorded. */
static bool may_record_refusal(struct api_server *server)
{
    struct api_audit *limit = server->audit;
    uint64_t now = uv_now(&server->context.loop->uv);
    if (now >= limit->until_ms) {
        if (limit->n_dropped > 0)
            log_warning("audit", "dropped=%u: more refusals in one second than are recorded",
                        limit->n_dropped);
        limit->until_ms = now + 1000;
        limit->n_recorded = limit->n_dropped = 0;
    }
    if (limit->n_recorded < API_AUDIT_REFUSALS_PER_S) {
        limit->n_recorded++;
        return true;
    }
    limit->n_dropped++;
    return false;
}

/* A quotation mark would end the value and let a name forge what follows it. */
static void unquote(char *text)
{
    for (char *p = strchr(text, '"'); p; p = strchr(p, '"'))
        *p = '\'';
}

static void append(char *out, const char *text)
{
    size_t n = strlen(out);
    str_copy(out + n, PATH_SIZE - n, text);
}

/* The path is kept in decoded pieces. */
static void write_path(const struct http_request *r, char out[PATH_SIZE])
{
    out[0] = '\0';
    for (size_t i = 0; i < r->n_segments && i < HTTP_MAX_SEGMENTS; i++) {
        append(out, "/");
        append(out, r->segments[i]);
    }
    unquote(out);
}

static void write_name(const struct api_exchange *x, char out[NAME_SIZE])
{
    str_copy(out, NAME_SIZE, x->who.name[0] ? x->who.name : "-");
    unquote(out);
}

static const char *find_way(const struct api_exchange *x)
{
    if (x->who.kind == API_IDENTITY_TOKEN)
        return "token";
    return listener_is_pipe(x->http.listener) ? api_peer_medium : "tcp";
}

static bool is_worth_an_event(const struct api_exchange *x, int status)
{
    return status == 403 || is_change(x) ||
           http_request_header(&x->http.request, HTTP_HEADER_AUTHORIZATION);
}

static void emit(struct api_exchange *x, int status, unsigned n_more)
{
    char path[PATH_SIZE], name[NAME_SIZE];
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    write_path(&x->http.request, path);
    write_name(x, name);
    json_add_str(doc, root, "method", http_method_name(x->http.request.method));
    json_add_str(doc, root, "path", path);
    yyjson_mut_obj_add_int(doc, root, "status", status);
    json_add_str(doc, root, "who", name);
    json_add_str(doc, root, "role", cache_role_name(x->who.role));
    json_add_str(doc, root, "how", find_way(x));
    json_add_str(doc, root, "request_id", x->http.request_id);
    yyjson_mut_obj_add_uint(doc, root, "more", n_more);
    char *text cleanup(mem_freep) = json_write(doc);
    cache_events_emit(x->context->events, "security.caller_refused", text);
}

/* Tests of the machinery have no events. */
static void tell_refusal(struct api_exchange *x, int status)
{
    struct api_audit *limit = x->server->audit;
    uint64_t now = uv_now(&x->context->loop->uv);
    if (!x->context->events || !is_worth_an_event(x, status))
        return;
    if (now < limit->tell_at_ms) {
        limit->n_untold++;
        return;
    }
    emit(x, status, limit->n_untold);
    limit->n_untold = 0;
    limit->tell_at_ms = now + API_AUDIT_TELL_EVERY_MS;
}

void api_audit_record(struct api_exchange *x, int status)
{
    char path[PATH_SIZE], name[NAME_SIZE];
    bool is_refusal = status == 401 || status == 403;
    if (!is_refusal && !is_change(x))
        return;
    if (is_refusal)
        tell_refusal(x, status);
    if (is_refusal && !may_record_refusal(x->server))
        return;
    write_path(&x->http.request, path);
    write_name(x, name);
    uint64_t duration_ms = (uv_hrtime() - x->http.began_ns) / 1000000;
    log_write(is_refusal ? LOG_WARNING : LOG_INFO, "audit",
              "method=%s path=\"%s\" status=%d who=\"%s\" role=%s how=%s duration_ms=%" PRIu64
              " request_id=%s",
              http_method_name(x->http.request.method), path, status, name,
              cache_role_name(x->who.role), find_way(x), duration_ms, x->http.request_id);
}
