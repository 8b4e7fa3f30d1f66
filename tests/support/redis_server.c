/* SPDX-License-Identifier: MIT */
#include "tests/support/redis_server.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hiredis.h>

#include "base/memory/buf.h"
#include "base/memory/mem.h"
#include "tests/support/folder.h"

enum { MAX_ARGUMENTS = 32, MAX_TRIES = 5 };

struct redis_server {
    char *folder;
    char port[8];
    const char *arguments[MAX_ARGUMENTS];
    pid_t pid;
    int output;
    redisContext *admin;
    struct buf answer;
};

__attribute__((format(printf, 1, 2))) static void give_up(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

/* Free a moment ago; who takes it meanwhile makes the server end, and the next one is tried. */
static void pick_port(struct redis_server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        give_up("no free port: %m");
    snprintf(s->port, sizeof(s->port), "%u", ntohs(address.sin_port));
    close(fd);
}

static void run_child(const struct redis_server *s, int output)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execvp("redis-server", (char *const *)s->arguments);
    fprintf(stderr, "redis-server: %m\n");
    _exit(127);
}

/* Reads what it prints up to the line that says so. Returns 0, or -1 when it ended. */
static int wait_until_ready(struct redis_server *s, struct buf *printed)
{
    for (;;) {
        char *room = buf_reserve(printed, 1024);
        ssize_t n = read(s->output, room, 1024);
        if (n <= 0)
            return -1;
        printed->len += (size_t)n;
        printed->data[printed->len] = '\0';
        if (strstr(printed->data, "Ready to accept connections"))
            return 0;
    }
}

static void end_process(struct redis_server *s)
{
    if (s->pid <= 0)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
    close(s->output);
    redisFree(s->admin);
    s->admin = NULL;
}

static int launch(struct redis_server *s, struct buf *printed)
{
    int fds[2];
    if (pipe(fds) < 0)
        give_up("pipe: %m");
    s->pid = fork();
    if (s->pid == 0)
        run_child(s, fds[1]);
    close(fds[1]);
    s->output = fds[0];
    if (s->pid > 0 && wait_until_ready(s, printed) == 0)
        return 0;
    end_process(s);
    return -1;
}

struct redis_server *redis_server_start(const char *const *extra)
{
    static const char *const usual[] = {"redis-server", "--bind", "127.0.0.1",   "--save", "",
                                        "--appendonly", "no",     "--daemonize", "no"};
    struct redis_server *s = mem_new(struct redis_server);
    struct buf printed = {0};
    size_t n = sizeof(usual) / sizeof(usual[0]);
    s->folder = folder_make();
    memcpy(s->arguments, usual, sizeof(usual));
    s->arguments[n++] = "--dir";
    s->arguments[n++] = s->folder;
    s->arguments[n++] = "--port";
    s->arguments[n++] = s->port;
    for (; extra && *extra; extra++)
        s->arguments[n++] = *extra;
    for (int i = 0; i < MAX_TRIES; i++) {
        pick_port(s);
        if (launch(s, &printed) == 0) {
            buf_deinit(&printed);
            return s;
        }
    }
    give_up("redis-server does not start (package redis-server):\n%s", printed.data);
    return NULL;
}

void redis_server_stop(struct redis_server *s)
{
    end_process(s);
    folder_remove(s->folder);
    buf_deinit(&s->answer);
    mem_free(s);
}

int redis_server_port(const struct redis_server *s)
{
    return atoi(s->port);
}

void redis_server_kill(struct redis_server *s)
{
    end_process(s);
}

void redis_server_restart(struct redis_server *s)
{
    struct buf printed = {0};
    end_process(s);
    if (launch(s, &printed) < 0)
        give_up("redis-server does not start again:\n%s", printed.data);
    buf_deinit(&printed);
}

/* Returns when the state has changed: a signal alone may take a while. */
static void signal_and_wait(struct redis_server *s, int number, int options)
{
    int status;
    kill(s->pid, number);
    if (waitpid(s->pid, &status, options) != s->pid)
        give_up("waitpid: %m");
}

void redis_server_pause(struct redis_server *s)
{
    signal_and_wait(s, SIGSTOP, WUNTRACED);
}

void redis_server_resume(struct redis_server *s)
{
    signal_and_wait(s, SIGCONT, WCONTINUED);
}

static void append_reply(struct buf *out, const redisReply *reply)
{
    switch (reply->type) {
    case REDIS_REPLY_INTEGER:
        (void)buf_printf(out, "%lld", reply->integer);
        break;
    case REDIS_REPLY_NIL:
        (void)buf_append_str(out, "(nil)");
        break;
    case REDIS_REPLY_ARRAY:
        for (size_t i = 0; i < reply->elements; i++) {
            (void)buf_append_str(out, i > 0 ? " " : "");
            append_reply(out, reply->element[i]);
        }
        break;
    default:
        (void)buf_append(out, reply->str, reply->len);
    }
}

const char *redis_server_ask(struct redis_server *s, const char *command)
{
    if (!s->admin)
        s->admin = redisConnect("127.0.0.1", redis_server_port(s));
    redisReply *reply = redisCommand(s->admin, command);
    if (!reply)
        give_up("%s: %s", command, s->admin->errstr);
    buf_clear(&s->answer);
    (void)buf_append_str(&s->answer, "");
    append_reply(&s->answer, reply);
    freeReplyObject(reply);
    return s->answer.data;
}
