/* SPDX-License-Identifier: MIT */
#include "api/http/request.h"

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"

/* A buffer that one large request made stays no longer than that request. */
enum { KEEP_BYTES = 4096 };

static const struct {
    const char *name;
    bool is_single;
} header_table[HTTP_HEADER_COUNT] = {
    [HTTP_HEADER_HOST] = {"host", true},
    [HTTP_HEADER_AUTHORIZATION] = {"authorization", true},
    [HTTP_HEADER_CONTENT_TYPE] = {"content-type", true},
    [HTTP_HEADER_CONTENT_LENGTH] = {"content-length", true},
    [HTTP_HEADER_TRANSFER_ENCODING] = {"transfer-encoding", false},
    [HTTP_HEADER_EXPECT] = {"expect", false},
    [HTTP_HEADER_ORIGIN] = {"origin", true},
    [HTTP_HEADER_IF_MATCH] = {"if-match", false},
    [HTTP_HEADER_IF_NONE_MATCH] = {"if-none-match", false},
    [HTTP_HEADER_IDEMPOTENCY_KEY] = {"idempotency-key", true},
    [HTTP_HEADER_X_REQUEST_ID] = {"x-request-id", true},
    [HTTP_HEADER_LAST_EVENT_ID] = {"last-event-id", true},
    [HTTP_HEADER_CACHE_CONTROL] = {"cache-control", false},
};

static const char *const method_names[] = {"GET",   "HEAD",   "POST",    "PUT",
                                           "PATCH", "DELETE", "OPTIONS", "OTHER"};

const char *http_method_name(enum http_method method)
{
    return method_names[method];
}

void http_request_init(struct http_request *r, size_t max_head, size_t max_body)
{
    *r = (struct http_request){0};
    /* Terminators and joined headers are ours, so the text may be a little longer than the head. */
    buf_init(&r->head, max_head + 1024);
    buf_init(&r->body, max_body);
}

void http_request_deinit(struct http_request *r)
{
    buf_deinit(&r->head);
    buf_deinit(&r->body);
}

static void forget(struct buf *b)
{
    if (b->cap > KEEP_BYTES)
        buf_deinit(b);
    buf_clear(b);
}

void http_request_reset(struct http_request *r)
{
    struct buf head = r->head, body = r->body;
    forget(&head);
    forget(&body);
    memset(r, 0, offsetof(struct http_request, segments));
    r->n_segments = 0;
    r->n_query = 0;
    r->head = head;
    r->body = body;
}

const char *http_request_header(const struct http_request *r, enum http_header header)
{
    return r->headers[header] ? r->head.data + r->headers[header] : NULL;
}

static bool is_same_name(const char *lower, const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i];
        if (c != lower[i] || !c)
            return false;
    }
    return lower[n] == '\0';
}

int http_request_header_find(const char *name, size_t n)
{
    char first = n ? (char)(name[0] | 0x20) : 0;
    for (int i = 0; i < HTTP_HEADER_COUNT; i++) {
        if (header_table[i].name[0] == first && is_same_name(header_table[i].name, name, n))
            return i;
    }
    return -1;
}

bool http_request_header_is_single(enum http_header header)
{
    return header_table[header].is_single;
}

bool http_request_has_body(const struct http_request *r)
{
    return r->is_chunked || r->content_length > 0;
}

const char *http_request_query(const struct http_request *r, const char *name)
{
    for (size_t i = 0; i < r->n_query; i++) {
        if (strcmp(r->query[i].name, name) == 0)
            return r->query[i].value;
    }
    return NULL;
}
