/* SPDX-License-Identifier: MIT */
#include "ldconsole/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "base/mem.h"

/* /proc is walked with raw calls: this runs beside every list2 and visits every process. */

/* The start of the file PID/NAME below PROC as a string; returns its length or -1. */
static ssize_t read_entry(int proc, const char *pid, const char *name, char *out, size_t size)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/%s", pid, name);
    int file = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -1;
    ssize_t n = read(file, out, size - 1);
    close(file);
    out[n > 0 ? n : 0] = '\0';
    return n;
}

/* The program's path; false when there is none any more: a zombie is no living emulator. */
static bool read_image(int proc, const char *pid, char **ret_image)
{
    char path[64], target[PATH_MAX];
    snprintf(path, sizeof(path), "%s/exe", pid);
    ssize_t n = readlinkat(proc, path, target, sizeof(target));
    if (n < 0 && errno == ENOENT)
        return false;
    *ret_image = n < 0 ? NULL : mem_strndup(target, (size_t)n);
    return true;
}

static bool inspect(int proc, const char *pid, struct ldc_process *ret)
{
    enum ldc_process_role role;
    char comm[32], line[4096];
    if (read_entry(proc, pid, "comm", comm, sizeof(comm)) <= 0)
        return false;
    comm[strcspn(comm, "\n")] = '\0';
    if (!ldc_process_is_emulator(comm, &role))
        return false;
    ssize_t n = read_entry(proc, pid, "cmdline", line, sizeof(line));
    for (ssize_t i = 0; i + 1 < n; i++) {
        if (line[i] == '\0')
            line[i] = ' ';
    }
    return ldc_process_classify(comm, n > 0 ? line : NULL, ret) &&
           read_image(proc, pid, &ret->image);
}

static int compare_pid(const void *a, const void *b)
{
    const struct ldc_process *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

int ldc_processes_scan(struct ldc_processes *ret)
{
    ldc_processes_deinit(ret);
    DIR *proc = opendir("/proc");
    if (!proc)
        return uv_translate_sys_error(errno);
    for (struct dirent *entry; (entry = readdir(proc));) {
        struct ldc_process process;
        if (!isdigit((unsigned char)entry->d_name[0]) ||
            !inspect(dirfd(proc), entry->d_name, &process))
            continue;
        process.pid = strtoll(entry->d_name, NULL, 10);
        ret->items = mem_grow(ret->items, ret->n_items, &ret->cap, sizeof(*ret->items));
        ret->items[ret->n_items++] = process;
    }
    closedir(proc);
    if (ret->n_items > 0)
        qsort(ret->items, ret->n_items, sizeof(*ret->items), compare_pid);
    return 0;
}

bool ldc_process_is_in(const struct ldc_process *process, const char *dir)
{
    size_t n = strlen(dir);
    if (!process->image)
        return false;
    while (n > 1 && dir[n - 1] == '/')
        n--;
    return strncmp(process->image, dir, n) == 0 && (process->image[n] == '/' || n == 1);
}

int ldc_process_kill(const struct ldc_process *process)
{
    char pid[24];
    struct ldc_process now;
    snprintf(pid, sizeof(pid), "%lld", (long long)process->pid);
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0)
        return uv_translate_sys_error(errno);
    bool is_there = inspect(proc, pid, &now);
    close(proc);
    if (!is_there)
        return UV_ESRCH;
    mem_free(now.image);
    if (now.role != process->role || now.index != process->index)
        return UV_ESRCH;
    return kill((pid_t)process->pid, SIGKILL) == 0 ? 0 : uv_translate_sys_error(errno);
}
