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
} header_table[API_HEADER_COUNT] = {
    [API_HEADER_HOST] = {"host", true},
    [API_HEADER_AUTHORIZATION] = {"authorization", true},
    [API_HEADER_CONTENT_TYPE] = {"content-type", true},
    [API_HEADER_CONTENT_LENGTH] = {"content-length", true},
    [API_HEADER_TRANSFER_ENCODING] = {"transfer-encoding", false},
    [API_HEADER_EXPECT] = {"expect", false},
    [API_HEADER_ORIGIN] = {"origin", true},
    [API_HEADER_IF_MATCH] = {"if-match", false},
    [API_HEADER_IF_NONE_MATCH] = {"if-none-match", false},
    [API_HEADER_IDEMPOTENCY_KEY] = {"idempotency-key", true},
    [API_HEADER_X_REQUEST_ID] = {"x-request-id", true},
    [API_HEADER_LAST_EVENT_ID] = {"last-event-id", true},
    [API_HEADER_CACHE_CONTROL] = {"cache-control", false},
};

void api_request_init(struct api_request *r, size_t max_head, size_t max_body)
{
    *r = (struct api_request){0};
    /* Terminators and joined headers are ours, so the text may be a little longer than the head. */
    buf_init(&r->head, max_head + 1024);
    buf_init(&r->body, max_body);
}

void api_request_deinit(struct api_request *r)
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

void api_request_reset(struct api_request *r)
{
    struct buf head = r->head, body = r->body;
    forget(&head);
    forget(&body);
    memset(r, 0, offsetof(struct api_request, segments));
    r->n_segments = 0;
    r->n_query = 0;
    r->head = head;
    r->body = body;
}

const char *api_request_header(const struct api_request *r, enum api_header header)
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

int api_request_header_find(const char *name, size_t n)
{
    char first = n ? (char)(name[0] | 0x20) : 0;
    for (int i = 0; i < API_HEADER_COUNT; i++) {
        if (header_table[i].name[0] == first && is_same_name(header_table[i].name, name, n))
            return i;
    }
    return -1;
}

bool api_request_header_is_single(enum api_header header)
{
    return header_table[header].is_single;
}

bool api_request_has_body(const struct api_request *r)
{
    return r->is_chunked || r->content_length > 0;
}

const char *api_request_query(const struct api_request *r, const char *name)
{
    for (size_t i = 0; i < r->n_query; i++) {
        if (strcmp(r->query[i].name, name) == 0)
            return r->query[i].value;
    }
    return NULL;
}
