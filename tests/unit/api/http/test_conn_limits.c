/* SPDX-License-Identifier: MIT */
#include "api/http/conn.h"
#include "tests/unit/api/loopback.h"

static struct loopback l;
static struct client c;

static void begin(void)
{
    struct api_options options = api_options_defaults;
    options.http.max_connections = 3;
    options.http.max_head_bytes = 1024;
    options.http.max_body_bytes = 64;
    options.http.head_timeout_ms = 60;
    options.http.body_timeout_ms = 60;
    options.http.idle_timeout_ms = 120;
    options.http.write_timeout_ms = 60;
    loopback_begin(&l, &options);
    loopback_connect(&l, &c);
}

static void end(void)
{
    client_close(&c);
    loopback_end(&l);
}

TestSuite(http_conn_limits, .init = begin, .fini = end);

/* The answer closes the connection and names CODE. */
static void refused(const char *request, int status, const char *code)
{
    struct reply r = client_ask(&c, request, status);
    cr_assert_not_null(strstr(r.body, code), "%s", r.body);
    reply_expect_header(&r, "Connection", "close");
    reply_expect_header(&r, "Content-Type", "application/problem+json; charset=utf-8");
    reply_deinit(&r);
    client_expect_end(&c);
}

static char *head_with(const char *line, size_t n)
{
    struct buf text;
    buf_init(&text, 0);
    (void)buf_append_str(&text, line);
    while (n--)
        (void)buf_append_str(&text, "x");
    return buf_take(&text, NULL);
}

Test(http_conn_limits, heads)
{
    char *text = head_with("GET /hello HTTP/1.1\r\nHost: localhost\r\nX-Long: ", 1024);
    refused(text, 431, "HEAD_TOO_LARGE");
    mem_free(text);
}

Test(http_conn_limits, a_head_of_exactly_the_limit_passes)
{
    static const char start[] = "GET /hello HTTP/1.1\r\nHost: localhost\r\nX-Long: ";
    char *text = head_with(start, 1024 - (sizeof(start) - 1) - 4);
    client_send(&c, text);
    client_expect(&c, "\r\n\r\n", 200);
    mem_free(text);
}

Test(http_conn_limits, targets)
{
    char *text = head_with("GET /", 1100);
    refused(text, 414, "TARGET_TOO_LONG");
    mem_free(text);
}

Test(http_conn_limits, the_number_of_headers)
{
    struct buf text;
    buf_init(&text, 0);
    (void)buf_append_str(&text, "GET /hello HTTP/1.1\r\nHost: localhost\r\n");
    for (int i = 0; i < 101; i++)
        (void)buf_append_str(&text, "a:\r\n");
    refused(text.data, 431, "HEAD_TOO_LARGE");
    buf_deinit(&text);
}

Test(http_conn_limits, announced_bodies)
{
    refused("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65\r\n\r\n", 413,
            "BODY_TOO_LARGE");
}

Test(http_conn_limits, chunked_bodies)
{
    char *text = head_with("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                           "chunked\r\n\r\n41\r\n",
                           65);
    refused(text, 413, "BODY_TOO_LARGE");
    mem_free(text);
}

Test(http_conn_limits, a_body_of_exactly_the_limit_passes)
{
    char *text =
        head_with("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 64\r\n\r\n", 64);
    client_expect(&c, text, 200);
    mem_free(text);
}

Test(http_conn_limits, chunk_heads_and_trailers_count)
{
    client_send(&c, "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "0\r\n");
    char *trailer = head_with("T: ", 1000);
    for (int i = 0; i < 80 && !c.is_eof; i++) {
        client_send(&c, trailer);
        client_send(&c, "\r\n");
        loopback_turn(&l);
    }
    mem_free(trailer);
    struct reply r = client_read(&c, false);
    cr_assert_eq(r.status, 413);
    reply_deinit(&r);
}

Test(http_conn_limits, two_lengths_end_the_connection)
{
    refused("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: "
            "2\r\n\r\nab",
            400, "BAD_REQUEST");
}

Test(http_conn_limits, a_length_beside_chunks_ends_the_connection)
{
    refused("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            "Content-Length: 2\r\n\r\n",
            400, "BAD_REQUEST");
}

Test(http_conn_limits, a_length_before_chunks_ends_the_connection)
{
    refused("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
            "Transfer-Encoding: chunked\r\n\r\n",
            400, "BAD_REQUEST");
}

Test(http_conn_limits, other_transfer_encodings)
{
    refused("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 501,
            "TRANSFER_ENCODING_UNKNOWN");
}

Test(http_conn_limits, other_transfer_encodings_before_chunks)
{
    refused("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            501, "TRANSFER_ENCODING_UNKNOWN");
}

Test(http_conn_limits, other_transfer_encodings_after_chunks)
{
    refused("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
            501, "TRANSFER_ENCODING_UNKNOWN");
}

Test(http_conn_limits, chunks_in_http_1_0)
{
    refused("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "BAD_HEADER");
}

Test(http_conn_limits, other_versions)
{
    refused("GET /hello HTTP/2.0\r\nHost: localhost\r\n\r\n", 505, "HTTP_VERSION_UNKNOWN");
}

Test(http_conn_limits, what_is_no_http)
{
    refused("\x16\x03\x01\x02\r\n\r\n", 400, "BAD_REQUEST");
}

Test(http_conn_limits, hosts)
{
    client_expect(&c, "GET /hello HTTP/1.1\r\n\r\n", 400);
    client_expect(&c, "GET /hello HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400);
    client_expect(&c, "GET /hello HTTP/1.1\r\nHost:\r\n\r\n", 400);
    client_expect(&c, "GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n", 400);
    client_expect(&c, "GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403);
    client_expect(&c, "GET http://evil.example/hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 403);
    client_expect(&c, "GET http://localhost/hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", 200);
    client_expect(&c, "GET /hello HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n", 200);
}

Test(http_conn_limits, origins)
{
    client_expect(
        &c, "GET /hello HTTP/1.1\r\nHost: localhost:80\r\nOrigin: http://localhost:80\r\n\r\n",
        200);
    client_expect(
        &c, "GET /hello HTTP/1.1\r\nHost: localhost:80\r\nOrigin: http://localhost\r\n\r\n", 403);
    client_expect(&c, "GET /hello HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n", 403);
}

Test(http_conn_limits, media_types)
{
    client_expect(&c,
                  "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/JSON; "
                  "charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
                  200);
    client_expect(&c,
                  "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
                  "Content-Length: 0\r\n\r\n",
                  200);
    refused("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
            "Content-Length: 2\r\n\r\n{}",
            415, "UNSUPPORTED_MEDIA_TYPE");
}

Test(http_conn_limits, slow_heads)
{
    refused("GET /hello HTTP/1.1\r\nHost", 408, "REQUEST_TIMEOUT");
}

Test(http_conn_limits, slow_bodies)
{
    refused("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab", 408,
            "REQUEST_TIMEOUT");
}

Test(http_conn_limits, idle_connections)
{
    client_expect(&c, GET("/hello"), 200);
    client_expect_end(&c);
    cr_assert_eq(c.in.len, 0);
}

Test(http_conn_limits, answers_that_nobody_takes)
{
    client_send(&c, GET("/big"));
    loopback_until(&l, l.server->http->stats.n_conns == 1);
    loopback_until(&l, l.server->http->stats.n_conns == 0);
    cr_assert_eq(l.server->http->n_holds, 0);
}

Test(http_conn_limits, connections)
{
    struct client others[2], extra;
    client_expect(&c, GET("/hello"), 200);
    for (int i = 0; i < 2; i++) {
        loopback_connect(&l, &others[i]);
        client_expect(&others[i], GET("/hello"), 200);
    }
    loopback_connect(&l, &extra);
    struct reply r = client_read(&extra, false);
    cr_assert_eq(r.status, 503);
    cr_assert_not_null(strstr(r.body, "TOO_MANY_CONNECTIONS"));
    reply_expect_header(&r, "Retry-After", "1");
    reply_deinit(&r);
    client_expect_end(&extra);
    client_close(&extra);
    cr_assert_eq(l.server->http->stats.n_refused, 1);
    for (int i = 0; i < 2; i++)
        client_close(&others[i]);
}

Test(http_conn_limits, a_connection_at_rest_keeps_no_exchange)
{
    client_expect(&c, GET("/hello"), 200);
    cr_assert_eq(l.server->http->n_holds, 0);
    struct http_conn *conn = list_entry(l.server->http->conns.next, struct http_conn, link);
    cr_assert_null(conn->unread.data);
}
