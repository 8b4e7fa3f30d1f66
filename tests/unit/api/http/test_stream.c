/* SPDX-License-Identifier: MIT */
#include "api/http/stream.h"
#include "tests/unit/api/loopback.h"

enum { BACKLOG = 100000, PIECE = 10000 };

static struct loopback l;
static struct client c;
static char piece[PIECE];

static void begin(void)
{
    struct api_options options = api_options_defaults;
    options.http.max_backlog_bytes = BACKLOG;
    options.http.heartbeat_ms = 40;
    options.http.write_timeout_ms = 100;
    loopback_begin(&l, &options);
    loopback_connect(&l, &c);
    memset(piece, 'p', sizeof(piece));
}

static void end(void)
{
    client_close(&c);
    loopback_end(&l);
}

TestSuite(http_stream, .init = begin, .fini = end);

static void open_stream(void)
{
    client_send(&c, GET("/stream"));
    loopback_until(&l, loopback_stream);
}

/* Writes until the client's slowness shows. Returns how many pieces were taken. */
static unsigned write_until_full(void)
{
    unsigned n = 0;
    while (http_stream_write(loopback_stream, piece, PIECE, n + 1) == 0)
        n++;
    return n;
}

Test(http_stream, writes_as_it_comes)
{
    open_stream();
    cr_assert_eq(http_stream_write(loopback_stream, "one", 3, 1), 0);
    client_wait_for(&c, "3\r\none\r\n");
    cr_assert_eq(http_stream_write(loopback_stream, "four", 4, 2), 0);
    client_wait_for(&c, "4\r\nfour\r\n");
    cr_assert_eq(http_stream_taken(loopback_stream), 2);
    cr_assert_not(http_stream_is_behind(loopback_stream));
    cr_assert_eq(l.server->http->stats.n_streams, 1);
}

Test(http_stream, is_delimited_by_the_end_in_http_1_0)
{
    client_send(&c, "GET /stream HTTP/1.0\r\n\r\n");
    loopback_until(&l, loopback_stream);
    cr_assert_eq(http_stream_write(loopback_stream, "plain", 5, 1), 0);
    http_stream_end(take_ptr(loopback_stream));
    struct reply r = client_read(&c, false);
    cr_assert_not(reply_has_header(&r, "Transfer-Encoding"));
    cr_assert_str_eq(r.body, "plain");
    reply_deinit(&r);
}

Test(http_stream, beats_while_nothing_happens)
{
    open_stream();
    client_wait_for(&c, "beat\n");
    c.in.len = 0;
    client_wait_for(&c, "beat\n");
}

Test(http_stream, keeps_a_bounded_backlog)
{
    open_stream();
    unsigned n = write_until_full();
    cr_assert_gt(n, BACKLOG / PIECE - 1);
    cr_assert(http_stream_is_behind(loopback_stream));
    cr_assert_lt(http_stream_taken(loopback_stream), n);
}

Test(http_stream, says_when_everything_was_taken)
{
    open_stream();
    unsigned n = write_until_full();
    cr_assert_eq(loopback_n_ready, 0);
    while (loopback_n_ready == 0 && c.in.len < 100u << 20)
        client_pump(&c);
    cr_assert_eq(loopback_n_ready, 1);
    cr_assert_eq(http_stream_taken(loopback_stream), n);
}

Test(http_stream, can_forget_what_waits_and_end_with_a_last_word)
{
    open_stream();
    unsigned n = write_until_full();
    uint64_t taken = http_stream_taken(loopback_stream);
    http_stream_forget(loopback_stream);
    cr_assert_eq(http_stream_write(loopback_stream, "last", 4, n + 1), 0);
    http_stream_end(take_ptr(loopback_stream));
    struct reply r = client_read(&c, false);
    cr_assert_eq(r.n_body % PIECE, 4);
    cr_assert_str_eq(r.body + r.n_body - 4, "last");
    cr_assert_eq(r.n_body / PIECE, taken, "all that was taken, and nothing else");
    reply_deinit(&r);
    client_expect_end(&c);
    cr_assert_eq(loopback_n_gone, 0);
    cr_assert_eq(l.server->http->stats.n_streams, 0);
}

Test(http_stream, gives_up_on_a_client_that_does_not_take_the_end)
{
    open_stream();
    (void)write_until_full();
    http_stream_end(take_ptr(loopback_stream));
    loopback_until(&l, l.server->http->stats.n_conns == 0);
    cr_assert_eq(l.server->http->n_holds, 0);
}

Test(http_stream, tells_when_the_client_is_gone)
{
    open_stream();
    client_finish(&c);
    loopback_until(&l, loopback_n_gone == 1);
    cr_assert_eq(l.server->http->stats.n_streams, 0);
}

Test(http_stream, survives_a_client_that_vanishes_while_it_is_behind)
{
    open_stream();
    (void)write_until_full();
    client_close(&c);
    loopback_until(&l, loopback_n_gone == 1 && l.server->http->stats.n_conns == 0);
    loopback_connect(&l, &c);
}
