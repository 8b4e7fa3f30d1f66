/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <uv.h>

#include "api/reach/reach.h"
#include "base/loop/loop.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

/* A listener that says what a test wants it to say, and one look at it. */
struct scene {
    struct loop loop;
    uv_tcp_t listener, peer;
    int port;
    const char *says; /* NULL = nothing */
    size_t n_pieces;  /* how many times it is said, each in a turn of its own */
    bool hangs_up;
    uv_idle_t talker;
    char heard[1024];
    size_t n_heard;
    bool has_peer, is_over;

    bool is_told;
    struct ctl_reach_result result;
};

static struct scene s;

static void on_result(void *arg, const struct ctl_reach_result *result)
{
    cr_assert_eq(arg, &s);
    cr_assert_not(s.is_told, "told twice");
    s.is_told = true;
    s.result = *result;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(s.heard + s.n_heard, (unsigned)(sizeof(s.heard) - 1 - s.n_heard));
}

static void on_heard(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    (void)stream;
    (void)buf;
    if (n > 0)
        s.n_heard += (size_t)n;
    else
        s.is_over = true;
}

static void on_talk(uv_idle_t *talker)
{
    uv_buf_t piece = uv_buf_init((char *)s.says, s.says ? (unsigned)strlen(s.says) : 0);
    bool has_request = strstr(s.heard, "\r\n\r\n") != NULL;
    if (!has_request && !s.is_over)
        return;
    if (s.n_pieces > 0 && s.says && !s.is_over) {
        s.n_pieces--;
        (void)uv_try_write((uv_stream_t *)&s.peer, &piece, 1);
        return;
    }
    uv_idle_stop(talker);
    if (s.hangs_up && !uv_is_closing((uv_handle_t *)&s.peer))
        uv_close((uv_handle_t *)&s.peer, NULL);
}

static void on_connection(uv_stream_t *listener, int status)
{
    cr_assert_eq(status, 0);
    cr_assert_not(s.has_peer, "connected twice");
    s.has_peer = true;
    uv_tcp_init(&s.loop.uv, &s.peer);
    cr_assert_eq(uv_accept(listener, (uv_stream_t *)&s.peer), 0);
    cr_assert_eq(uv_read_start((uv_stream_t *)&s.peer, on_alloc, on_heard), 0);
    uv_idle_start(&s.talker, on_talk);
}

static void begin(void)
{
    struct sockaddr_in to;
    int n = sizeof(to);
    s = (struct scene){.n_pieces = 1};
    cr_assert_eq(loop_init(&s.loop), 0);
    uv_idle_init(&s.loop.uv, &s.talker);
    uv_tcp_init(&s.loop.uv, &s.listener);
    cr_assert_eq(uv_ip4_addr("127.0.0.1", 0, &to), 0);
    cr_assert_eq(uv_tcp_bind(&s.listener, (struct sockaddr *)&to, 0), 0);
    cr_assert_eq(uv_listen((uv_stream_t *)&s.listener, 5, on_connection), 0);
    uv_tcp_getsockname(&s.listener, (struct sockaddr *)&to, &n);
    s.port = ntohs(to.sin_port);
}

static void end(void)
{
    if (!uv_is_closing((uv_handle_t *)&s.listener))
        uv_close((uv_handle_t *)&s.listener, NULL);
    if (s.has_peer && !uv_is_closing((uv_handle_t *)&s.peer))
        uv_close((uv_handle_t *)&s.peer, NULL);
    uv_close((uv_handle_t *)&s.talker, NULL);
    loop_run(&s.loop);
    /* Criterion does not count what fails in a tear-down. */
    if (loop_deinit(&s.loop) < 0)
        abort();
}

TestSuite(api_reach, .init = begin, .fini = end);

static void turn_until_told(void)
{
    uint64_t began = uv_hrtime();
    while (!s.is_told) {
        cr_assert_lt(uv_hrtime() - began, 20000000000u, "it never came");
        uv_run(&s.loop.uv, UV_RUN_ONCE);
    }
}

static void look(const char *host, unsigned deadline_ms)
{
    char *address cleanup(mem_freep) = mem_printf("%s:%d", host, s.port);
    cr_assert_not_null(api_reach_ops.start(&s.loop, address, deadline_ms, on_result, &s));
    cr_assert_not(s.is_told, "told in the same turn");
    turn_until_told();
}

static void expect(bool is_reachable, const char *part)
{
    cr_assert_eq(s.result.is_reachable, is_reachable, "%s", s.result.detail);
    cr_assert_not_null(strstr(s.result.detail, part), "'%s' is not in: %s", part, s.result.detail);
}

Test(api_reach, an_answer_with_200_is_one)
{
    s.says = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    look("127.0.0.1", 10000);
    expect(true, "/livez answered 200");
    char *host cleanup(mem_freep) = mem_printf("\r\nHost: 127.0.0.1:%d\r\n", s.port);
    cr_assert_not_null(strstr(s.heard, "GET /livez HTTP/1.1\r\n"));
    cr_assert_not_null(strstr(s.heard, host), "%s", s.heard);
}

Test(api_reach, the_address_may_be_a_url_or_a_name)
{
    s.says = "HTTP/1.0 200 OK\r\n\r\n";
    look("http://localhost", 10000);
    expect(true, "/livez answered 200");
}

Test(api_reach, an_answer_may_come_in_pieces_behind_announcements)
{
    s.says = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
             "HTTP/1.1 200 OK\r\n\r\n";
    look("127.0.0.1", 10000);
    expect(true, "answered 200");
}

Test(api_reach, another_status_is_none)
{
    s.says = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    look("127.0.0.1", 10000);
    expect(false, "answered 404");
}

Test(api_reach, a_redirection_is_not_followed)
{
    s.says = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    look("127.0.0.1", 10000);
    expect(false, "answered 302");
}

Test(api_reach, what_is_no_http_is_none)
{
    s.says = "220 mail.example.com ESMTP\r\n";
    look("127.0.0.1", 10000);
    expect(false, "not as HTTP");
}

Test(api_reach, an_answer_without_end_is_given_up)
{
    s.says = "HTTP/1.1 200 OK\r\nX: ";
    look("127.0.0.1", 60);
    expect(false, "no answer within 60 ms");
}

Test(api_reach, a_flood_is_given_up)
{
    char *endless = mem_alloc(40000);
    memset(endless, 'x', 39999);
    memcpy(endless, "HTTP/1.1 200 OK\r\nX: ", 20);
    s.says = endless;
    look("127.0.0.1", 10000);
    expect(false, "without end");
    mem_free(endless);
}

Test(api_reach, hanging_up_is_no_answer)
{
    s.hangs_up = true;
    look("127.0.0.1", 10000);
    expect(false, "ended it without an answer");
}

Test(api_reach, silence_has_a_deadline)
{
    look("127.0.0.1", 50);
    expect(false, "took the connection and gave no answer within 50 ms");
    cr_assert_geq(s.result.latency_ms, 49);
}

Test(api_reach, a_closed_port_refuses)
{
    uv_close((uv_handle_t *)&s.listener, NULL);
    uv_run(&s.loop.uv, UV_RUN_NOWAIT);
    look("127.0.0.1", 10000);
    expect(false, "connection refused; see whether ldplayerd runs there");
}

Test(api_reach, every_address_of_a_name_is_tried)
{
    uv_close((uv_handle_t *)&s.listener, NULL);
    uv_run(&s.loop.uv, UV_RUN_NOWAIT);
    look("localhost", 10000);
    expect(false, "no connection to localhost:");
    expect(false, "connection refused");
}

/* A listener whose queue is full leaves further connections waiting. */
Test(api_reach, a_connection_that_is_not_taken_has_a_deadline)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    socklen_t n = sizeof(to);
    int waiting[8], full = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert_eq(bind(full, (struct sockaddr *)&to, sizeof(to)), 0);
    cr_assert_eq(listen(full, 0), 0);
    cr_assert_eq(getsockname(full, (struct sockaddr *)&to, &n), 0);
    for (size_t i = 0; i < countof(waiting); i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(waiting[i], (struct sockaddr *)&to, sizeof(to));
    }
    s.port = ntohs(to.sin_port);
    look("127.0.0.1", 100);
    expect(false, "no connection to 127.0.0.1:");
    expect(false, "within 100 ms; see whether the machine is up");
    for (size_t i = 0; i < countof(waiting); i++)
        close(waiting[i]);
    close(full);
}

/* No name has a part of 64 characters, so nobody outside is asked for it. */
#define NO_NAME "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid"

Test(api_reach, a_name_that_is_none)
{
    look(NO_NAME, 10000);
    expect(false, "leads to no address");
}

Test(api_reach, an_address_of_version_6)
{
    uv_close((uv_handle_t *)&s.listener, NULL);
    uv_run(&s.loop.uv, UV_RUN_NOWAIT);
    look("[::1]", 10000);
    /* Refused, or there is no such network here at all. */
    expect(false, "no connection to [::1]:");
}

/* A connection to everybody does not exist, and nothing is sent. */
Test(api_reach, an_address_that_no_connection_can_have)
{
    look("255.255.255.255", 10000);
    expect(false, "no connection to 255.255.255.255:");
    expect(false, "see whether the machine is up");
}

Test(api_reach, cancelling_tells_soon)
{
    struct ctl_reach *r = api_reach_ops.start(&s.loop, "127.0.0.1:1", 100000, on_result, &s);
    api_reach_ops.cancel(r);
    cr_assert_not(s.is_told);
    turn_until_told();
    expect(false, "service stops");
}

Test(api_reach, a_look_under_way_can_be_cancelled)
{
    char *address cleanup(mem_freep) = mem_printf("127.0.0.1:%d", s.port);
    struct ctl_reach *r = api_reach_ops.start(&s.loop, address, 100000, on_result, &s);
    while (!strstr(s.heard, "\r\n\r\n"))
        uv_run(&s.loop.uv, UV_RUN_ONCE);
    api_reach_ops.cancel(r);
    turn_until_told();
    expect(false, "service stops");
}

/* The whole pool is held, so the name stays in the queue. */
static uv_sem_t gate;

static void hold(uv_work_t *req)
{
    (void)req;
    uv_sem_wait(&gate);
}

static void on_held(uv_work_t *req, int status)
{
    (void)req;
    (void)status;
}

enum { POOL_SIZE = 4 };

static void with_held_pool(void (*act)(void))
{
    uv_work_t holders[POOL_SIZE];
    uv_sem_init(&gate, 0);
    for (int i = 0; i < POOL_SIZE; i++)
        uv_queue_work(&s.loop.uv, &holders[i], hold, on_held);
    act();
    for (int i = 0; i < POOL_SIZE; i++)
        uv_sem_post(&gate);
    uv_close((uv_handle_t *)&s.listener, NULL);
    loop_run(&s.loop);
    uv_sem_destroy(&gate);
}

static void look_for_a_name(void)
{
    look("localhost", 50);
    expect(false, "was not found within 50 ms");
}

Test(api_reach, a_name_that_is_looked_for_too_long)
{
    with_held_pool(look_for_a_name);
}

static void cancel_a_name(void)
{
    struct ctl_reach *r = api_reach_ops.start(&s.loop, "localhost:1", 100000, on_result, &s);
    uv_run(&s.loop.uv, UV_RUN_NOWAIT);
    uv_run(&s.loop.uv, UV_RUN_NOWAIT);
    api_reach_ops.cancel(r);
    turn_until_told();
    expect(false, "service stops");
}

Test(api_reach, looking_for_a_name_can_be_cancelled)
{
    with_held_pool(cancel_a_name);
}
