/* SPDX-License-Identifier: MIT */
/*     beginning -> dialling (its name, its addresses) -> asking -> told -> closing -> freed
 *
 * The answer is told as soon as it is known; the handles, and a name that the system is still
 * looking for, end after that. */
#include "api/reach/reach.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <llhttp.h>
#include <uv.h>

#include "base/loop/dial.h"
#include "base/loop/loop.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/address.h"
#include "base/text/str.h"

enum { MAX_ANSWER_BYTES = 16384, READ_SIZE = 4096 };

struct ctl_reach {
    struct loop *loop;
    struct address address;
    char shown[ADDRESS_HOST_SIZE + 10]; /* HOST:PORT, for Host and for people */
    uint64_t started_ms;
    unsigned deadline_ms;
    ctl_reach_fn done; /* NULL once told */
    void *arg;
    uv_timer_t timer;
    unsigned n_open; /* timer, dial, connection */

    struct dial *dial; /* while there is no connection yet */
    uv_tcp_t *tcp;
    uv_write_t write;
    char request[ADDRESS_HOST_SIZE + 100];
    llhttp_t parser;
    size_t n_read;
    char room[READ_SIZE];
};

/* --- the end --- */

static void release(struct ctl_reach *r)
{
    if (--r->n_open > 0)
        return;
    mem_free(r);
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(container_of((uv_timer_t *)handle, struct ctl_reach, timer));
}

static void on_tcp_closed(uv_handle_t *handle)
{
    struct ctl_reach *r = handle->data;
    mem_free(handle);
    release(r);
}

__attribute__((format(printf, 3, 4))) static void conclude(struct ctl_reach *r, bool is_reachable,
                                                           const char *fmt, ...)
{
    char detail[1024];
    struct ctl_reach_result result = {.is_reachable = is_reachable,
                                      .latency_ms = clock_mono_ms() - r->started_ms};
    ctl_reach_fn done = r->done;
    va_list args;
    va_start(args, fmt);
    vsnprintf(detail, sizeof(detail), fmt, args);
    va_end(args);
    str_copy(result.detail, sizeof(result.detail), detail);
    r->done = NULL;
    if (r->dial)
        dial_cancel(r->dial);
    uv_close((uv_handle_t *)&r->timer, on_timer_closed);
    if (r->tcp)
        uv_close((uv_handle_t *)r->tcp, on_tcp_closed);
    done(r->arg, &result);
}

/* --- the answer --- */

static int on_head(llhttp_t *parser)
{
    /* 100 to 199 only announce the answer. */
    return parser->status_code < 200 ? 0 : HPE_PAUSED;
}

static const llhttp_settings_t settings = {.on_headers_complete = on_head};

static void read_answer(struct ctl_reach *r, const char *bytes, size_t n)
{
    llhttp_errno_t e = llhttp_execute(&r->parser, bytes, n);
    int status = r->parser.status_code;
    r->n_read += n;
    if (e == HPE_PAUSED)
        conclude(r, status == 200, "GET http://%s/livez answered %d%s", r->shown, status,
                 status == 200 ? ""
                               : ", which is not what an ldplayerd says; look who listens there");
    else if (e != HPE_OK)
        conclude(r, false, "%s answers, but not as HTTP; look who listens there", r->shown);
    else if (r->n_read >= MAX_ANSWER_BYTES)
        conclude(r, false, "%s answers without end; look who listens there", r->shown);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct ctl_reach *r = stream->data;
    if (n > 0)
        read_answer(r, buf->base, (size_t)n);
    else if (n < 0)
        conclude(r, false, "%s took the connection and ended it without an answer (%s)", r->shown,
                 uv_strerror((int)n));
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct ctl_reach *r = handle->data;
    (void)suggested;
    *buf = uv_buf_init(r->room, sizeof(r->room));
}

static void ask(struct ctl_reach *r)
{
    llhttp_init(&r->parser, HTTP_RESPONSE, &settings);
    snprintf(
        r->request, sizeof(r->request),
        "GET /livez HTTP/1.1\r\nHost: %s\r\nUser-Agent: ldplayerd\r\nConnection: close\r\n\r\n",
        r->shown);
    uv_buf_t request = uv_buf_init(r->request, (unsigned)strlen(r->request));
    /* Neither fails on a connection; when what is written does not arrive, reading says why. */
    (void)uv_read_start((uv_stream_t *)r->tcp, on_alloc, on_read);
    (void)uv_write(&r->write, (uv_stream_t *)r->tcp, &request, 1, NULL);
}

/* --- the connection --- */

static const char *advice(int error)
{
    if (error == UV_ECONNREFUSED)
        return "see whether ldplayerd runs there and listens on this address";
    return "see whether the machine is up and the network leads there";
}

static void on_dialled(void *arg, int status, uv_tcp_t *tcp)
{
    struct ctl_reach *r = arg;
    r->dial = NULL;
    if (tcp) {
        /* In place of the dial; when nobody waits any more it only has to be closed. */
        r->tcp = tcp;
        tcp->data = r;
        if (r->done)
            ask(r);
        else
            uv_close((uv_handle_t *)tcp, on_tcp_closed);
        return;
    }
    if (r->done && dial_is_name_error(status))
        conclude(r, false, "the name %s leads to no address: %s", r->address.host,
                 uv_strerror(status));
    else if (r->done)
        conclude(r, false, "no connection to %s: %s; %s", r->shown, uv_strerror(status),
                 advice(status));
    release(r);
}

/* --- begin and deadline --- */

static void on_deadline(uv_timer_t *timer)
{
    struct ctl_reach *r = container_of(timer, struct ctl_reach, timer);
    if (r->deadline_ms == 0)
        conclude(r, false, "the look at %s was ended because the service stops", r->shown);
    else if (r->dial && dial_is_resolving(r->dial))
        conclude(r, false, "the name %s was not found within %u ms", r->address.host,
                 r->deadline_ms);
    else if (r->dial)
        conclude(r, false, "no connection to %s within %u ms; %s", r->shown, r->deadline_ms,
                 advice(UV_ETIMEDOUT));
    else
        conclude(r, false, "%s took the connection and gave no answer within %u ms", r->shown,
                 r->deadline_ms);
}

static void begin(uv_timer_t *timer)
{
    struct ctl_reach *r = container_of(timer, struct ctl_reach, timer);
    uv_timer_start(timer, on_deadline, r->deadline_ms, 0);
    r->dial = dial_new(r->loop, r->address.host, r->address.port, 0, on_dialled, r);
    r->n_open++;
}

static struct ctl_reach *start(struct loop *loop, const char *address, unsigned deadline_ms,
                               ctl_reach_fn done, void *arg)
{
    struct ctl_reach *r = mem_new(struct ctl_reach);
    r->loop = loop;
    r->deadline_ms = deadline_ms;
    r->done = done;
    r->arg = arg;
    r->started_ms = clock_mono_ms();
    r->n_open = 1;
    (void)address_parse(address, &r->address); /* the caller knows that it is one */
    snprintf(r->shown, sizeof(r->shown), r->address.is_ipv6 ? "[%s]:%d" : "%s:%d", r->address.host,
             r->address.port);
    uv_timer_init(&loop->uv, &r->timer);
    uv_timer_start(&r->timer, begin, 0, 0);
    return r;
}

static void cancel(struct ctl_reach *r)
{
    r->deadline_ms = 0;
    uv_timer_start(&r->timer, on_deadline, 0, 0);
}

const struct ctl_reach_ops api_reach_ops = {.start = start, .cancel = cancel};
