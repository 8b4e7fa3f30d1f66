/* SPDX-License-Identifier: MIT */
#include "tests/unit/api/loopback.h"

#include <signal.h>

#include "api/http/stream.h"

struct api_exchange *loopback_held;
struct http_stream *loopback_stream;
unsigned loopback_n_gone, loopback_n_ready, loopback_n_calls;

static void handle_hello(struct api_exchange *x)
{
    loopback_n_calls++;
    (void)buf_append_str(&x->http.reply, "hello");
    api_respond_reply(x, 200, "text/plain");
}

static void handle_echo(struct api_exchange *x)
{
    loopback_n_calls++;
    (void)buf_append(&x->http.reply, x->http.request.body.data, x->http.request.body.len);
    api_respond_reply(x, 200, "text/plain");
}

static void respond_later(void *arg)
{
    struct api_exchange *x = arg;
    (void)buf_append_str(&x->http.reply, "later");
    api_respond_reply(x, 200, "text/plain");
}

static void handle_later(struct api_exchange *x)
{
    loopback_n_calls++;
    loop_post(x->context->loop, respond_later, x);
}

/* The client is gone, or time is up, which comes next and says so. */
static void cancel_hold(void *handle)
{
    (void)handle;
    loopback_held = NULL;
    loopback_n_gone++;
}

static void hold_time_up(struct http_exchange *h)
{
    loopback_n_gone--;
    (void)buf_append_str(&h->reply, "time is up");
    api_respond_reply(api_exchange_of(h), 200, "text/plain");
}

static const struct http_wait hold_wait = {
    .is_long = true, .cancel = cancel_hold, .time_up = hold_time_up};

static void handle_hold(struct api_exchange *x)
{
    loopback_held = x;
    http_exchange_wait(&x->http, &hold_wait, 60000);
    http_exchange_wait_for(&x->http, x);
}

void loopback_release(void)
{
    struct api_exchange *x = take_ptr(loopback_held);
    http_exchange_woken(&x->http);
    (void)buf_append_str(&x->http.reply, "released");
    api_respond_reply(x, 200, "text/plain");
}

static void handle_big(struct api_exchange *x)
{
    struct blob *b = blob_new(4 << 20);
    memset(b->data, 'b', b->len);
    api_respond_blob(x, 200, "text/plain", b);
}

static void on_stream_ready(void *arg)
{
    (void)arg;
    loopback_n_ready++;
}

static void on_stream_gone(void *arg)
{
    (void)arg;
    loopback_stream = NULL;
    loopback_n_gone++;
}

static void on_stream_drain(void *arg)
{
    (void)arg;
    struct http_stream *stream = take_ptr(loopback_stream);
    http_stream_end(stream);
}

static const struct http_stream_calls stream_calls = {on_stream_ready, on_stream_gone,
                                                      on_stream_drain};

static void handle_stream(struct api_exchange *x)
{
    loopback_stream = http_stream_begin(&x->http, "text/plain", "beat\n", &stream_calls, NULL);
}

static const struct api_route_answer answers[] = {{.status = 200, .summary = "Yes"}, {0}};

static const struct api_route routes[] = {
    {.method = HTTP_METHOD_GET, .path = "/hello", .handler = handle_hello, .answers = answers},
    {.method = HTTP_METHOD_POST,
     .path = "/echo",
     .handler = handle_echo,
     .body = "Anything",
     .answers = answers},
    {.method = HTTP_METHOD_GET, .path = "/later", .handler = handle_later, .answers = answers},
    {.method = HTTP_METHOD_GET, .path = "/hold", .handler = handle_hold, .answers = answers},
    {.method = HTTP_METHOD_GET, .path = "/big", .handler = handle_big, .answers = answers},
    {.method = HTTP_METHOD_GET, .path = "/stream", .handler = handle_stream, .answers = answers},
};

/* Keeps a turn from blocking long. */
static void on_pulse(uv_timer_t *timer)
{
    (void)timer;
}

void loopback_begin(struct loopback *l, const struct api_options *options)
{
    *l = (struct loopback){0};
    signal(SIGPIPE, SIG_IGN); /* as the service does */
    loopback_held = NULL;
    loopback_stream = NULL;
    loopback_n_gone = loopback_n_ready = loopback_n_calls = 0;
    cr_assert_eq(loop_init(&l->loop), 0);
    uv_timer_init(&l->loop.uv, &l->pulse);
    uv_timer_start(&l->pulse, on_pulse, 2, 2);
    struct api_context context = {.loop = &l->loop, .version = "1", .revision = "r"};
    l->server = api_server_new(&context, options ? options : &api_options_defaults);
    api_server_use_routes(l->server, routes, countof(routes));
    cr_assert_eq(api_server_listen_tcp(l->server, "127.0.0.1", 0, &l->port), 0);
    cr_assert_gt(l->port, 0);
}

void loopback_turn(void *arg)
{
    struct loopback *l = arg;
    uv_run(&l->loop.uv, UV_RUN_ONCE);
}

void loopback_connect(struct loopback *l, struct client *c)
{
    client_connect_tcp(c, l->port, loopback_turn, l);
}

static void on_closed(void *arg)
{
    struct loopback *l = arg;
    l->is_closed = true;
    l->server = NULL;
}

void loopback_close(struct loopback *l, uint64_t drain_ms)
{
    api_server_close(l->server, drain_ms, on_closed, l);
}

void loopback_end(struct loopback *l)
{
    if (l->server && !l->server->http->is_closing)
        loopback_close(l, 0);
    loopback_until(l, l->is_closed);
    uv_close((uv_handle_t *)&l->pulse, NULL);
    loop_run(&l->loop);
    cr_assert_eq(loop_deinit(&l->loop), 0, "a handle is still open");
}
