/* SPDX-License-Identifier: MIT */
#include "ldconsole/process/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

#include "base/memory/mem.h"
#include "base/text/str.h"

/* This runs beside every list2 and visits every process, so it asks the system once for each: where
 * its program is. Only the few that are emulators cost more. */

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

/* The program's path in IMAGE, or only its name where the system hides the path of other users'
 * processes. False for a kernel thread or a zombie, which is no living emulator. */
static bool read_image(int proc, const char *pid, char *image, size_t size, bool *ret_is_path)
{
    static const char deleted[] = " (deleted)";
    char path[64];
    snprintf(path, sizeof(path), "%s/exe", pid);
    ssize_t n = readlinkat(proc, path, image, size - 1);
    *ret_is_path = n >= 0;
    if (n < 0) {
        if (errno != EACCES || read_entry(proc, pid, "comm", image, size) <= 0)
            return false;
        image[strcspn(image, "\n")] = '\0';
        return true;
    }
    image[n] = '\0';
    if (str_has_suffix(image, deleted))
        image[(size_t)n - strlen(deleted)] = '\0';
    return true;
}

/* PID/stat: its birth in ticks since the system started, and the ticks it has computed. The
 * program's name before them is in brackets and may hold any. */
static uint64_t read_birth(int proc, const char *pid, uint64_t *ret_cpu_ms)
{
    enum { USER = 14, SYSTEM = 15, BIRTH = 22, BEHIND_NAME = 3 };
    char text[1024];
    uint64_t ticks = 0;
    ssize_t n = read_entry(proc, pid, "stat", text, sizeof(text));
    const char *at = n > 0 ? strrchr(text, ')') : NULL;
    for (int field = BEHIND_NAME; at && field <= BIRTH; field++) {
        at = strchr(at + 1, ' ');
        if (at && (field == USER || field == SYSTEM))
            ticks += strtoull(at, NULL, 10);
    }
    *ret_cpu_ms = ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
    return at ? strtoull(at, NULL, 10) : 0;
}

/* The sixth number of PID/statm: pages of data and stack. */
static uint64_t read_private_bytes(int proc, const char *pid)
{
    enum { DATA = 6 };
    char text[256];
    const char *at = read_entry(proc, pid, "statm", text, sizeof(text)) > 0 ? text : NULL;
    for (int field = 1; at && field < DATA; field++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    return at ? strtoull(at, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* One that has ended, and whose parent has not asked for that yet, has an entry, too. */
bool ldc_process_lives(int64_t pid)
{
    char name[32], text[1024];
    snprintf(name, sizeof(name), "%lld", (long long)pid);
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0)
        return false;
    ssize_t n = read_entry(proc, name, "stat", text, sizeof(text));
    close(proc);
    const char *state = n > 0 ? strrchr(text, ')') : NULL;
    return state && strncmp(state, ") Z", 3) != 0 && strncmp(state, ") X", 3) != 0;
}

static uint64_t age_of(uint64_t born)
{
    struct timespec now;
    uint64_t ticks_per_s = (uint64_t)sysconf(_SC_CLK_TCK);
    if (born == 0 || clock_gettime(CLOCK_BOOTTIME, &now) < 0)
        return 0;
    uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    uint64_t born_ms = born * 1000 / ticks_per_s;
    return now_ms > born_ms ? now_ms - born_ms : 1;
}

static bool inspect(int proc, const char *pid, struct ldc_process *ret)
{
    enum ldc_process_role role;
    bool is_path;
    char image[PATH_MAX], line[4096];
    if (!read_image(proc, pid, image, sizeof(image), &is_path) ||
        !ldc_process_is_emulator(image, &role))
        return false;
    ssize_t n = read_entry(proc, pid, "cmdline", line, sizeof(line));
    for (ssize_t i = 0; i + 1 < n; i++) {
        if (line[i] == '\0')
            line[i] = ' ';
    }
    if (!ldc_process_classify(image, n > 0 ? line : NULL, ret))
        return false;
    ret->born = read_birth(proc, pid, &ret->cpu_ms);
    ret->age_ms = age_of(ret->born);
    ret->private_bytes = read_private_bytes(proc, pid);
    ret->image = is_path ? mem_strdup(image) : NULL;
    return true;
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
    if (now.role != process->role || now.index != process->index ||
        (process->born && now.born != process->born))
        return UV_ESRCH;
    return kill((pid_t)process->pid, SIGKILL) == 0 ? 0 : uv_translate_sys_error(errno);
}
