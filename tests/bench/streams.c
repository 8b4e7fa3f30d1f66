/* SPDX-License-Identifier: MIT */
/* Readers of an event stream, and who causes the events.
 *
 *     bench_streams PORT TOKEN STREAMS CHANGES RATE SERVER_PID
 *         ->   {"events":..,"bytes":..,"cpu_us":..,"p99_us":..,"rate":..}
 *
 * Opens so many streams, then changes the labels of the workstation so many times, at most RATE a
 * second and one after the other, each of which is one event on every stream. `bytes` are those of
 * an event on one stream, `cpu_us` is what the server took from the first change until the last
 * reader had the last event, and `p99_us` is of the times from when a change was due until the last
 * reader had its event. */
#include <errno.h>
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

enum { PATIENCE_MS = 20000, MAX_READY = 256 };

/* What each event of a change of labels has once, on whichever read it comes, and no other event.
 */
static const char token[] = ",\"to\":{\"n\":\"";

struct stream {
    int fd;
    bool is_open;      /* its head was answered */
    unsigned n_token;  /* of TOKEN, that was just read */
    unsigned n_events; /* that it has been given */
};

struct bench {
    unsigned port, n_streams, n_changes, rate, pid;
    const char *api_token;
    struct stream *streams;
    int changer, epoll;
    unsigned n_open, n_sent, n_answered;
    unsigned *n_given;  /* by event: streams that have it */
    uint64_t *due_ns;   /* by event */
    double *latency_us; /* by event, from its change to the last stream */
    unsigned n_whole;   /* events that all streams have */
    size_t n_bytes;     /* on all streams, since the first change */
};

static _Noreturn void give_up(const char *why)
{
    fprintf(stderr, "bench_streams: %s\n", why);
    exit(1);
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
    return fd;
}

static void send_all(int fd, const char *bytes, size_t n)
{
    if (write(fd, bytes, n) != (ssize_t)n)
        timing_fail("write");
}

static void open_stream(struct bench *b, struct stream *s)
{
    char request[512];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
    int n = snprintf(request, sizeof(request),
                     "GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer "
                     "%s\r\n\r\n",
                     b->port, b->api_token);
    s->fd = connect_to(b->port);
    if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, s->fd, &event) < 0)
        timing_fail("epoll");
    send_all(s->fd, request, (size_t)n);
}

/* Its time counts from when it was DUE: a server that cannot keep up is not excused. */
static void send_change(struct bench *b, uint64_t due)
{
    char request[512], body[64];
    int n_body = snprintf(body, sizeof(body), "{\"labels\":{\"n\":\"%05u\"}}", b->n_sent);
    int n = snprintf(request, sizeof(request),
                     "PATCH /api/workstations/local HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                     "Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
                     "Content-Length: %d\r\n\r\n%s",
                     b->port, b->api_token, n_body, body);
    b->due_ns[b->n_sent++] = due;
    send_all(b->changer, request, (size_t)n);
}

static void on_event(struct bench *b, struct stream *s)
{
    unsigned event = s->n_events++;
    if (event >= b->n_sent)
        give_up("an event that nobody caused");
    if (++b->n_given[event] < b->n_streams)
        return;
    b->latency_us[event] = (double)(timing_now_ns() - b->due_ns[event]) / 1000;
    b->n_whole++;
}

static void take_bytes(struct bench *b, struct stream *s, const char *bytes, size_t n)
{
    if (!s->is_open) {
        if (n < 12 || memcmp(bytes, "HTTP/1.1 200", 12) != 0)
            give_up("a stream was refused");
        s->is_open = true;
        b->n_open++;
    }
    if (b->n_sent > 0)
        b->n_bytes += n;
    for (size_t i = 0; i < n; i++) {
        /* Only its first byte is a comma, so a byte that does not fit can but begin anew. */
        s->n_token = bytes[i] == token[s->n_token] ? s->n_token + 1 : bytes[i] == token[0];
        if (s->n_token < sizeof(token) - 1)
            continue;
        s->n_token = 0;
        on_event(b, s);
    }
}

static void on_changed(struct bench *b, const char *bytes, size_t n)
{
    /* What is left of a long answer comes before the next change. */
    if (n < 12 || memcmp(bytes, "HTTP/1.1 ", 9) != 0)
        return;
    if (memcmp(bytes + 9, "200", 3) != 0)
        give_up("a change was refused");
    b->n_answered++;
}

static void poll_once(struct bench *b, int timeout_ms)
{
    static char bytes[65536];
    struct epoll_event ready[MAX_READY];
    int n = epoll_wait(b->epoll, ready, MAX_READY, timeout_ms);
    for (int i = 0; i < n; i++) {
        struct stream *s = ready[i].data.ptr;
        ssize_t n_read = read(s ? s->fd : b->changer, bytes, sizeof(bytes));
        if (n_read <= 0)
            give_up("a connection ended");
        if (s)
            take_bytes(b, s, bytes, (size_t)n_read);
        else
            on_changed(b, bytes, (size_t)n_read);
    }
}

static void poll_until(struct bench *b, const unsigned *count, unsigned wanted, const char *what)
{
    uint64_t end = timing_now_ns() + PATIENCE_MS * 1000000ull;
    while (*count < wanted) {
        poll_once(b, 1000);
        if (timing_now_ns() > end)
            give_up(what);
    }
}

static void change_all(struct bench *b)
{
    uint64_t started = timing_now_ns(), pause = 1000000000u / b->rate;
    while (b->n_sent < b->n_changes) {
        uint64_t due = started + b->n_sent * pause, now = timing_now_ns();
        if (now >= due && b->n_answered == b->n_sent)
            send_change(b, due);
        else
            poll_once(b, now < due ? (int)((due - now) / 1000000) : 1);
        if (now > due + PATIENCE_MS * 1000000ull)
            give_up("a change is not answered");
    }
    poll_until(b, &b->n_whole, b->n_changes, "an event does not come");
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* User and system time of the server, in microseconds. */
static double server_cpu_us(const struct bench *b)
{
    char path[64], line[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof(path), "/proc/%u/stat", b->pid);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(line, sizeof(line), file) ||
        sscanf(strrchr(line, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2)
        timing_fail(path);
    fclose(file);
    return (double)(user + system) * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

static void allow_files(unsigned wanted)
{
    struct rlimit limit = {wanted, wanted};
    struct rlimit now;
    getrlimit(RLIMIT_NOFILE, &now);
    if (now.rlim_cur < wanted && setrlimit(RLIMIT_NOFILE, &limit) < 0)
        timing_fail("open files");
}

int main(int argc, char **argv)
{
    struct bench b = {.n_open = 0};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (argc != 7) {
        fprintf(stderr, "Usage: bench_streams PORT TOKEN STREAMS CHANGES RATE SERVER_PID\n");
        return 2;
    }
    b.port = timing_read_number(argv[1], "PORT", 65535);
    b.api_token = argv[2];
    b.n_streams = timing_read_number(argv[3], "STREAMS", 20000);
    b.n_changes = timing_read_number(argv[4], "CHANGES", 99999);
    b.rate = timing_read_number(argv[5], "RATE", 10000);
    b.pid = timing_read_number(argv[6], "SERVER_PID", 1u << 22);
    b.streams = calloc(b.n_streams, sizeof(*b.streams));
    b.n_given = calloc(b.n_changes, sizeof(*b.n_given));
    b.due_ns = calloc(b.n_changes, sizeof(*b.due_ns));
    b.latency_us = calloc(b.n_changes, sizeof(*b.latency_us));

    allow_files(b.n_streams + 16);
    b.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < b.n_streams; i++)
        open_stream(&b, &b.streams[i]);
    b.changer = connect_to(b.port);
    if (epoll_ctl(b.epoll, EPOLL_CTL_ADD, b.changer, &event) < 0)
        timing_fail("epoll");
    poll_until(&b, &b.n_open, b.n_streams, "a stream is not answered");

    double cpu_us = server_cpu_us(&b);
    change_all(&b);
    cpu_us = server_cpu_us(&b) - cpu_us;
    double seconds = (double)(timing_now_ns() - b.due_ns[0]) / 1e9;
    qsort(b.latency_us, b.n_changes, sizeof(*b.latency_us), compare);
    printf("{\"events\":%u,\"bytes\":%zu,\"cpu_us\":%.0f,\"p99_us\":%.1f,\"rate\":%.1f}\n",
           b.n_changes * b.n_streams, b.n_bytes / b.n_streams / b.n_changes, cpu_us,
           b.latency_us[(b.n_changes - 1) * 99 / 100], b.n_changes / seconds);
    return 0;
}
