/* SPDX-License-Identifier: MIT */
#include "api/http/respond.h"

#include "api/http/conn.h"

enum { SMALL_BODY = 4096 };

static void send_answer(struct http_exchange *x, int status, const char *type, const char *body,
                        size_t n)
{
    http_exchange_woken(x);
    (void)http_exchange_id(x);
    x->server->stats.n_requests[status / 100]++;
    x->server->calls->on_answer(x, status);
    if (!x->conn) {
        http_exchange_release(x);
        return;
    }
    bool has_body = status != 204 && status != 304;
    const struct http_response head = {
        .status = status,
        .type = has_body ? type : NULL,
        .length = has_body ? (int64_t)n : HTTP_LENGTH_NONE,
        .date = http_state_date(x->server),
        .request_id = x->request_id,
        .lines = &x->lines,
        .is_closing = http_conn_is_last(x->conn),
        .is_http10 = x->request.is_http10,
    };
    http_response_append(&head, &x->out);
    if (x->request.method == HTTP_METHOD_HEAD || !has_body)
        n = 0;
    /* One short piece costs the kernel less than two. */
    if (n > 0 && n <= SMALL_BODY) {
        (void)buf_append(&x->out, body, n);
        n = 0;
    }
    http_conn_send(x->conn, uv_buf_init(x->out.data, (unsigned)x->out.len),
                   uv_buf_init((char *)body, (unsigned)n));
}

void http_respond_blob(struct http_exchange *x, int status, const char *type, struct blob *body)
{
    x->blob = body;
    send_answer(x, status, type, body->data, body->len);
}

void http_respond_reply(struct http_exchange *x, int status, const char *type)
{
    send_answer(x, status, type, x->reply.data, x->reply.len);
}

void http_respond_empty(struct http_exchange *x, int status)
{
    send_answer(x, status, NULL, NULL, 0);
}
