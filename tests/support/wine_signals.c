/* SPDX-License-Identifier: MIT */

/* Keeps Wine from a deadlock of its own; tools/wine.sh preloads it. A Ctrl-C is a SIGINT, whose
 * handler makes a thread there and then, and with SIGUSR1 Wine's server has a thread do other
 * things at once. Where the interrupted thread is within malloc, or in a fork for CreateProcess,
 * the handler's own malloc waits for ever for a lock that the interrupted code holds. So both are
 * kept until that code has ended. Seen with Wine 8.0 in stops soon after a start, after 22 and
 * after 71 of them. Built by itself, for the machine's own libc (glibc, because of the names with
 * __). */
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* libc's own. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);
pid_t __fork(void);
int __sigaction(int number, const struct sigaction *action, struct sigaction *before);

typedef void handler_fn(int number, siginfo_t *info, void *context);

static handler_fn *handler_of[NSIG];
/* Of this model, because the general one may use malloc. */
#define THREAD_LOCAL static __thread __attribute__((tls_model("initial-exec")))
THREAD_LOCAL volatile sig_atomic_t depth, is_int_kept, is_usr1_kept;

static void on_signal(int number, siginfo_t *info, void *context)
{
    if (depth == 0)
        handler_of[number](number, info, context);
    else if (number == SIGINT)
        is_int_kept = 1;
    else
        is_usr1_kept = 1;
}

static void enter(void)
{
    depth++;
}

static void leave(void)
{
    if (--depth > 0)
        return;
    if (is_int_kept) {
        is_int_kept = 0;
        raise(SIGINT);
    }
    if (is_usr1_kept) {
        is_usr1_kept = 0;
        raise(SIGUSR1);
    }
}

int sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
    if ((number != SIGINT && number != SIGUSR1) || !action || !(action->sa_flags & SA_SIGINFO))
        return __sigaction(number, action, before);
    struct sigaction ours = *action;
    handler_of[number] = action->sa_sigaction;
    ours.sa_sigaction = on_signal;
    return __sigaction(number, &ours, before);
}

void *malloc(size_t size)
{
    enter();
    void *memory = __libc_malloc(size);
    leave();
    return memory;
}

void *calloc(size_t n, size_t size)
{
    enter();
    void *memory = __libc_calloc(n, size);
    leave();
    return memory;
}

void *realloc(void *memory, size_t size)
{
    enter();
    void *moved = __libc_realloc(memory, size);
    leave();
    return moved;
}

void free(void *memory)
{
    enter();
    __libc_free(memory);
    leave();
}

pid_t fork(void)
{
    enter();
    pid_t pid = __fork();
    if (pid == 0)
        is_int_kept = is_usr1_kept = 0; /* they are the parent's */
    leave();
    return pid;
}
