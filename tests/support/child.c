/* SPDX-License-Identifier: MIT */

/* A program to be run by tests. Its arguments are actions, done one after the other:
 *
 *     print TEXT    writes TEXT to stdout as it is      error TEXT   the same to stderr
 *     line TEXT     the same with a line end            flood BYTES  that many bytes to stdout
 *     sleep MS      waits                               hang         waits for ever
 *     hold MS       leaves a process behind that keeps stdout open for that long
 *     args ...      prints each argument that follows in a line of its own
 *     crash         dies of a signal                    exit CODE    ends at once
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

static void write_all(FILE *to, const char *text)
{
    fwrite(text, 1, strlen(text), to);
    fflush(to);
}

static void flood(long long n)
{
    static char chunk[65536];
    memset(chunk, 'x', sizeof(chunk));
    while (n > 0) {
        size_t part = n < (long long)sizeof(chunk) ? (size_t)n : sizeof(chunk);
        if (fwrite(chunk, 1, part, stdout) != part)
            exit(1);
        n -= (long long)part;
    }
    fflush(stdout);
}

static void hold(const char *program, const char *ms)
{
    uv_process_t process;
    char *args[] = {(char *)program, (char *)"sleep", (char *)ms, NULL};
    uv_stdio_container_t stdio[] = {{.flags = UV_IGNORE},
                                    {.flags = UV_INHERIT_FD, .data.fd = 1},
                                    {.flags = UV_INHERIT_FD, .data.fd = 2}};
    uv_process_options_t options = {
        .file = program,
        .args = args,
        .flags = UV_PROCESS_DETACHED,
        .stdio = stdio,
        .stdio_count = 3,
    };
    int r = uv_spawn(uv_default_loop(), &process, &options);
    if (r < 0) {
        fprintf(stderr, "hold: %s\n", uv_strerror(r));
        exit(1);
    }
}

static void act(const char *program, const char *action, const char *value)
{
    if (strcmp(action, "print") == 0) {
        write_all(stdout, value);
    } else if (strcmp(action, "line") == 0) {
        write_all(stdout, value);
        write_all(stdout, "\n");
    } else if (strcmp(action, "error") == 0) {
        write_all(stderr, value);
    } else if (strcmp(action, "flood") == 0) {
        flood(atoll(value));
    } else if (strcmp(action, "sleep") == 0) {
        uv_sleep((unsigned)atoi(value));
    } else if (strcmp(action, "hold") == 0) {
        hold(program, value);
    } else if (strcmp(action, "exit") == 0) {
        exit(atoi(value));
    } else {
        fprintf(stderr, "child: no such action: %s\n", action);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    char program[4096];
    size_t n = sizeof(program);
    uv_exepath(program, &n);
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "args") == 0) {
            while (++i < argc)
                printf("%s\n", argv[i]);
        } else if (strcmp(argv[i], "hang") == 0) {
            for (;;)
                uv_sleep(1000);
        } else if (strcmp(argv[i], "crash") == 0) {
            abort();
        } else {
            act(program, argv[i], i + 1 < argc ? argv[i + 1] : "");
        }
    }
    return 0;
}
