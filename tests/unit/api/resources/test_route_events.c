/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "tests/unit/api/house.h"

static struct house h;

static void begin(void)
{
    house_init(&h);
    h.options.http.heartbeat_ms = 50;
    h.options.http.max_backlog_bytes = 200000;
    house_open(&h);
    world_flush(&h.world);
}

static void end(void)
{
    house_end(&h);
}

TestSuite(api_route_events, .init = begin, .fini = end);

static void emit(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        cache_events_emit(h.world.events, "test.event", "{\"x\":1}");
    world_flush(&h.world);
}

static uint64_t last_seq(void)
{
    return cache_events_last_seq(h.world.events);
}

static void listen_to(const char *path, const char *headers)
{
    char *text = mem_printf("GET %s HTTP/1.0\r\n%s\r\n", path, headers);
    client_send(&h.c, text);
    client_wait_for(&h.c, "\r\n\r\n");
    mem_free(text);
}

static void wait_for_seq(uint64_t seq)
{
    char text[40];
    snprintf(text, sizeof(text), "id: %" PRIu64 "\n", seq);
    client_wait_for(&h.c, text);
}

/* The stream has the events FROM to TO once each and in order, and no other. */
static void expect_seqs(uint64_t from, uint64_t to)
{
    const char *p = h.c.in.data;
    for (uint64_t seq = from; seq <= to; seq++) {
        p = strstr(p, "\nid: ");
        cr_assert_not_null(p, "%" PRIu64 " is missing", seq);
        cr_assert_eq(strtoull(p + 5, NULL, 10), seq);
        p += 5;
    }
    cr_assert_null(strstr(p, "\nid: "));
}

Test(api_route_events, begins_with_what_happens_from_now_on)
{
    emit(3);
    uint64_t first = last_seq() + 1;
    listen_to("/api/events", "");
    emit(3);
    wait_for_seq(first + 2);
    expect_seqs(first, first + 2);
    cr_assert_not_null(strstr(h.c.in.data, "\nevent: test.event\ndata: {\"seq\":"));
    cr_assert_not_null(strstr(h.c.in.data, "text/event-stream"));
}

Test(api_route_events, goes_from_history_to_now_without_hole_or_repetition)
{
    emit(700);
    listen_to("/api/events?since=0", "");
    for (int i = 0; i < 30; i++) {
        cache_events_emit(h.world.events, "test.event", "{}");
        world_turn(&h.world);
    }
    world_flush(&h.world);
    wait_for_seq(last_seq());
    expect_seqs(cache_events_origin(h.world.events) + 1, last_seq());
    cr_assert_null(strstr(h.c.in.data, "event: gap"));
}

Test(api_route_events, goes_on_behind_the_last_event_of_a_client_that_comes_back)
{
    char header[60];
    emit(5);
    snprintf(header, sizeof(header), "Last-Event-ID: %" PRIu64 "\r\n", last_seq() - 2);
    listen_to("/api/events?since=0", header);
    wait_for_seq(last_seq());
    expect_seqs(last_seq() - 1, last_seq());
}

Test(api_route_events, tells_a_client_of_a_newer_history_that_it_was_replaced)
{
    emit(3);
    char path[60];
    snprintf(path, sizeof(path), "/api/events?since=%" PRIu64, last_seq() + 5);
    listen_to(path, "");
    emit(1);
    wait_for_seq(last_seq());
    cr_assert_not_null(strstr(h.c.in.data, "event: gap\n"));
    cr_assert_not_null(strstr(h.c.in.data, "replaced"));
}

Test(api_route_events, tells_a_client_of_an_older_history_what_it_has_missed)
{
    char first[60];
    emit(3);
    listen_to("/api/events?since=20", "");
    wait_for_seq(last_seq());
    snprintf(first, sizeof(first), "event: gap\ndata: {\"seq\":%" PRIu64 ",",
             cache_events_origin(h.world.events));
    const char *gap = strstr(h.c.in.data, first);
    cr_assert_not_null(gap, "%s", h.c.in.data);
    cr_assert_not_null(strstr(gap, "{\"from\":21,"));
    cr_assert_null(strstr(gap + 1, "event: gap"));
}

Test(api_route_events, beats_while_nothing_happens)
{
    listen_to("/api/events", "");
    client_wait_for(&h.c, "\n:\n\n");
}

Test(api_route_events, speaks_ndjson)
{
    char first[60], second[60];
    uint64_t origin = cache_events_origin(h.world.events);
    emit(2);
    listen_to("/api/events?since=0&format=ndjson", "");
    snprintf(first, sizeof(first), "\r\n\r\n{\"seq\":%" PRIu64 ",", origin + 1);
    snprintf(second, sizeof(second), "}\n{\"seq\":%" PRIu64 ",", origin + 2);
    client_wait_for(&h.c, second);
    cr_assert_not_null(strstr(h.c.in.data, "application/x-ndjson"));
    cr_assert_not_null(strstr(h.c.in.data, first));
}

Test(api_route_events, cuts_off_a_reader_that_does_not_read)
{
    char *large = mem_alloc(20000);
    memset(large, 'x', 19999);
    char *data = mem_printf("{\"x\":\"%s\"}", large);
    listen_to("/api/events", "");
    uint64_t first = last_seq() + 1;
    while (h.server->n_cut_off == 0) {
        cache_events_emit(h.world.events, "test.event", data);
        world_flush(&h.world);
    }
    uint64_t lost = last_seq();
    client_expect_end(&h.c);
    const char *gap = strstr(h.c.in.data, "event: gap\n");
    cr_assert_not_null(gap);
    char from[60], to[60];
    uint64_t given = 0;
    for (const char *p = strstr(h.c.in.data, "\nid: "); p && p < gap; p = strstr(p + 1, "\nid: "))
        given = strtoull(p + 5, NULL, 10);
    snprintf(from, sizeof(from), "\"from\":%" PRIu64 ",", given + 1);
    snprintf(to, sizeof(to), "\"to\":%" PRIu64 ",", lost);
    cr_assert_not_null(strstr(gap, from), "%s %s", from, gap);
    cr_assert_not_null(strstr(gap, to), "%s %s", to, gap);
    cr_assert_gt(given, first);

    /* Reconnecting with the id of the gap brings what was not given. */
    client_close(&h.c);
    client_connect_unix(&h.c, h.path, house_turn, &h);
    char header[60];
    snprintf(header, sizeof(header), "Last-Event-ID: %" PRIu64 "\r\n", given);
    listen_to("/api/events", header);
    wait_for_seq(given + 1);
    mem_free(data);
    mem_free(large);
}

Test(api_route_events, refuses_what_it_does_not_understand)
{
    house_refuses(&h, "GET", "/api/events?since=x", NULL, 422, "VALIDATION_FAILED", "since");
    house_refuses(&h, "GET", "/api/events?format=xml", NULL, 422, "VALIDATION_FAILED", "format");
    struct answer a = house_ask_with(&h, "Last-Event-ID: x\r\n", "GET", "/api/events", NULL, 422);
    answer_deinit(&a);
}

Test(api_route_events, answers_head_without_a_stream)
{
    house_expect(&h, "HEAD", "/api/events", NULL, 200);
    cr_assert_eq(h.server->http->stats.n_streams, 0);
}

Test(api_route_events, counts_its_streams)
{
    listen_to("/api/events", "");
    cr_assert_eq(h.server->http->stats.n_streams, 1);
    client_close(&h.c);
    house_until(&h, h.server->http->stats.n_streams == 0);
    client_connect_unix(&h.c, h.path, house_turn, &h);
}
