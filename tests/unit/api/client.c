/* SPDX-License-Identifier: MIT */
#include "tests/unit/api/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <uv.h>

static void start(struct client *c, int fd, void (*turn)(void *arg), void *arg)
{
    *c = (struct client){.fd = fd, .turn = turn, .arg = arg};
    buf_init(&c->in, 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

void client_connect_tcp(struct client *c, int port, void (*turn)(void *arg), void *arg)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0, "%s", strerror(errno));
    start(c, fd, turn, arg);
}

void client_connect_unix(struct client *c, const char *path, void (*turn)(void *arg), void *arg)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strcpy(to.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0, "%s", strerror(errno));
    start(c, fd, turn, arg);
}

void client_close(struct client *c)
{
    close(c->fd);
    buf_deinit(&c->in);
}

void client_finish(struct client *c)
{
    shutdown(c->fd, SHUT_WR);
}

static void turn_until(struct client *c, uint64_t began)
{
    cr_assert(uv_hrtime() - began < 60000000000u, "it never came; so far: %s",
              c->in.data ? c->in.data : "nothing");
    c->turn(c->arg);
}

void client_send_bytes(struct client *c, const char *bytes, size_t n)
{
    uint64_t began = uv_hrtime();
    while (n > 0) {
        ssize_t sent = send(c->fd, bytes, n, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes += sent;
            n -= (size_t)sent;
        } else if (errno != EAGAIN) {
            return; /* the server has closed; reading shows what it said */
        } else {
            turn_until(c, began);
        }
    }
}

void client_send(struct client *c, const char *text)
{
    client_send_bytes(c, text, strlen(text));
}

/* Takes what is there. */
static void receive(struct client *c)
{
    char *room = buf_reserve(&c->in, 65536);
    ssize_t n = recv(c->fd, room, 65536, 0);
    if (n > 0) {
        c->in.len += (size_t)n;
        c->in.data[c->in.len] = '\0';
    } else if (n == 0 || errno != EAGAIN) {
        c->is_eof = true;
    }
}

void client_pump(struct client *c)
{
    receive(c);
    c->turn(c->arg);
}

void client_wait_for(struct client *c, const char *text)
{
    uint64_t began = uv_hrtime();
    while (c->in.len == 0 || !memmem(c->in.data, c->in.len, text, strlen(text))) {
        cr_assert(!c->is_eof, "the end came before '%s': %s", text, c->in.len ? c->in.data : "");
        receive(c);
        turn_until(c, began);
    }
}

void client_expect_end(struct client *c)
{
    uint64_t began = uv_hrtime();
    while (!c->is_eof) {
        receive(c);
        turn_until(c, began);
    }
}

static void need(struct client *c, size_t n)
{
    uint64_t began = uv_hrtime();
    while (c->in.len < n) {
        cr_assert(!c->is_eof, "the end came early");
        receive(c);
        turn_until(c, began);
    }
}

static void read_chunks(struct client *c, struct reply *r)
{
    struct buf body;
    buf_init(&body, 0);
    for (;;) {
        client_wait_for(c, "\r\n");
        size_t n_line = (size_t)(strstr(c->in.data, "\r\n") - c->in.data) + 2;
        size_t n = strtoul(c->in.data, NULL, 16);
        need(c, n_line + n + 2);
        cr_assert_eq(buf_append(&body, c->in.data + n_line, n), 0);
        buf_consume(&c->in, n_line + n + 2);
        if (n == 0)
            break;
    }
    r->body = buf_take(&body, &r->n_body);
}

static void read_body(struct client *c, struct reply *r)
{
    char *length = reply_header(r, "Content-Length");
    if (reply_has_header(r, "Transfer-Encoding")) {
        read_chunks(c, r);
    } else if (length) {
        r->n_body = strtoul(length, NULL, 10);
        need(c, r->n_body);
        r->body = mem_strndup(c->in.data, r->n_body);
        buf_consume(&c->in, r->n_body);
    } else if (r->status >= 200 && r->status != 204 && r->status != 304) {
        client_expect_end(c);
        r->body = buf_take(&c->in, &r->n_body);
    }
    mem_free(length);
}

struct reply client_read(struct client *c, bool is_head)
{
    struct reply r = {0};
    client_wait_for(c, "\r\n\r\n");
    size_t n = (size_t)(strstr(c->in.data, "\r\n\r\n") - c->in.data);
    cr_assert_eq(strncmp(c->in.data, "HTTP/1.1 ", 9), 0, "%s", c->in.data);
    r.status = atoi(c->in.data + 9);
    r.head = mem_strndup(c->in.data, n + 2);
    buf_consume(&c->in, n + 4);
    if (!is_head && r.status >= 200)
        read_body(c, &r);
    if (!r.body)
        r.body = mem_strdup("");
    return r;
}

void reply_deinit(struct reply *r)
{
    mem_free(r->head);
    mem_free(r->body);
}

struct reply client_ask(struct client *c, const char *text, int status)
{
    client_send(c, text);
    struct reply r = client_read(c, strncmp(text, "HEAD ", 5) == 0);
    cr_assert_eq(r.status, status, "%s\n%s", r.head, r.body);
    return r;
}

void client_expect(struct client *c, const char *text, int status)
{
    struct reply r = client_ask(c, text, status);
    reply_deinit(&r);
}

char *reply_header(const struct reply *r, const char *name)
{
    for (const char *line = strstr(r->head, "\r\n"); line && line[2];
         line = strstr(line + 2, "\r\n")) {
        size_t n = strlen(name);
        if (strncasecmp(line + 2, name, n) == 0 && line[2 + n] == ':')
            return mem_strndup(line + n + 4, strcspn(line + n + 4, "\r"));
    }
    return NULL;
}

bool reply_has_header(const struct reply *r, const char *name)
{
    char *value = reply_header(r, name);
    mem_free(value);
    return value != NULL;
}

void reply_expect_header(const struct reply *r, const char *name, const char *value)
{
    char *is = reply_header(r, name);
    cr_assert_not_null(is, "no %s in %s", name, r->head);
    cr_assert_str_eq(is, value);
    mem_free(is);
}
