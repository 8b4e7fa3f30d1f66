/* SPDX-License-Identifier: MIT */
#include "api/resources/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/common/input.h"
#include "api/exchange/parts.h"
#include "api/http/stream.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "cache/tables/events.h"

/* One reader of the event log: each number once and in order, or a gap in its place. History comes
 * from the store page by page, each asked for when the client has taken the one before; when
 * nothing newer is left, it subscribes in the same turn of the loop, so that no event falls between
 * and none comes twice.
 *
 *      READING -> (WAITING for the socket -> READING)... -> LIVE
 */
struct reader {
    struct api_server *server;
    struct cache_events *events;
    struct http_stream *stream; /* NULL once it is over; a page may still be on its way */
    struct cache_subscriber *subscriber;
    uint64_t last_seq; /* of the last event that was written */
    bool is_ndjson, is_reading, must_read;
    struct buf text;
};

#define SERVER_SENT "text/event-stream" /* always UTF-8 */
#define NDJSON "application/x-ndjson; charset=utf-8"

enum { PAGE = 200 };

static void reader_free(struct reader *r)
{
    buf_deinit(&r->text);
    mem_free(r);
}

static void unsubscribe(struct reader *r)
{
    if (r->subscriber)
        cache_events_unsubscribe(take_ptr(r->subscriber));
}

/* The reader goes when neither the stream nor the store points at it. */
static void release(struct reader *r)
{
    unsubscribe(r);
    r->stream = NULL;
    if (!r->is_reading)
        reader_free(r);
}

/* For every event and every reader, and therefore without printf. */
static int write_event(struct reader *r, uint64_t seq, const char *type, const char *json)
{
    struct buf *text = &r->text;
    buf_clear(text);
    if (!r->is_ndjson) {
        (void)buf_append_str(text, "id: ");
        (void)buf_append_u64(text, seq);
        (void)buf_append_str(text, "\nevent: ");
        (void)buf_append_str(text, type);
        (void)buf_append_str(text, "\ndata: ");
    }
    (void)buf_append_str(text, json);
    (void)buf_append_str(text, r->is_ndjson ? "\n" : "\n\n");
    return http_stream_write(r->stream, text->data, text->len, seq);
}

/* Says that the events FROM to TO do not come. SEQ is where a client goes on that reconnects. */
static int write_gap(struct reader *r, uint64_t seq, uint64_t from, uint64_t to, const char *reason)
{
    char json[256], when[CLOCK_RFC3339_SIZE];
    clock_format(clock_wall_ms(), when);
    snprintf(json, sizeof(json),
             "{\"seq\":%" PRIu64 ",\"time\":\"%s\",\"type\":\"gap\",\"data\":{\"from\":%" PRIu64
             ",\"to\":%" PRIu64 ",\"reason\":\"%s\"}}",
             seq, when, from, to, reason);
    return write_event(r, seq, "gap", json);
}

/* Events up to TO are lost for good: a client that reconnects goes on behind them. */
static int skip_to(struct reader *r, uint64_t to, const char *reason)
{
    uint64_t from = r->last_seq + 1;
    r->last_seq = to;
    return write_gap(r, to, from, to, reason);
}

/* The client takes less than comes: what waits is given up, it is told so, and may reconnect to
 * read on behind the last event that it has been given. */
static void cut_off(struct reader *r)
{
    struct http_stream *stream = r->stream;
    uint64_t taken = http_stream_taken(stream), last = cache_events_last_seq(r->events);
    http_stream_forget(stream);
    (void)write_gap(r, taken, taken + 1, last, "the client reads too slowly");
    r->server->n_cut_off++;
    release(r);
    http_stream_end(stream);
}

static void on_event(void *arg, const struct cache_event *event)
{
    struct reader *r = arg;
    /* The store may have shown an event a moment before it is published. */
    if (event->seq <= r->last_seq)
        return;
    if (write_event(r, event->seq, event->type, event->json->data) < 0) {
        cut_off(r);
        return;
    }
    r->last_seq = event->seq;
    r->server->n_events++;
}

static void go_on(struct reader *r);

static int write_page(struct reader *r, const struct cache_event *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (items[i].seq > r->last_seq + 1 &&
            skip_to(r, items[i].seq - 1, "events before this one are no longer kept") < 0)
            return UV_ENOBUFS;
        if (write_event(r, items[i].seq, items[i].type, items[i].json->data) < 0)
            return UV_ENOBUFS;
        r->last_seq = items[i].seq;
        r->server->n_events++;
    }
    return 0;
}

static void on_page(void *arg, int status, const struct cache_event *items, size_t n)
{
    struct reader *r = arg;
    r->is_reading = false;
    if (!r->stream) {
        reader_free(r);
        return;
    }
    uint64_t last = cache_events_last_seq(r->events);
    int written = 0;
    if (status < 0)
        written = skip_to(r, last, "the event log cannot be read");
    else if (n == 0 && last > r->last_seq)
        written = skip_to(r, last, "events before this one are no longer kept");
    else
        written = write_page(r, items, n);
    if (written < 0)
        cut_off(r);
    else
        go_on(r);
}

static void go_on(struct reader *r)
{
    r->must_read = r->last_seq < cache_events_last_seq(r->events);
    if (!r->must_read) {
        r->subscriber = cache_events_subscribe(r->events, on_event, r);
    } else if (!http_stream_is_behind(r->stream)) {
        r->must_read = false;
        r->is_reading = true;
        cache_events_read(r->events, r->last_seq, PAGE, on_page, r);
    }
}

static void on_ready(void *arg)
{
    struct reader *r = arg;
    if (r->must_read && !r->is_reading)
        go_on(r);
}

static void on_gone(void *arg)
{
    release(arg);
}

static void on_drain(void *arg)
{
    struct reader *r = arg;
    struct http_stream *stream = r->stream;
    release(r);
    http_stream_end(stream);
}

static const struct http_stream_calls stream_calls = {
    .on_ready = on_ready, .on_gone = on_gone, .on_drain = on_drain};

/* Where to begin: behind the Last-Event-ID of a client that comes back, else behind `since`, else
 * with what happens from now on. The header is the newer of the two: an EventSource repeats its
 * address when it reconnects. */
static bool read_since(struct api_exchange *x, uint64_t last_seq, uint64_t *ret)
{
    const char *id = http_request_header(&x->http.request, HTTP_HEADER_LAST_EVENT_ID);
    if (!api_input_number(x, "since", 0, INT64_MAX, last_seq, ret))
        return false;
    if (!id || !*id || str_parse_u64(id, INT64_MAX, ret) == 0)
        return true;
    api_respond_field(x, "Last-Event-ID", "must be the id of an event");
    return false;
}

static bool read_format(struct api_exchange *x, bool *ret_is_ndjson)
{
    const char *format = api_exchange_query(x, "format");
    *ret_is_ndjson = format && strcmp(format, "ndjson") == 0;
    if (!format || *ret_is_ndjson || strcmp(format, "sse") == 0)
        return true;
    api_respond_field(x, "format", "must be \"sse\" or \"ndjson\"");
    return false;
}

static void start(struct api_exchange *x, uint64_t since, bool is_ndjson)
{
    struct reader *r = mem_new(struct reader);
    uint64_t last_seq = cache_events_last_seq(x->context->events);
    r->server = x->server;
    r->events = x->context->events;
    r->is_ndjson = is_ndjson;
    r->last_seq = since > 0 ? since : cache_events_origin(r->events);
    buf_init(&r->text, 0);
    r->stream = http_stream_begin(&x->http, is_ndjson ? NDJSON : SERVER_SENT,
                                  is_ndjson ? NULL : ":\n\n", &stream_calls, r);
    if (!is_ndjson)
        (void)http_stream_write(r->stream, "retry: 2000\n\n", 13, r->last_seq);
    /* The client knows more than was ever told here: the log was replaced meanwhile. */
    if (since > last_seq) {
        r->last_seq = cache_events_origin(r->events);
        (void)skip_to(r, last_seq, "the event log was replaced");
    }
    go_on(r);
}

void api_handle_events(struct api_exchange *x)
{
    uint64_t since;
    bool is_ndjson;
    if (!read_since(x, cache_events_last_seq(x->context->events), &since) ||
        !read_format(x, &is_ndjson))
        return;
    api_exchange_header(x, "Cache-Control", "no-store");
    if (x->http.request.method == HTTP_METHOD_HEAD)
        api_respond_reply(x, 200, is_ndjson ? NDJSON : SERVER_SENT);
    else
        start(x, since, is_ndjson);
}
