/* SPDX-License-Identifier: MIT */
/* The least that a server can do: an epoll loop that looks for the blank line behind a request and
 * writes bytes that it was given. It knows three requests by their first letters.
 *
 *     bench_floor PORT ANSWER_FILE EVENT_BYTES     ends when it is asked to
 *
 *     GET /api/events   makes the connection a stream
 *     GET ...           is answered with the bytes of the file
 *     PATCH ...         has so many bytes written to every stream, one write each, and is answered
 * then
 */
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

enum { MAX_READY = 256, REQUEST_MAX = 4096, ANSWER_MAX = 16 << 20, EVENT_MAX = 65536 };

struct conn {
    int fd;
    size_t n_read;
    const char *left; /* of the answer, that the socket has not taken yet */
    size_t n_left;
    char request[REQUEST_MAX];
};

static const char patched[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
static const char streaming[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

static int epoll_fd;
static char *answer;
static size_t answer_len;
static char event[EVENT_MAX];
static size_t event_len;
static struct conn **streams;
static size_t n_streams;

static void watch(struct conn *c, int how, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = c};
    if (epoll_ctl(epoll_fd, how, c->fd, &e) < 0)
        timing_fail("epoll");
}

static void end(struct conn *c)
{
    for (size_t i = 0; i < n_streams; i++)
        if (streams[i] == c)
            streams[i] = streams[--n_streams];
    close(c->fd);
    free(c);
}

/* Writes what the socket takes. Returns whether that was all. */
static bool write_left(struct conn *c)
{
    ssize_t n = write(c->fd, c->left, c->n_left);
    if (n < 0 && errno != EAGAIN)
        n = (ssize_t)c->n_left; /* the client has gone: the next read ends the connection */
    c->left += n > 0 ? n : 0;
    c->n_left -= n > 0 ? (size_t)n : 0;
    return c->n_left == 0;
}

static void send_to(struct conn *c, const char *bytes, size_t n)
{
    c->left = bytes;
    c->n_left = n;
    if (!write_left(c))
        watch(c, EPOLL_CTL_MOD, EPOLLOUT);
}

static void fan_out(void)
{
    for (size_t i = 0; i < n_streams; i++)
        if (write(streams[i]->fd, event, event_len) != (ssize_t)event_len && errno != EPIPE)
            timing_fail("a stream that is behind");
}

static void on_request(struct conn *c)
{
    c->n_read = 0;
    if (c->request[0] == 'P') {
        fan_out();
        send_to(c, patched, sizeof(patched) - 1);
    } else if (memcmp(c->request, "GET /api/events", 15) == 0) {
        streams = realloc(streams, (n_streams + 1) * sizeof(struct conn *));
        streams[n_streams++] = c;
        send_to(c, streaming, sizeof(streaming) - 1);
    } else {
        send_to(c, answer, answer_len);
    }
}

static void on_ready(struct conn *c, uint32_t events)
{
    if (events & EPOLLOUT) {
        if (write_left(c))
            watch(c, EPOLL_CTL_MOD, EPOLLIN);
        return;
    }
    ssize_t n = read(c->fd, c->request + c->n_read, REQUEST_MAX - c->n_read);
    if (n <= 0) {
        end(c);
        return;
    }
    c->n_read += (size_t)n;
    if (memmem(c->request, c->n_read, "\r\n\r\n", 4))
        on_request(c);
}

static void accept_all(int listener)
{
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct conn *c = calloc(1, sizeof(*c));
        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        watch(c, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static int listen_on(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, 1024) < 0)
        timing_fail("listen");
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
        timing_fail("epoll");
    return fd;
}

static void read_answer(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        timing_fail(path);
    answer = malloc(ANSWER_MAX);
    answer_len = fread(answer, 1, ANSWER_MAX, file);
    fclose(file);
}

int main(int argc, char **argv)
{
    struct epoll_event ready[MAX_READY];
    if (argc != 4) {
        fprintf(stderr, "Usage: bench_floor PORT ANSWER_FILE EVENT_BYTES\n");
        return 2;
    }
    read_answer(argv[2]);
    event_len = timing_read_number(argv[3], "EVENT_BYTES", EVENT_MAX);
    memset(event, 'x', event_len);
    memcpy(event, ",\"to\":{\"n\":\"", 12); /* what streams.c looks for */
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on(timing_read_number(argv[1], "PORT", 65535));
    for (;;) {
        int n = epoll_pwait(epoll_fd, ready, MAX_READY, -1, NULL);
        for (int i = 0; i < n; i++) {
            if (ready[i].data.ptr)
                on_ready(ready[i].data.ptr, ready[i].events);
            else
                accept_all(listener);
        }
    }
}
