/* SPDX-License-Identifier: MIT */
#include "os.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* What a shell says of a file that it may not execute. */
const int os_exit_not_elevated = 126;

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t os_now_ms(void)
{
    return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t os_wall_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

void os_sleep_ms(int64_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    while (nanosleep(&left, &left) < 0)
        ;
}

static char *program_file(int64_t pid)
{
    char link[64];
    char path[PATH_MAX];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/%lld/exe", (long long)pid);
    n = readlink(link, path, sizeof(path));
    return n > 0 ? mem_text_n(path, (size_t)n) : NULL;
}

char *os_self_dir(void)
{
    char *path = program_file(getpid());
    char *slash = path ? strrchr(path, '/') : NULL;

    if (!slash)
        return mem_text(".");
    *slash = '\0';
    return path;
}

int64_t os_pid(void)
{
    return getpid();
}

/* Field 3 of /proc/PID/stat is the state, field 22 the start time.  A process that ended but was
 * not waited for (state Z) is dead for us.  The name, field 2, may hold spaces and brackets. */
uint64_t os_birth(int64_t pid)
{
    char path[64];
    char line[1024];
    unsigned long long started;
    const char *at;
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
    fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    n = read(fd, line, sizeof(line) - 1);
    close(fd);
    line[n > 0 ? n : 0] = '\0';
    at = strrchr(line, ')');
    if (!at || strlen(at) < 4 || strchr("ZX", at[2]))
        return 0;
    at += 2;
    for (int field = 3; field < 22 && at; field++)
        at = strchr(at + 1, ' ');
    if (!at || sscanf(at, " %llu", &started) != 1)
        return 0;
    return started;
}

static void set_up_files(posix_spawn_file_actions_t *files, bool keep_output)
{
    posix_spawn_file_actions_init(files);
    posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!keep_output) {
        posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    posix_spawn_file_actions_addclosefrom_np(files, 3);
    posix_spawn_file_actions_addchdir_np(files, "/");
}

int64_t os_spawn(char *const argv[], bool keep_output)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t signals;
    pid_t pid;
    int r;

    set_up_files(&files, keep_output);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);
    r = posix_spawn(&pid, argv[0], &files, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return r == 0 ? pid : -1;
}

void os_kill(int64_t pid, uint64_t birth)
{
    if (os_birth(pid) == birth)
        kill((pid_t)pid, SIGKILL);
}

void os_crash(void)
{
    const struct rlimit no_core = {0};

    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGABRT, SIG_DFL);
    abort();
}

void os_ignore_children(void)
{
    signal(SIGCHLD, SIG_IGN);
}

void os_set_variable(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

char *os_variable(const char *name)
{
    const char *value = getenv(name);

    return value ? mem_text(value) : NULL;
}

uint64_t os_random(void)
{
    uint64_t value;

    if (getrandom(&value, sizeof(value), 0) != sizeof(value))
        abort();
    return value;
}
