/* SPDX-License-Identifier: MIT */
#include "api/http/owner.h"

#include <signal.h>

#include "api/http/conn.h"
#include "api/http/respond.h"
#include "api/http/server.h"
#include "tests/unit/api/client.h"

/* Another program than ours around the HTTP server: it knows no routes, no callers and no JSON. */

struct visit {
    struct http_exchange http;
    unsigned n_used; /* how many requests it has carried */
};

static struct loop loop;
static struct http_server *server;
static struct client c;
static uv_timer_t pulse;
static struct http_exchange *held; /* whose head is not let on before the test says so */
static bool is_holding, is_closed;
static unsigned n_ends, n_answers, n_freed;

static void init(struct http_exchange *x, void *arg)
{
    cr_assert_eq(arg, &loop);
    cr_assert_eq(((struct visit *)x)->n_used, 0);
}

static void on_head(struct http_exchange *x)
{
    ((struct visit *)x)->n_used++;
    if (!*x->conn_data)
        *x->conn_data = mem_alloc(1);
    if (is_holding)
        held = x;
    else
        http_conn_proceed(x);
}

static void on_request(struct http_exchange *x)
{
    (void)buf_printf(&x->reply, "%s %.*s", http_method_name(x->request.method),
                     (int)x->request.body.len, x->request.body.data);
    http_respond_reply(x, 200, "text/plain");
}

static void on_fault(struct http_exchange *x, enum http_fault fault, const char *detail)
{
    (void)buf_printf(&x->reply, "%d: %s", fault, detail);
    http_respond_reply(x, fault == HTTP_FAULT_BAD_REQUEST ? 400 : 500, "text/plain");
}

static void on_answer(struct http_exchange *x, int status)
{
    (void)x;
    (void)status;
    n_answers++;
}

static void on_end(struct http_exchange *x)
{
    (void)x;
    n_ends++;
}

static void free_conn_data(void *data)
{
    n_freed += data != NULL;
    mem_free(data);
}

static const struct http_calls calls = {
    .exchange_size = sizeof(struct visit),
    .init = init,
    .on_head = on_head,
    .on_request = on_request,
    .on_fault = on_fault,
    .on_answer = on_answer,
    .on_end = on_end,
    .free_conn_data = free_conn_data,
};

static void turn(void *arg)
{
    (void)arg;
    uv_run(&loop.uv, UV_RUN_ONCE);
}

static void on_pulse(uv_timer_t *timer)
{
    (void)timer;
}

static void begin(void)
{
    const struct http_limits limits = {
        .max_connections = 10,
        .max_head_bytes = 1000,
        .max_body_bytes = 100,
        .head_timeout_ms = 10000,
        .body_timeout_ms = 10000,
        .idle_timeout_ms = 10000,
        .write_timeout_ms = 10000,
        .heartbeat_ms = 10000,
        .max_backlog_bytes = 1000,
    };
    int port;
    signal(SIGPIPE, SIG_IGN); /* as the service does */
    cr_assert_eq(loop_init(&loop), 0);
    uv_timer_init(&loop.uv, &pulse);
    uv_timer_start(&pulse, on_pulse, 2, 2);
    server = http_server_new(&loop, &limits, &calls, &loop);
    cr_assert_eq(http_server_listen_tcp(server, "127.0.0.1", 0, &port), 0);
    client_connect_tcp(&c, port, turn, NULL);
}

static void on_closed(void *arg)
{
    (void)arg;
    is_closed = true;
}

static void end(void)
{
    client_close(&c);
    http_server_close(server, 0, on_closed, NULL);
    while (!is_closed)
        turn(NULL);
    uv_close((uv_handle_t *)&pulse, NULL);
    loop_run(&loop);
    cr_assert_eq(loop_deinit(&loop), 0, "a handle is still open");
}

TestSuite(http_owner, .init = begin, .fini = end);

static void expect_body(const char *request, int status, const char *body)
{
    struct reply r = client_ask(&c, request, status);
    cr_assert_str_eq(r.body, body);
    reply_deinit(&r);
}

Test(http_owner, decides_what_is_answered)
{
    expect_body("GET /anything HTTP/1.1\r\n\r\n", 200, "GET ");
    expect_body("PUT * HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi", 200, "PUT hi");
    cr_assert_eq(n_answers, 2);
    cr_assert_eq(n_ends, 2);
}

Test(http_owner, words_what_cannot_be_read)
{
    expect_body("GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400, "1: Invalid header token");
    client_expect_end(&c);
}

Test(http_owner, lets_a_head_on_when_it_likes)
{
    is_holding = true;
    client_send(&c, "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi");
    while (!held)
        turn(NULL);
    cr_assert_eq(n_answers, 0);
    http_conn_proceed(held);
    struct reply r = client_read(&c, false);
    cr_assert_str_eq(r.body, "POST hi");
    reply_deinit(&r);
}

Test(http_owner, answers_also_when_the_client_has_gone)
{
    is_holding = true;
    client_send(&c, "GET / HTTP/1.1\r\n\r\n");
    while (!held)
        turn(NULL);
    client_close(&c);
    for (int i = 0; i < 20; i++)
        turn(NULL);
    cr_assert_eq(n_ends, 0, "it is the owner's until it is answered");
    http_respond_empty(held, 204);
    while (n_ends == 0)
        turn(NULL);
    cr_assert_eq(n_answers, 1);
}

Test(http_owner, keeps_something_with_a_connection)
{
    expect_body("GET / HTTP/1.1\r\n\r\n", 200, "GET ");
    expect_body("GET / HTTP/1.1\r\n\r\n", 200, "GET ");
    cr_assert_eq(n_freed, 0);
    client_close(&c);
    while (n_freed == 0)
        turn(NULL);
    cr_assert_eq(n_freed, 1);
}
