/* SPDX-License-Identifier: MIT */
#include "api/http/parser.h"

#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"

enum { MAX_HEADERS = 100 };

static struct http_parser *parser_of(llhttp_t *http)
{
    return container_of(http, struct http_parser, http);
}

static int refuse(struct http_parser *p, enum http_fault fault, const char *detail)
{
    p->has_refused = true;
    p->fault = fault;
    snprintf(p->detail, sizeof(p->detail), "%s", detail);
    return HPE_USER;
}

static int on_url(llhttp_t *http, const char *at, size_t n)
{
    struct http_parser *p = parser_of(http);
    if (p->request->head.len + n > HTTP_MAX_TARGET)
        return refuse(p, HTTP_FAULT_TARGET_TOO_LONG,
                      "The request target has more than 8192 bytes.");
    (void)buf_append(&p->request->head, at, n);
    return 0;
}

static int on_url_complete(llhttp_t *http)
{
    struct http_parser *p = parser_of(http);
    p->is_target_read = true;
    (void)buf_append(&p->request->head, "", 1);
    p->name_at = p->request->head.len;
    return 0;
}

static int on_name(llhttp_t *http, const char *at, size_t n)
{
    struct http_parser *p = parser_of(http);
    /* Trailers say nothing that we would use. */
    if (!p->is_in_body)
        (void)buf_append(&p->request->head, at, n);
    return 0;
}

/* The name has done its work: only the value stays. A header that may be repeated continues the
 * value it had, as RFC 9110 section 5.3 allows. */
static void start_value(struct http_parser *p, int header)
{
    struct http_request *r = p->request;
    size_t old = r->headers[header];
    r->head.len = p->name_at;
    p->header = header;
    p->value_at = r->head.len;
    if (!old)
        return;
    if (http_request_header_is_single((enum http_header)header)) {
        r->has_repeated_header = true;
        p->header = -1;
        return;
    }
    size_t n = strlen(r->head.data + old);
    char *room = buf_reserve(&r->head, n + 2);
    if (!room) {
        r->has_repeated_header = true;
        p->header = -1;
        return;
    }
    memcpy(room, r->head.data + old, n);
    memcpy(room + n, ", ", 2);
    r->head.len += n + 2;
}

static int on_name_complete(llhttp_t *http)
{
    struct http_parser *p = parser_of(http);
    struct buf *head = &p->request->head;
    if (p->is_in_body)
        return 0;
    if (++p->n_headers > MAX_HEADERS)
        return refuse(p, HTTP_FAULT_HEAD_TOO_LARGE, "The request has more than 100 headers.");
    int header = http_request_header_find(head->data + p->name_at, head->len - p->name_at);
    if (header >= 0) {
        start_value(p, header);
    } else {
        head->len = p->name_at;
        p->header = -1;
    }
    return 0;
}

static int on_value(llhttp_t *http, const char *at, size_t n)
{
    struct http_parser *p = parser_of(http);
    if (p->is_in_body || p->header < 0)
        return 0;
    if (buf_append(&p->request->head, at, n) < 0)
        return refuse(p, HTTP_FAULT_HEAD_TOO_LARGE, "The request head is too large.");
    return 0;
}

static int on_value_complete(llhttp_t *http)
{
    struct http_parser *p = parser_of(http);
    struct buf *head = &p->request->head;
    if (p->is_in_body)
        return 0;
    if (p->header >= 0) {
        if (buf_append(head, "", 1) < 0)
            return refuse(p, HTTP_FAULT_HEAD_TOO_LARGE, "The request head is too large.");
        p->request->headers[p->header] = p->value_at;
    }
    p->name_at = head->len;
    return 0;
}

static enum http_method read_method(uint8_t method)
{
    switch (method) {
    case HTTP_GET:
        return HTTP_METHOD_GET;
    case HTTP_HEAD:
        return HTTP_METHOD_HEAD;
    case HTTP_POST:
        return HTTP_METHOD_POST;
    case HTTP_PUT:
        return HTTP_METHOD_PUT;
    case HTTP_PATCH:
        return HTTP_METHOD_PATCH;
    case HTTP_DELETE:
        return HTTP_METHOD_DELETE;
    case HTTP_OPTIONS:
        return HTTP_METHOD_OPTIONS;
    default:
        return HTTP_METHOD_OTHER;
    }
}

/* Where the body ends is known for chunked alone, and HTTP/1.0 has no transfer encodings: after any
 * other the connection cannot go on. */
static void read_encoding(struct http_parser *p)
{
    struct http_request *r = p->request;
    const char *encoding = http_request_header(r, HTTP_HEADER_TRANSFER_ENCODING);
    r->has_bad_encoding = encoding && !str_is_equal_nocase(encoding, "chunked");
    r->is_keep_alive =
        !r->has_bad_encoding && !(encoding && r->is_http10) && llhttp_should_keep_alive(&p->http);
}

static int on_head_complete(llhttp_t *http)
{
    struct http_parser *p = parser_of(http);
    struct http_request *r = p->request;
    unsigned version = http->http_major * 10u + http->http_minor;
    if (version != 10 && version != 11)
        return refuse(p, HTTP_FAULT_VERSION, "This server speaks HTTP/1.1 and HTTP/1.0.");
    /* An offer to switch protocols may be left unanswered (RFC 9110, section 7.8); without this
     * llhttp would take everything that follows for the other protocol. */
    http->upgrade = 0;
    r->method = read_method(http->method);
    r->is_http10 = version == 10;
    read_encoding(p);
    r->is_chunked = http->flags & F_CHUNKED;
    r->content_length = http->flags & F_CONTENT_LENGTH ? http->content_length : 0;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *http, const char *at, size_t n)
{
    struct http_parser *p = parser_of(http);
    if (buf_append(&p->request->body, at, n) < 0) {
        refuse(p, HTTP_FAULT_BODY_TOO_LARGE, "");
        snprintf(p->detail, sizeof(p->detail), "The body has more than %zu bytes.",
                 p->request->body.max);
        return HPE_USER;
    }
    return 0;
}

static int on_message_complete(llhttp_t *http)
{
    (void)http;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_url_complete = on_url_complete,
    .on_header_field = on_name,
    .on_header_field_complete = on_name_complete,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_head_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void http_parser_start(struct http_parser *p, struct http_request *request, size_t max_head,
                       size_t max_body)
{
    llhttp_init(&p->http, HTTP_REQUEST, &settings);
    p->request = request;
    p->max_head = max_head;
    /* Chunk heads and trailers are no body but cost as much to read. */
    p->max_body_bytes = 2 * max_body + 65536;
    p->head_bytes = p->body_bytes = 0;
    p->name_at = p->value_at = 0;
    p->n_headers = 0;
    p->header = -1;
    p->is_in_body = p->is_target_read = p->is_done = p->has_refused = false;
}

/* llhttp gives up at the first byte that no method has; the word says whether it was meant as one
 * (RFC 9110: 501) or is no HTTP at all. */
static bool looks_like_method(const char *bytes, size_t n)
{
    size_t i = 0;
    while (i < n && ((bytes[i] >= 'A' && bytes[i] <= 'Z') || (bytes[i] >= 'a' && bytes[i] <= 'z') ||
                     bytes[i] == '-' || bytes[i] == '_'))
        i++;
    return i > 0 && (i == n || bytes[i] == ' ');
}

static enum http_parse explain(struct http_parser *p, llhttp_errno_t e, const char *bytes, size_t n)
{
    if (p->has_refused)
        return HTTP_PARSE_BAD;
    if (e == HPE_INVALID_METHOD && looks_like_method(bytes, n))
        refuse(p, HTTP_FAULT_METHOD_UNKNOWN, "The request method is none that this server knows.");
    else if (e == HPE_INVALID_CONSTANT && p->is_target_read)
        refuse(p, HTTP_FAULT_METHOD_UNKNOWN, "The request method does not belong to HTTP.");
    else if (e == HPE_INVALID_VERSION || e == HPE_PAUSED_H2_UPGRADE)
        refuse(p, HTTP_FAULT_VERSION, "This server speaks HTTP/1.1 and HTTP/1.0.");
    else if (e == HPE_INVALID_TRANSFER_ENCODING && !(p->http.flags & F_CONTENT_LENGTH))
        refuse(p, HTTP_FAULT_TRANSFER_ENCODING, "The only transfer encoding is chunked.");
    else
        refuse(p, HTTP_FAULT_BAD_REQUEST, llhttp_get_error_reason(&p->http));
    return HTTP_PARSE_BAD;
}

static enum http_parse refuse_length(struct http_parser *p)
{
    if (p->is_in_body)
        refuse(p, HTTP_FAULT_BODY_TOO_LARGE, "The chunked body has too many bytes.");
    else if (!p->is_target_read)
        refuse(p, HTTP_FAULT_TARGET_TOO_LONG, "The request line is too long.");
    else
        refuse(p, HTTP_FAULT_HEAD_TOO_LARGE, "");
    if (p->fault == HTTP_FAULT_HEAD_TOO_LARGE)
        snprintf(p->detail, sizeof(p->detail), "The request head has more than %zu bytes.",
                 p->max_head);
    return HTTP_PARSE_BAD;
}

static void resume(struct http_parser *p)
{
    if (llhttp_get_errno(&p->http) == HPE_PAUSED)
        llhttp_resume(&p->http);
}

enum http_parse http_parser_feed(struct http_parser *p, const char *bytes, size_t n,
                                 size_t *ret_used)
{
    size_t *count = p->is_in_body ? &p->body_bytes : &p->head_bytes;
    size_t left = (p->is_in_body ? p->max_body_bytes : p->max_head) - *count;
    bool is_cut = n > left;
    if (is_cut)
        n = left;
    resume(p);
    llhttp_errno_t e = llhttp_execute(&p->http, bytes, n);
    *ret_used = e == HPE_OK ? n : (size_t)(llhttp_get_error_pos(&p->http) - bytes);
    *count += *ret_used;
    if (e == HPE_OK)
        return is_cut ? refuse_length(p) : HTTP_PARSE_MORE;
    if (e != HPE_PAUSED)
        return explain(p, e, bytes, n);
    if (p->is_in_body) {
        p->is_done = true;
        return HTTP_PARSE_DONE;
    }
    p->is_in_body = true;
    return HTTP_PARSE_HEAD;
}
