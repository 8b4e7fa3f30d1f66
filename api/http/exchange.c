/* SPDX-License-Identifier: MIT */
#include "api/http/exchange.h"

#include <string.h>

#include "api/http/state.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

/* An idle connection holds no exchange, so this many serve any number of quiet clients. */
enum { POOL_SIZE = 64, KEEP_BYTES = 65536 };

/* --- the pool --- */

static struct http_exchange *exchange_new(struct http_server *server)
{
    struct http_exchange *x = mem_alloc(server->calls->exchange_size);
    x->server = server;
    list_init(&x->link);
    http_request_init(&x->request, server->limits.max_head_bytes, server->limits.max_body_bytes);
    buf_init(&x->reply, 0);
    buf_init(&x->lines, 0);
    buf_init(&x->out, 0);
    server->calls->init(x, server->arg);
    return x;
}

static void exchange_free(struct http_exchange *x)
{
    http_request_deinit(&x->request);
    buf_deinit(&x->reply);
    buf_deinit(&x->lines);
    buf_deinit(&x->out);
    mem_free(x);
}

struct http_exchange *http_exchange_take(struct http_server *server)
{
    struct http_exchange *x;
    if (list_is_empty(&server->pool)) {
        x = exchange_new(server);
    } else {
        x = list_entry(server->pool.next, struct http_exchange, link);
        list_unlink(&x->link);
        server->n_pooled--;
    }
    server->n_holds++;
    x->began_ns = uv_hrtime();
    http_parser_start(&x->parser, &x->request, server->limits.max_head_bytes,
                      server->limits.max_body_bytes);
    return x;
}

static void empty(struct buf *b)
{
    if (b->cap > KEEP_BYTES)
        buf_deinit(b);
    buf_clear(b);
}

static void reset(struct http_exchange *x)
{
    if (x->deinit_state)
        x->deinit_state(x->state);
    mem_free(x->state);
    x->state = NULL;
    x->deinit_state = NULL;
    x->blob = blob_unref(x->blob);
    x->conn = NULL;
    x->io = NULL;
    x->conn_data = NULL;
    x->request_id[0] = '\0';
    x->wait = NULL;
    x->wait_handle = NULL;
    x->deadline_ms = 0;
    x->has_etag = false;
    http_request_reset(&x->request);
    empty(&x->reply);
    empty(&x->lines);
    empty(&x->out);
}

void http_exchange_release(struct http_exchange *x)
{
    struct http_server *server = x->server;
    list_unlink(&x->link);
    server->calls->on_end(x);
    reset(x);
    server->n_holds--;
    if (server->n_pooled < POOL_SIZE) {
        list_append(&server->pool, &x->link);
        server->n_pooled++;
    } else {
        exchange_free(x);
    }
    http_state_check_closed(server);
}

void http_exchange_free_pool(struct http_server *server)
{
    list_foreach(item, &server->pool)
        exchange_free(list_entry(item, struct http_exchange, link));
}

void *http_exchange_new_state(struct http_exchange *x, size_t size, void (*deinit)(void *state))
{
    x->state = mem_alloc(size);
    x->deinit_state = deinit;
    return x->state;
}

/* --- waiting --- */

void http_exchange_wait(struct http_exchange *x, const struct http_wait *wait, uint64_t timeout_ms)
{
    x->wait = wait;
    x->deadline_ms = timeout_ms ? http_state_now(x->server) + timeout_ms : 0;
}

void http_exchange_wait_for(struct http_exchange *x, void *handle)
{
    if (handle)
        x->wait_handle = handle;
}

void http_exchange_woken(struct http_exchange *x)
{
    x->wait = NULL;
    x->wait_handle = NULL;
    x->deadline_ms = 0;
}

static void cancel_wait(struct http_exchange *x)
{
    void (*cancel)(void *handle) = x->wait->cancel;
    void *handle = x->wait_handle;
    http_exchange_woken(x);
    cancel(handle);
}

void http_exchange_end_wait(struct http_exchange *x)
{
    void (*time_up)(struct http_exchange * x) = x->wait ? x->wait->time_up : NULL;
    if (!time_up)
        return;
    cancel_wait(x);
    time_up(x);
}

void http_exchange_lose_client(struct http_exchange *x)
{
    x->conn = NULL;
    x->io = NULL;
    x->conn_data = NULL;
    /* What waits for nothing is being worked for, and will be answered to nobody. */
    if (!x->wait)
        return;
    cancel_wait(x);
    (void)http_exchange_id(x);
    x->server->calls->on_answer(x, HTTP_CLIENT_LEFT);
    http_exchange_release(x);
}

bool http_exchange_is_stopping(const struct http_exchange *x)
{
    return x->server->is_closing;
}

/* --- the request's id --- */

static bool is_request_id(const char *id)
{
    size_t n = 0;
    for (; id[n]; n++) {
        char c = id[n];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
        if (!is_plain || n == HTTP_REQUEST_ID_SIZE - 1)
            return false;
    }
    return n > 0;
}

static void put_hex(char out[8], uint32_t number)
{
    for (int i = 7; i >= 0; i--, number >>= 4)
        out[i] = "0123456789abcdef"[number & 15];
}

const char *http_exchange_id(struct http_exchange *x)
{
    const char *own = http_request_header(&x->request, HTTP_HEADER_X_REQUEST_ID);
    if (x->request_id[0])
        return x->request_id;
    if (own && is_request_id(own)) {
        memcpy(x->request_id, own, strlen(own) + 1);
        return x->request_id;
    }
    put_hex(x->request_id, x->server->request_prefix);
    x->request_id[8] = '-';
    put_hex(x->request_id + 9, ++x->server->request_count);
    x->request_id[17] = '\0';
    return x->request_id;
}

/* --- headers of the answer --- */

void http_exchange_header(struct http_exchange *x, const char *name, const char *value)
{
    struct buf *b = &x->lines;
    (void)buf_append(b, name, strlen(name));
    (void)buf_append(b, ": ", 2);
    (void)buf_append(b, value, strlen(value));
    (void)buf_append(b, "\r\n", 2);
}

void http_exchange_header_number(struct http_exchange *x, const char *name, uint64_t value)
{
    struct buf *b = &x->lines;
    (void)buf_append(b, name, strlen(name));
    (void)buf_append(b, ": ", 2);
    (void)buf_append_u64(b, value);
    (void)buf_append(b, "\r\n", 2);
}
