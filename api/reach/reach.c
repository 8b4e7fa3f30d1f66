/* SPDX-License-Identifier: MIT */
/*     BEGINNING -> (RESOLVING) -> CONNECTING -> ASKING -> told -> closing -> freed
 *                                    ^   |
 *                                    `---' the next of the name's addresses
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

#include "base/loop/loop.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/address.h"
#include "base/text/str.h"

enum { MAX_ANSWER_BYTES = 16384, READ_SIZE = 4096 };

enum state { BEGINNING, RESOLVING, CONNECTING, ASKING };

struct ctl_reach {
    struct loop *loop;
    struct address address;
    char shown[ADDRESS_HOST_SIZE + 10]; /* HOST:PORT, for Host and for people */
    enum state state;
    uint64_t started_ms;
    unsigned deadline_ms;
    ctl_reach_fn done; /* NULL once told */
    void *arg;
    uv_timer_t timer;
    unsigned n_open; /* handles, and the request for the name */

    uv_getaddrinfo_t resolve;
    struct addrinfo *found, *next; /* of the name */
    struct sockaddr_storage to;
    uv_tcp_t tcp;
    bool has_tcp;
    uv_connect_t connect;
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
    uv_freeaddrinfo(r->found);
    mem_free(r);
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(container_of((uv_timer_t *)handle, struct ctl_reach, timer));
}

static void on_tcp_closed(uv_handle_t *handle)
{
    release(container_of((uv_tcp_t *)handle, struct ctl_reach, tcp));
}

static void close_tcp(struct ctl_reach *r, uv_close_cb on_closed)
{
    if (!r->has_tcp)
        return;
    r->has_tcp = false;
    uv_close((uv_handle_t *)&r->tcp, on_closed);
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
    if (r->state == RESOLVING)
        (void)uv_cancel((uv_req_t *)&r->resolve);
    uv_close((uv_handle_t *)&r->timer, on_timer_closed);
    close_tcp(r, on_tcp_closed);
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
    struct ctl_reach *r = container_of((uv_tcp_t *)stream, struct ctl_reach, tcp);
    if (n > 0)
        read_answer(r, buf->base, (size_t)n);
    else if (n < 0)
        conclude(r, false, "%s took the connection and ended it without an answer (%s)", r->shown,
                 uv_strerror((int)n));
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct ctl_reach *r = container_of((uv_tcp_t *)handle, struct ctl_reach, tcp);
    (void)suggested;
    *buf = uv_buf_init(r->room, sizeof(r->room));
}

static void ask(struct ctl_reach *r)
{
    r->state = ASKING;
    llhttp_init(&r->parser, HTTP_RESPONSE, &settings);
    snprintf(
        r->request, sizeof(r->request),
        "GET /livez HTTP/1.1\r\nHost: %s\r\nUser-Agent: ldplayerd\r\nConnection: close\r\n\r\n",
        r->shown);
    uv_buf_t request = uv_buf_init(r->request, (unsigned)strlen(r->request));
    /* Neither fails on a connection; when what is written does not arrive, reading says why. */
    (void)uv_read_start((uv_stream_t *)&r->tcp, on_alloc, on_read);
    (void)uv_write(&r->write, (uv_stream_t *)&r->tcp, &request, 1, NULL);
}

/* --- the connection --- */

static void try_next(struct ctl_reach *r, int error);

static void on_refused_closed(uv_handle_t *handle)
{
    struct ctl_reach *r = container_of((uv_tcp_t *)handle, struct ctl_reach, tcp);
    if (r->done)
        try_next(r, (int)(intptr_t)r->connect.data);
    release(r);
}

static void on_connected(uv_connect_t *req, int status)
{
    struct ctl_reach *r = container_of(req, struct ctl_reach, connect);
    if (!r->done)
        return;
    if (status == 0) {
        ask(r);
    } else {
        req->data = (void *)(intptr_t)status;
        close_tcp(r, on_refused_closed);
    }
}

static const char *advice(int error)
{
    if (error == UV_ECONNREFUSED)
        return "see whether ldplayerd runs there and listens on this address";
    return "see whether the machine is up and the network leads there";
}

static void connect_to(struct ctl_reach *r)
{
    r->state = CONNECTING;
    r->has_tcp = true;
    r->n_open++;
    uv_tcp_init(&r->loop->uv, &r->tcp);
    int e = uv_tcp_connect(&r->connect, &r->tcp, (const struct sockaddr *)&r->to, on_connected);
    if (e < 0) {
        r->connect.data = (void *)(intptr_t)e;
        close_tcp(r, on_refused_closed);
    }
}

/* ERROR: why the address before was none. */
static void try_next(struct ctl_reach *r, int error)
{
    if (!r->next) {
        conclude(r, false, "no connection to %s: %s; %s", r->shown, uv_strerror(error),
                 advice(error));
        return;
    }
    memcpy(&r->to, r->next->ai_addr, r->next->ai_addrlen);
    r->next = r->next->ai_next;
    connect_to(r);
}

/* --- the name --- */

static void name_is_none(struct ctl_reach *r, int error)
{
    conclude(r, false, "the name %s leads to no address: %s", r->address.host, uv_strerror(error));
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
    struct ctl_reach *r = container_of(req, struct ctl_reach, resolve);
    r->found = r->next = found;
    if (r->done) {
        r->state = CONNECTING;
        if (status < 0)
            name_is_none(r, status);
        else
            try_next(r, UV_EAI_NODATA);
    }
    release(r);
}

static bool is_number(struct ctl_reach *r)
{
    const struct address *a = &r->address;
    if (a->is_ipv6)
        return uv_ip6_addr(a->host, a->port, (struct sockaddr_in6 *)&r->to) == 0;
    return uv_ip4_addr(a->host, a->port, (struct sockaddr_in *)&r->to) == 0;
}

static void resolve(struct ctl_reach *r)
{
    char port[8];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    snprintf(port, sizeof(port), "%d", r->address.port);
    int e = uv_getaddrinfo(&r->loop->uv, &r->resolve, on_resolved, r->address.host, port, &hints);
    if (e < 0) {
        name_is_none(r, e);
        return;
    }
    r->state = RESOLVING;
    r->n_open++;
}

/* --- begin and deadline --- */

static void on_deadline(uv_timer_t *timer)
{
    struct ctl_reach *r = container_of(timer, struct ctl_reach, timer);
    if (r->deadline_ms == 0)
        conclude(r, false, "the look at %s was ended because the service stops", r->shown);
    else if (r->state == RESOLVING)
        conclude(r, false, "the name %s was not found within %u ms", r->address.host,
                 r->deadline_ms);
    else if (r->state == CONNECTING)
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
    if (is_number(r))
        connect_to(r);
    else
        resolve(r);
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
