/* SPDX-License-Identifier: MIT */
/* How long the loop of ldplayerd computes at a time, without its knowing: loaded before its
 * libraries (LD_PRELOAD), this stands before epoll_pwait, by which libuv waits, and so does the
 * bare loop it is compared with. A turn is what a thread computes between two waits, by its own CPU
 * clock; the longest of any thread, in nanoseconds, is always in the file that BENCH_TURNS names,
 * whose eight bytes are there before. Whoever writes 0 there begins anew. Other programs on the way
 * to ldplayerd, and those that it starts, are left alone.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t *longest;
static _Thread_local uint64_t began;

static uint64_t thread_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

__attribute__((constructor)) static void attach(void)
{
    if (strcmp(program_invocation_short_name, "ldplayerd") != 0 &&
        strcmp(program_invocation_short_name, "bench_floor") != 0)
        return;
    const char *path = getenv("BENCH_TURNS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = fd < 0 ? MAP_FAILED
                       : mmap(NULL, sizeof(*longest), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    longest = map == MAP_FAILED ? NULL : map;
    if (fd >= 0)
        close(fd);
    unsetenv("BENCH_TURNS");
    unsetenv("LD_PRELOAD");
}

static void end_turn(void)
{
    if (!longest || began == 0)
        return;
    uint64_t ns = thread_ns() - began, before = atomic_load(longest);
    while (ns > before && !atomic_compare_exchange_weak(longest, &before, ns))
        continue;
}

static int begin_turn(int result)
{
    if (longest)
        began = thread_ns();
    return result;
}

int epoll_pwait(int fd, struct epoll_event *events, int n, int timeout, const sigset_t *signals)
{
    static int (*real)(int, struct epoll_event *, int, int, const sigset_t *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "epoll_pwait");
    end_turn();
    return begin_turn(real(fd, events, n, timeout, signals));
}
