/* SPDX-License-Identifier: MIT */
#include "api/http/exchange.h"

#include <string.h>

#include "api/http/conn.h"
#include "api/http/server_state.h"
#include "base/memory/mem.h"

/* An idle connection holds no exchange, so this many serve any number of quiet clients. */
enum { POOL_SIZE = 64, KEEP_BYTES = 65536 };

static struct api_exchange *exchange_new(struct api_server *server)
{
    struct api_exchange *x = mem_new(struct api_exchange);
    x->server = server;
    x->context = &server->context;
    list_init(&x->link);
    api_request_init(&x->request, server->options.max_head_bytes, server->options.max_body_bytes);
    buf_init(&x->reply, 0);
    buf_init(&x->lines, 0);
    buf_init(&x->out, 0);
    return x;
}

static void exchange_free(struct api_exchange *x)
{
    api_request_deinit(&x->request);
    buf_deinit(&x->reply);
    buf_deinit(&x->lines);
    buf_deinit(&x->out);
    mem_free(x);
}

struct api_exchange *api_exchange_take(struct api_server *server)
{
    struct api_exchange *x;
    if (list_is_empty(&server->pool)) {
        x = exchange_new(server);
    } else {
        x = list_entry(server->pool.next, struct api_exchange, link);
        list_unlink(&x->link);
        server->n_pooled--;
    }
    server->n_exchanges++;
    x->began_ns = uv_hrtime();
    api_parser_start(&x->parser, &x->request, server->options.max_head_bytes,
                     server->options.max_body_bytes);
    return x;
}

static void empty(struct buf *b)
{
    if (b->cap > KEEP_BYTES)
        buf_deinit(b);
    buf_clear(b);
}

static void reset(struct api_exchange *x)
{
    if (x->deinit_state)
        x->deinit_state(x->state);
    mem_free(x->state);
    x->state = NULL;
    x->deinit_state = NULL;
    x->blob = blob_unref(x->blob);
    x->conn = NULL;
    x->route = NULL;
    x->who.kind = API_IDENTITY_NONE;
    x->who.role = CACHE_ROLE_NONE;
    x->who.name[0] = '\0';
    x->request_id[0] = '\0';
    x->on_time = x->on_gone = NULL;
    x->then = NULL;
    x->waiting = NULL;
    x->is_live = x->has_etag = false;
    x->status_ended = 0;
    api_request_reset(&x->request);
    empty(&x->reply);
    empty(&x->lines);
    empty(&x->out);
}

void api_exchange_release(struct api_exchange *x)
{
    struct api_server *server = x->server;
    list_unlink(&x->link);
    reset(x);
    server->n_exchanges--;
    if (server->n_pooled < POOL_SIZE) {
        list_append(&server->pool, &x->link);
        server->n_pooled++;
    } else {
        exchange_free(x);
    }
    api_server_check_closed(server);
}

void api_exchange_free_pool(struct api_server *server)
{
    list_foreach(item, &server->pool)
        exchange_free(list_entry(item, struct api_exchange, link));
}

static bool is_request_id(const char *id)
{
    size_t n = 0;
    for (; id[n]; n++) {
        char c = id[n];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
        if (!is_plain || n == API_REQUEST_ID_SIZE - 1)
            return false;
    }
    return n > 0;
}

static void put_hex(char out[8], uint32_t number)
{
    for (int i = 7; i >= 0; i--, number >>= 4)
        out[i] = "0123456789abcdef"[number & 15];
}

void api_exchange_name(struct api_exchange *x)
{
    struct api_server *server = x->server;
    const char *own = api_request_header(&x->request, API_HEADER_X_REQUEST_ID);
    if (own && is_request_id(own)) {
        memcpy(x->request_id, own, strlen(own) + 1);
        return;
    }
    put_hex(x->request_id, server->request_prefix);
    x->request_id[8] = '-';
    put_hex(x->request_id + 9, ++server->request_count);
    x->request_id[17] = '\0';
}

void *api_exchange_new_state(struct api_exchange *x, size_t size, void (*deinit)(void *state))
{
    x->state = mem_alloc(size);
    x->deinit_state = deinit;
    return x->state;
}

void api_exchange_wait(struct api_exchange *x, uint64_t timeout_ms,
                       void (*on_time)(struct api_exchange *x),
                       void (*on_gone)(struct api_exchange *x))
{
    x->on_time = on_time;
    x->on_gone = on_gone;
    if (x->conn)
        api_conn_set_deadline(x->conn, timeout_ms);
}

void api_exchange_unwait(struct api_exchange *x)
{
    x->on_time = x->on_gone = NULL;
    if (x->conn)
        x->conn->deadline_ms = 0;
}

void api_exchange_drop(struct api_exchange *x)
{
    api_exchange_release(x);
}

bool api_exchange_is_stopping(const struct api_exchange *x)
{
    return x->server->is_closing;
}

void api_exchange_header(struct api_exchange *x, const char *name, const char *value)
{
    struct buf *b = &x->lines;
    (void)buf_append(b, name, strlen(name));
    (void)buf_append(b, ": ", 2);
    (void)buf_append(b, value, strlen(value));
    (void)buf_append(b, "\r\n", 2);
}

void api_exchange_header_number(struct api_exchange *x, const char *name, uint64_t value)
{
    struct buf *b = &x->lines;
    (void)buf_append(b, name, strlen(name));
    (void)buf_append(b, ": ", 2);
    (void)buf_append_u64(b, value);
    (void)buf_append(b, "\r\n", 2);
}
