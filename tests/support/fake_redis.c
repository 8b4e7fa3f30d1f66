/* SPDX-License-Identifier: MIT */
#include "tests/support/fake_redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis.h>

#include "base/memory/list.h"
#include "base/memory/mem.h"

enum { MAX_HEARD = 16 };

struct fake_redis {
    uv_tcp_t tcp;
    struct loop *loop;
    const struct fake_redis_answer *answers;
    struct list conns;
    unsigned n_accepted, n_open; /* open: handles */
    struct heard {
        char command[32];
        unsigned n;
    } heard[MAX_HEARD];
};

struct conn {
    struct list link;
    uv_tcp_t tcp;
    struct fake_redis *fake;
    redisReader *reader;
    char in[4096];
};

struct message {
    uv_write_t write;
    char *text;
};

static void must(int status, const char *what)
{
    if (status >= 0)
        return;
    fprintf(stderr, "fake redis, %s: %s\n", what, uv_strerror(status));
    abort();
}

static void on_handle_gone(struct fake_redis *f)
{
    if (--f->n_open == 0)
        mem_free(f);
}

static void on_conn_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;
    struct fake_redis *f = c->fake;
    redisReaderFree(c->reader);
    mem_free(c);
    on_handle_gone(f);
}

static void hang_up(struct conn *c)
{
    if (uv_is_closing((uv_handle_t *)&c->tcp))
        return;
    list_unlink(&c->link);
    uv_close((uv_handle_t *)&c->tcp, on_conn_closed);
}

static void on_written(uv_write_t *write, int status)
{
    struct message *m = (struct message *)write;
    (void)status;
    mem_free(m->text);
    mem_free(m);
}

static void say(struct conn *c, const char *text, size_t n)
{
    struct message *m = mem_new(struct message);
    m->text = mem_alloc(n + 1);
    memcpy(m->text, text, n);
    uv_buf_t bytes = uv_buf_init(m->text, (unsigned)n);
    must(uv_write(&m->write, (uv_stream_t *)&c->tcp, &bytes, 1, on_written), "write");
}

static void note(struct fake_redis *f, const char *command)
{
    struct heard *h = f->heard;
    while (h < f->heard + MAX_HEARD - 1 && h->n > 0 && strcmp(h->command, command) != 0)
        h++;
    snprintf(h->command, sizeof(h->command), "%s", command);
    h->n++;
}

static void answer(struct conn *c, const char *command)
{
    const struct fake_redis_answer *a = c->fake->answers;
    note(c->fake, command);
    while (a->command && strcmp(a->command, command) != 0)
        a++;
    if (a->answer)
        say(c, a->answer, a->n > 0 ? a->n : strlen(a->answer));
}

static void on_allocate(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
    struct conn *c = handle->data;
    (void)wanted;
    *ret = uv_buf_init(c->in, sizeof(c->in));
}

/* A request has the form of an array of strings. */
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct conn *c = stream->data;
    void *request;
    if (n < 0) {
        hang_up(c);
        return;
    }
    redisReaderFeed(c->reader, bytes->base, (size_t)n);
    while (redisReaderGetReply(c->reader, &request) == REDIS_OK && request) {
        answer(c, ((redisReply *)request)->element[0]->str);
        freeReplyObject(request);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct fake_redis *f = listener->data;
    struct conn *c = mem_new(struct conn);
    must(status, "listen");
    c->fake = f;
    c->tcp.data = c;
    c->reader = redisReaderCreate();
    must(uv_tcp_init(&f->loop->uv, &c->tcp), "socket");
    must(uv_accept(listener, (uv_stream_t *)&c->tcp), "accept");
    must(uv_read_start((uv_stream_t *)&c->tcp, on_allocate, on_read), "read");
    list_append(&f->conns, &c->link);
    f->n_open++;
    f->n_accepted++;
}

struct fake_redis *fake_redis_new(struct loop *loop, const struct fake_redis_answer *answers)
{
    struct fake_redis *f = mem_new(struct fake_redis);
    struct sockaddr_in address;
    f->loop = loop;
    f->answers = answers;
    f->n_open = 1;
    f->tcp.data = f;
    list_init(&f->conns);
    must(uv_ip4_addr("127.0.0.1", 0, &address), "address");
    must(uv_tcp_init(&loop->uv, &f->tcp), "socket");
    must(uv_tcp_bind(&f->tcp, (struct sockaddr *)&address, 0), "bind");
    must(uv_listen((uv_stream_t *)&f->tcp, 16, on_connection), "listen");
    return f;
}

int fake_redis_port(const struct fake_redis *f)
{
    struct sockaddr_in address;
    int size = sizeof(address);
    must(uv_tcp_getsockname(&f->tcp, (struct sockaddr *)&address, &size), "port");
    const unsigned char *port = (const unsigned char *)&address.sin_port;
    return port[0] << 8 | port[1];
}

unsigned fake_redis_n_accepted(const struct fake_redis *f)
{
    return f->n_accepted;
}

unsigned fake_redis_n_heard(const struct fake_redis *f, const char *command)
{
    for (const struct heard *h = f->heard; h < f->heard + MAX_HEARD; h++) {
        if (h->n > 0 && strcmp(h->command, command) == 0)
            return h->n;
    }
    return 0;
}

void fake_redis_change(struct fake_redis *f, const struct fake_redis_answer *answers)
{
    f->answers = answers;
}

void fake_redis_say(struct fake_redis *f, const char *text, size_t n)
{
    list_foreach(item, &f->conns)
        say(list_entry(item, struct conn, link), text, n);
}

void fake_redis_hang_up(struct fake_redis *f)
{
    list_foreach(item, &f->conns)
        hang_up(list_entry(item, struct conn, link));
}

static void on_listener_closed(uv_handle_t *handle)
{
    on_handle_gone(handle->data);
}

void fake_redis_close(struct fake_redis *f)
{
    fake_redis_hang_up(f);
    uv_close((uv_handle_t *)&f->tcp, on_listener_closed);
}
