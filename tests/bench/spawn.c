/* SPDX-License-Identifier: MIT */
/* Runs a program N times, one after the other, with its output read to the end: the least that
 * anything must do that wants to know what the program says.
 *
 *     bench_spawn N PROGRAM [ARG]...   ->   {"median_us":..,"bytes":..} */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/timing.h"

extern char **environ;

static pid_t start(char **argv, int output)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    errno = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
    if (errno)
        timing_fail(argv[0]);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

/* Returns how many bytes it printed. */
static size_t run(char **argv)
{
    static char bytes[65536];
    int ends[2], status;
    size_t total = 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        timing_fail("pipe");
    pid_t pid = start(argv, ends[1]);
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], bytes, sizeof(bytes))) > 0;)
        total += (size_t)n;
    close(ends[0]);
    if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "%s did not end well\n", argv[0]);
        exit(1);
    }
    return total;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "Usage: bench_spawn N PROGRAM [ARG]...\n");
        return 2;
    }
    unsigned n = timing_read_number(argv[1], "N", 1000000);
    double *us = calloc(n, sizeof(*us));
    size_t bytes = 0;
    for (unsigned i = 0; i < n; i++) {
        uint64_t started = timing_now_ns();
        bytes = run(argv + 2);
        us[i] = (double)(timing_now_ns() - started) / 1000;
    }
    printf("{\"median_us\":%.1f,\"bytes\":%zu}\n", timing_median(us, n), bytes);
    free(us);
    return 0;
}
