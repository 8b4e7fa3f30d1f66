/* SPDX-License-Identifier: MIT */
/* An HTTP client with many connections that all ask at the same moment, as often as wanted.
 *
 *     bench_client PORT PATH TOKEN CONNECTIONS ROUNDS
 *         ->   {"median_us":..,"p99_us":..,"answers":..,"refused":..,"bytes":..}
 *
 * A round is: every connection sends the request, and all answers are read to their end. Refused
 * are answers other than 200; a connection that breaks ends the program. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/timing.h"

enum { HEAD_SIZE = 2048, PATIENCE_MS = 60000, MAX_READY = 256 };

struct conn {
    int fd;
    bool is_waiting;
    bool has_head;
    size_t head_len;
    size_t body_left;
    char head[HEAD_SIZE + 1];
};

struct client {
    struct conn *conns;
    unsigned n_conns;
    int epoll;
    unsigned n_waiting;
    unsigned long n_answers, n_refused;
    size_t bytes; /* body of the last answer */
};

static _Noreturn void give_up(const char *why)
{
    fprintf(stderr, "bench_client: %s\n", why);
    exit(1);
}

static void allow_files(unsigned wanted)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted;
    if (limit.rlim_max < wanted)
        limit.rlim_max = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        timing_fail("open files");
}

static int connect_to(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        timing_fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void open_all(struct client *c, unsigned port)
{
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < c->n_conns; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &c->conns[i]};
        c->conns[i].fd = connect_to(port);
        if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->conns[i].fd, &event) < 0)
            timing_fail("epoll");
    }
}

static void read_head(struct client *c, struct conn *conn)
{
    const char *length = strcasestr(conn->head, "\r\ncontent-length:");
    if (strncmp(conn->head, "HTTP/1.1 ", 9) != 0 || !length)
        give_up("an answer without Content-Length");
    if (strncmp(conn->head + 9, "200 ", 4) != 0)
        c->n_refused++;
    conn->has_head = true;
    conn->body_left = strtoul(length + 17, NULL, 10);
    c->bytes = conn->body_left;
}

/* Takes what belongs to the head; returns how much of it that was. */
static size_t take_head(struct client *c, struct conn *conn, const char *bytes, size_t n)
{
    size_t before = conn->head_len, room = HEAD_SIZE - before;
    size_t n_taken = n < room ? n : room;
    memcpy(conn->head + before, bytes, n_taken);
    conn->head_len += n_taken;
    conn->head[conn->head_len] = '\0';
    const char *end = strstr(conn->head, "\r\n\r\n");
    if (!end && conn->head_len == HEAD_SIZE)
        give_up("an answer with too long a head");
    if (!end)
        return n;
    read_head(c, conn);
    return (size_t)(end + 4 - conn->head) - before;
}

static void take_bytes(struct client *c, struct conn *conn, const char *bytes, size_t n)
{
    size_t used = conn->has_head ? 0 : take_head(c, conn, bytes, n);
    if (!conn->is_waiting || n - used > conn->body_left)
        give_up("bytes that nobody asked for");
    if (!conn->has_head)
        return;
    conn->body_left -= n - used;
    if (conn->body_left > 0)
        return;
    conn->is_waiting = false;
    c->n_waiting--;
    c->n_answers++;
}

static void on_ready(struct client *c, struct conn *conn)
{
    static char bytes[65536];
    ssize_t n = read(conn->fd, bytes, sizeof(bytes));
    if (n > 0)
        take_bytes(c, conn, bytes, (size_t)n);
    else if (n == 0)
        give_up("the connection was closed");
    else if (errno != EAGAIN)
        timing_fail("read");
}

static void ask_all(struct client *c, const char *request, size_t len)
{
    c->n_waiting = c->n_conns;
    for (unsigned i = 0; i < c->n_conns; i++) {
        struct conn *conn = &c->conns[i];
        conn->is_waiting = true;
        conn->has_head = false;
        conn->head_len = 0;
        if (write(conn->fd, request, len) != (ssize_t)len)
            timing_fail("write");
    }
}

static double run_round(struct client *c, const char *request, size_t len)
{
    struct epoll_event ready[MAX_READY];
    uint64_t started = timing_now_ns();
    ask_all(c, request, len);
    while (c->n_waiting > 0) {
        int n = epoll_wait(c->epoll, ready, MAX_READY, PATIENCE_MS);
        if (n <= 0)
            give_up("no answer");
        for (int i = 0; i < n; i++)
            on_ready(c, ready[i].data.ptr);
    }
    return (double)(timing_now_ns() - started) / 1000;
}

static void close_all(struct client *c)
{
    for (unsigned i = 0; i < c->n_conns; i++)
        close(c->conns[i].fd);
    close(c->epoll);
    free(c->conns);
}

int main(int argc, char **argv)
{
    char request[1024];
    struct client c = {.n_conns = 0};
    if (argc != 6) {
        fprintf(stderr, "Usage: bench_client PORT PATH TOKEN CONNECTIONS ROUNDS\n");
        return 2;
    }
    unsigned port = timing_read_number(argv[1], "PORT", 65535);
    c.n_conns = timing_read_number(argv[4], "CONNECTIONS", 20000);
    unsigned n_rounds = timing_read_number(argv[5], "ROUNDS", 1000000);
    int len = snprintf(request, sizeof(request),
                       "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n\r\n",
                       argv[2], port, argv[3]);
    c.conns = calloc(c.n_conns, sizeof(*c.conns));
    double *us = calloc(n_rounds, sizeof(*us));

    allow_files(c.n_conns + 16);
    open_all(&c, port);
    for (unsigned i = 0; i < n_rounds; i++)
        us[i] = run_round(&c, request, (size_t)len);
    double median_us = timing_median(us, n_rounds); /* and they are in order */
    printf("{\"median_us\":%.1f,\"p99_us\":%.1f,\"answers\":%lu,\"refused\":%lu,"
           "\"bytes\":%zu}\n",
           median_us, us[(n_rounds - 1) * 99 / 100], c.n_answers, c.n_refused, c.bytes);
    close_all(&c);
    free(us);
    return 0;
}
