/* SPDX-License-Identifier: MIT */
/* How long after its exec a server has answered its first request.
 *
 *     bench_first PORT REQUEST TAIL PROGRAM [ARG]...   ->   {"us":..,"bytes":..}
 *
 * The request is sent as soon as a connection comes about, and it is answered when the bytes that
 * came back end with TAIL. Then the program is asked to end (SIGTERM). */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/timing.h"

enum { RETRY_NS = 50000, ANSWER_MAX = 16 << 20 };

static const uint64_t patience_ns = 30000000000u;

extern char **environ;

static pid_t start(char **argv)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    errno = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
    if (errno)
        timing_fail(argv[0]);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static int try_connect(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* It stays unreaped, so that its pid is nobody else's. */
static bool has_ended(pid_t pid)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != 0;
}

/* -1 when the program never listened, or ended. */
static int wait_for_listener(unsigned port, pid_t pid, uint64_t started)
{
    const struct timespec pause = {.tv_nsec = RETRY_NS};
    while (timing_now_ns() - started < patience_ns && !has_ended(pid)) {
        int fd = try_connect(port);
        if (fd >= 0)
            return fd;
        nanosleep(&pause, NULL);
    }
    return -1;
}

static bool has_tail(const char *bytes, size_t n, const char *tail)
{
    size_t n_tail = strlen(tail);
    return n >= n_tail && memcmp(bytes + n - n_tail, tail, n_tail) == 0;
}

/* Returns the length of the answer; 0 when it did not come to its end. */
static size_t ask(int fd, const char *request, const char *tail)
{
    char *answer = malloc(ANSWER_MAX);
    size_t len = 0;
    ssize_t n = write(fd, request, strlen(request));
    while (n > 0 && !has_tail(answer, len, tail)) {
        n = read(fd, answer + len, ANSWER_MAX - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (n <= 0)
        fprintf(stderr, "bench_first: no answer but: %.*s\n", (int)len, answer);
    free(answer);
    return n > 0 ? len : 0;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "Usage: bench_first PORT REQUEST TAIL PROGRAM [ARG]...\n");
        return 2;
    }
    unsigned port = timing_read_number(argv[1], "PORT", 65535);
    uint64_t started = timing_now_ns();
    pid_t pid = start(argv + 4);
    int fd = wait_for_listener(port, pid, started);
    size_t bytes = fd >= 0 ? ask(fd, argv[2], argv[3]) : 0;
    double us = (double)(timing_now_ns() - started) / 1000;
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    if (bytes == 0) {
        fprintf(stderr, "bench_first: %s did not answer\n", argv[4]);
        return 1;
    }
    printf("{\"us\":%.1f,\"bytes\":%zu}\n", us, bytes);
    return 0;
}
