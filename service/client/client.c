/* SPDX-License-Identifier: MIT */
/* One call has a loop of its own: connect, see who is there, write the request, read until the
 * answer is whole, or the time is up. */
#include "service/client/client.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <llhttp.h>
#include <uv.h>

#include "base/loop/pipe_server.h"
#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/json.h"
#include "service/client/client_pipe.h"

enum { MAX_ANSWER_BYTES = 16 << 20, MAX_HEAD_BYTES = 65536, READ_SIZE = 65536 };

struct call {
    const struct svc_endpoint *endpoint;
    const struct svc_client_request *request;
    struct loop loop;
    uv_timer_t timer;
    uv_pipe_t pipe;
    uv_write_t write;
    struct buf out; /* the request, until it is written */
    llhttp_t parser;
    struct buf body;
    size_t n_read;
    bool is_over;
    int status; /* 0 once the answer is whole */
    struct svc_client_error *reterr;
    char room[READ_SIZE];
};

static void end(struct call *c)
{
    if (c->is_over)
        return;
    c->is_over = true;
    uv_close((uv_handle_t *)&c->timer, NULL);
    uv_close((uv_handle_t *)&c->pipe, NULL);
}

__attribute__((format(printf, 3, 4))) static void fail(struct call *c, int status, const char *fmt,
                                                       ...)
{
    va_list args;
    if (c->is_over)
        return;
    va_start(args, fmt);
    vsnprintf(c->reterr->text, sizeof(c->reterr->text), fmt, args);
    va_end(args);
    c->status = status;
    end(c);
}

/* --- the answer --- */

static int on_body(llhttp_t *parser, const char *bytes, size_t n)
{
    struct call *c = parser->data;
    return buf_append(&c->body, bytes, n) == 0 ? 0 : HPE_USER;
}

/* 100 to 199 only announce the answer. */
static int on_complete(llhttp_t *parser)
{
    return parser->status_code < 200 ? 0 : HPE_PAUSED;
}

static const llhttp_settings_t settings = {.on_body = on_body, .on_message_complete = on_complete};

static void read_answer(struct call *c, const char *bytes, size_t n)
{
    llhttp_errno_t e = llhttp_execute(&c->parser, bytes, n);
    c->n_read += n;
    if (e == HPE_USER || c->n_read > MAX_ANSWER_BYTES + MAX_HEAD_BYTES) {
        fail(c, UV_EFBIG, "answers with more than %d MiB", MAX_ANSWER_BYTES >> 20);
    } else if (e == HPE_PAUSED) {
        c->status = 0;
        end(c);
    } else if (e != HPE_OK) {
        fail(c, UV_EPROTO, "answers, but not as HTTP (%s)", llhttp_errno_name(e));
    }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct call *c = container_of((uv_pipe_t *)stream, struct call, pipe);
    if (n > 0)
        read_answer(c, buf->base, (size_t)n);
    else if (n < 0)
        fail(c, (int)n, "ended the connection without a whole answer (%s)", uv_strerror((int)n));
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct call *c = container_of((uv_pipe_t *)handle, struct call, pipe);
    (void)suggested;
    *buf = uv_buf_init(c->room, sizeof(c->room));
}

/* --- the request --- */

static void write_request(struct call *c)
{
    const struct svc_client_request *r = c->request;
    (void)buf_printf(&c->out,
                     "%s %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ldplayerd\r\n"
                     "Connection: close\r\n",
                     r->method, r->path);
    if (r->body)
        (void)buf_printf(&c->out, "Content-Type: application/json\r\nContent-Length: %u\r\n",
                         (unsigned)strlen(r->body));
    (void)buf_append_str(&c->out, "\r\n");
    if (r->body)
        (void)buf_append_str(&c->out, r->body);
}

static void ask(struct call *c)
{
    write_request(c);
    uv_buf_t out = uv_buf_init(c->out.data, (unsigned)c->out.len);
    llhttp_init(&c->parser, HTTP_RESPONSE, &settings);
    c->parser.data = c;
    int r = uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
    /* When what is written does not arrive, reading says why. */
    if (r == 0)
        r = uv_write(&c->write, (uv_stream_t *)&c->pipe, &out, 1, NULL);
    if (r < 0)
        fail(c, r, "cannot be written to: %s", uv_strerror(r));
}

/* A socket of the same name may be somebody else's by now. */
static bool is_who_was_meant(struct call *c)
{
    int pid = 0;
    int r = pipe_peer_pid(&c->pipe, true, &pid);
    if (r < 0)
        fail(c, r, "cannot be told from another process at %s: %s", c->endpoint->pipe,
             uv_strerror(r));
    else if (pid != c->endpoint->pid)
        fail(c, UV_EPERM, "does not serve %s; process %d does", c->endpoint->pipe, pid);
    return !c->is_over;
}

static void on_deadline(uv_timer_t *timer)
{
    struct call *c = container_of(timer, struct call, timer);
    fail(c, UV_ETIMEDOUT, "took the request and gave no answer within %u s",
         c->request->timeout_ms / 1000);
}

static void run(struct call *c)
{
    uv_timer_init(&c->loop.uv, &c->timer);
    uv_pipe_init(&c->loop.uv, &c->pipe, 0);
    uv_timer_start(&c->timer, on_deadline, c->request->timeout_ms, 0);
    int r = svc_client_pipe_connect(&c->pipe, c->endpoint->pipe, c->request->timeout_ms);
    if (r < 0)
        fail(c, r, "cannot be reached at %s: %s", c->endpoint->pipe, uv_strerror(r));
    else if (is_who_was_meant(c))
        ask(c);
    loop_run(&c->loop);
}

static const char *problem_of(const struct svc_client_answer *answer)
{
    yyjson_val *root = yyjson_doc_get_root(answer->doc);
    const char *detail = yyjson_get_str(yyjson_obj_get(root, "detail"));
    if (answer->status < 400)
        return NULL;
    return detail ? detail : "no reason was given";
}

static int read_body(struct call *c, struct svc_client_answer *ret)
{
    struct svc_client_answer answer = {.status = c->parser.status_code};
    const char *error;
    int r = c->body.len ? json_parse(c->body.data, c->body.len, &answer.doc, &error) : 0;
    if (r < 0) {
        snprintf(c->reterr->text, sizeof(c->reterr->text), "answered %d, but not with JSON (%s)",
                 answer.status, error);
        return UV_EPROTO;
    }
    answer.problem = problem_of(&answer);
    *ret = answer;
    return 0;
}

int svc_client_ask(const struct svc_endpoint *endpoint, const struct svc_client_request *request,
                   struct svc_client_answer *ret, struct svc_client_error *reterr)
{
    struct call *c cleanup(mem_freep) = mem_new(struct call);
    c->endpoint = endpoint;
    c->request = request;
    c->reterr = reterr;
    buf_init(&c->out, 0);
    buf_init(&c->body, MAX_ANSWER_BYTES);
    int r = loop_init(&c->loop);
    if (r < 0) {
        snprintf(reterr->text, sizeof(reterr->text), "cannot be asked: %s", uv_strerror(r));
        return r;
    }
    run(c);
    r = c->status == 0 ? read_body(c, ret) : c->status;
    (void)loop_deinit(&c->loop);
    buf_deinit(&c->out);
    buf_deinit(&c->body);
    return r;
}

void svc_client_answer_deinit(struct svc_client_answer *answer)
{
    yyjson_doc_free(answer->doc);
    *answer = (struct svc_client_answer){0};
}

void svc_client_append_segment(struct buf *path, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (const char *p = text; *p; p++) {
        if (strchr(plain, *p))
            (void)buf_append(path, p, 1);
        else
            (void)buf_printf(path, "%%%02X", (unsigned char)*p);
    }
}
