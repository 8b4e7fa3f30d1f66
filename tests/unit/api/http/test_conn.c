/* SPDX-License-Identifier: MIT */
#include "api/http/conn.h"
#include "tests/unit/api/loopback.h"

static struct loopback l;
static struct client c;

static void begin(void)
{
    loopback_begin(&l, NULL);
    loopback_connect(&l, &c);
}

static void end(void)
{
    client_close(&c);
    loopback_end(&l);
}

TestSuite(http_conn, .init = begin, .fini = end);

static void expect_body(const char *request, const char *body)
{
    struct reply r = client_ask(&c, request, 200);
    cr_assert_str_eq(r.body, body);
    reply_deinit(&r);
}

Test(http_conn, answers_many_requests_on_one_connection)
{
    for (int i = 0; i < 5; i++)
        expect_body(GET("/hello"), "hello");
    cr_assert_eq(l.server->http->stats.n_accepted, 1);
}

Test(http_conn, every_answer_has_the_headers_of_the_contract)
{
    struct reply r = client_ask(&c, GET("/hello"), 200);
    reply_expect_header(&r, "Content-Type", "text/plain");
    reply_expect_header(&r, "Content-Length", "5");
    cr_assert(reply_has_header(&r, "Date"));
    cr_assert(reply_has_header(&r, "X-Request-Id"));
    cr_assert_not(reply_has_header(&r, "Connection"));
    reply_deinit(&r);
}

Test(http_conn, takes_over_a_valid_request_id_and_no_other)
{
    struct reply r = client_ask(&c,
                                "GET /hello HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: "
                                "a.B_c-9\r\n\r\n",
                                200);
    reply_expect_header(&r, "X-Request-Id", "a.B_c-9");
    reply_deinit(&r);
    r = client_ask(&c, "GET /hello HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a b\r\n\r\n", 200);
    char *own = reply_header(&r, "X-Request-Id");
    cr_assert_str_neq(own, "a b");
    mem_free(own);
    reply_deinit(&r);
}

Test(http_conn, reads_a_request_byte_by_byte)
{
    static const char text[] =
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabcde";
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        client_send_bytes(&c, text + i, 1);
        loopback_turn(&l);
    }
    struct reply r = client_read(&c, false);
    cr_assert_str_eq(r.body, "abcde");
    reply_deinit(&r);
}

Test(http_conn, ignores_empty_lines_before_a_request)
{
    expect_body("\r\n\r\n" GET("/hello"), "hello");
    expect_body("\r\n" GET("/hello"), "hello");
}

Test(http_conn, answers_pipelined_requests_in_order)
{
    client_send(&c, GET("/later") GET("/hello") GET("/nowhere") GET("/later") GET("/hello"));
    static const char *const bodies[] = {"later", "hello", NULL, "later", "hello"};
    for (size_t i = 0; i < 5; i++) {
        struct reply r = client_read(&c, false);
        cr_assert_eq(r.status, bodies[i] ? 200 : 404);
        if (bodies[i])
            cr_assert_str_eq(r.body, bodies[i]);
        reply_deinit(&r);
    }
}

Test(http_conn, handles_one_request_at_a_time)
{
    client_send(&c, GET("/hold") GET("/hello"));
    loopback_until(&l, loopback_held);
    for (int i = 0; i < 5; i++)
        loopback_turn(&l);
    cr_assert_eq(loopback_n_calls, 0);
    loopback_release();
    struct reply r = client_read(&c, false);
    cr_assert_str_eq(r.body, "released");
    reply_deinit(&r);
    r = client_read(&c, false);
    cr_assert_str_eq(r.body, "hello");
    reply_deinit(&r);
}

Test(http_conn, leaves_a_flood_of_pipelined_bytes_in_the_socket)
{
    client_send(&c, GET("/hold"));
    loopback_until(&l, loopback_held);
    struct buf flood;
    buf_init(&flood, 0);
    for (int i = 0; i < 20000; i++)
        (void)buf_append_str(&flood, GET("/hello"));
    /* More than the socket and the connection hold: sending all of it would never end. */
    size_t sent = 0;
    for (int i = 0; i < 2000 && sent < flood.len; i++) {
        ssize_t n = send(c.fd, flood.data + sent, flood.len - sent, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        loopback_turn(&l);
    }
    struct http_conn *conn = list_entry(l.server->http->conns.next, struct http_conn, link);
    cr_assert(conn->is_held);
    cr_assert_leq(conn->unread.len, 2 * 65536);
    loopback_release();
    client_expect(&c, "", 200);
    client_send_bytes(&c, flood.data + sent, flood.len - sent);
    for (int i = 0; i < 20000; i++)
        client_expect(&c, "", 200);
    cr_assert_eq(loopback_n_calls, 20000);
    buf_deinit(&flood);
}

Test(http_conn, answers_head_with_the_length_and_no_body)
{
    struct reply r = client_ask(&c, "HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 200);
    reply_expect_header(&r, "Content-Length", "5");
    reply_deinit(&r);
    expect_body(GET("/hello"), "hello");
}

Test(http_conn, answers_options_with_the_methods_of_the_path)
{
    struct reply r = client_ask(&c, "OPTIONS /echo HTTP/1.1\r\nHost: localhost\r\n\r\n", 204);
    reply_expect_header(&r, "Allow", "POST, OPTIONS");
    cr_assert_not(reply_has_header(&r, "Content-Length"));
    reply_deinit(&r);
    client_expect(&c, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 204);
    client_expect(&c, "OPTIONS /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", 404);
}

Test(http_conn, refuses_methods_with_what_is_allowed)
{
    struct reply r = client_ask(&c, "PUT /hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 405);
    reply_expect_header(&r, "Allow", "GET, HEAD, OPTIONS");
    reply_deinit(&r);
    client_expect(&c, "LOCK /hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 405);
    client_expect(&c, "LOCK /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", 501);
    client_expect(&c, "BREW /hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 501);
    client_expect_end(&c);
}

Test(http_conn, joins_a_chunked_body)
{
    expect_body("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                "3;note=x\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: ignored\r\n\r\n",
                "abcde");
    expect_body(GET("/hello"), "hello");
}

Test(http_conn, asks_for_the_body_once_the_head_is_accepted)
{
    client_send(&c, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
                    "Expect: 100-continue\r\n\r\n");
    struct reply r = client_read(&c, false);
    cr_assert_eq(r.status, 100);
    reply_deinit(&r);
    expect_body("ab", "ab");
}

Test(http_conn, does_not_ask_for_a_body_that_it_refuses)
{
    struct reply r = client_ask(&c,
                                "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
                                "Expect: 100-continue\r\n\r\n",
                                404);
    reply_expect_header(&r, "Connection", "close");
    reply_deinit(&r);
    client_expect_end(&c);
}

Test(http_conn, knows_one_expectation)
{
    client_expect(&c,
                  "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
                  "Expect: wonders\r\n\r\n",
                  417);
}

Test(http_conn, ends_an_http_1_0_connection_with_the_answer)
{
    struct reply r = client_ask(&c, "GET /hello HTTP/1.0\r\n\r\n", 200);
    reply_expect_header(&r, "Connection", "close");
    reply_deinit(&r);
    client_expect_end(&c);
}

Test(http_conn, keeps_an_http_1_0_connection_when_asked_to)
{
    struct reply r = client_ask(&c, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200);
    reply_expect_header(&r, "Connection", "keep-alive");
    reply_deinit(&r);
    expect_body(GET("/hello"), "hello");
}

Test(http_conn, honours_close_and_reads_no_further)
{
    struct reply r = client_ask(&c,
                                "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: "
                                "close\r\n\r\n" GET("/hello"),
                                200);
    reply_expect_header(&r, "Connection", "close");
    reply_deinit(&r);
    client_expect_end(&c);
    cr_assert_eq(c.in.len, 0);
    cr_assert_eq(loopback_n_calls, 1);
}

Test(http_conn, leaves_an_offer_to_upgrade_unanswered)
{
    expect_body(
        "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "hello");
    expect_body(GET("/hello"), "hello");
}

Test(http_conn, writes_an_answer_larger_than_the_socket)
{
    client_send(&c, GET("/big") GET("/hello"));
    struct reply r = client_read(&c, false);
    cr_assert_eq(r.n_body, 4u << 20);
    cr_assert_eq(strspn(r.body, "b"), 4u << 20);
    reply_deinit(&r);
    r = client_read(&c, false);
    cr_assert_str_eq(r.body, "hello");
    reply_deinit(&r);
}

Test(http_conn, answers_a_client_that_has_closed_its_half)
{
    client_send(&c, GET("/later"));
    client_finish(&c);
    struct reply r = client_read(&c, false);
    cr_assert_str_eq(r.body, "later");
    reply_deinit(&r);
    client_expect_end(&c);
}

Test(http_conn, tells_a_waiting_handler_that_its_client_is_gone)
{
    client_send(&c, GET("/hold"));
    loopback_until(&l, loopback_held);
    client_finish(&c);
    loopback_until(&l, loopback_n_gone == 1);
    cr_assert_null(loopback_held);
}

Test(http_conn, gives_back_what_a_client_that_vanished_had_asked)
{
    client_send(&c, GET("/big"));
    loopback_until(&l, l.server->http->n_holds == 1);
    client_close(&c);
    loopback_until(&l, l.server->http->stats.n_conns == 0);
    cr_assert_eq(l.server->http->n_holds, 0);
    loopback_connect(&l, &c);
    client_send(&c, GET("/later"));
    client_close(&c);
    loopback_connect(&l, &c);
    loopback_until(&l, l.server->http->n_holds == 0 && l.server->http->stats.n_conns == 1);
}

Test(http_conn, forgets_half_a_request)
{
    client_send(&c, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc");
    loopback_until(&l, l.server->http->n_holds == 1);
    client_finish(&c);
    client_expect_end(&c);
    cr_assert_eq(c.in.len, 0);
    cr_assert_eq(loopback_n_calls, 0);
}
