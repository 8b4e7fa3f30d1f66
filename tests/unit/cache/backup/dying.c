/* SPDX-License-Identifier: MIT */
#include "tests/unit/cache/backup/dying.h"

#include <criterion/criterion.h>

#include <sys/wait.h>
#include <unistd.h>

#include <uv.h>

#include "base/system/fs.h"

static int calls_left = -1;

static void live_on(void)
{
    if (calls_left >= 0 && calls_left-- == 0)
        _exit(9);
}

int __real_fs_rename(const char *from, const char *to);
int __wrap_fs_rename(const char *from, const char *to);
int __real_fs_remove(const char *path);
int __wrap_fs_remove(const char *path);
int __real_fs_flush(const char *path);
int __wrap_fs_flush(const char *path);

int failing_rename = -1, vanishing_at = -1;

int __wrap_fs_rename(const char *from, const char *to)
{
    live_on();
    if (failing_rename >= 0 && failing_rename-- == 0)
        return UV_EACCES;
    return __real_fs_rename(from, to);
}

int __wrap_fs_remove(const char *path)
{
    live_on();
    return __real_fs_remove(path);
}

int __wrap_fs_flush(const char *path)
{
    live_on();
    if (vanishing_at >= 0 && vanishing_at-- == 0)
        (void)__real_fs_remove(path);
    return __real_fs_flush(path);
}

bool run_and_die_at(int n, void (*run)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        calls_left = n;
        run();
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9));
    return WEXITSTATUS(status) == 0;
}
