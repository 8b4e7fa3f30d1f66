/* SPDX-License-Identifier: MIT */
#include "service/process/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"

struct svc_lock {
    int fd;
};

static int64_t read_pid(int fd)
{
    char text[32];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return strtoll(text, NULL, 10);
}

static int write_pid(int fd)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
        return uv_translate_sys_error(errno);
    return 0;
}

static int lock_file(int fd, int64_t *reterr_pid)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return write_pid(fd);
    if (errno != EWOULDBLOCK)
        return uv_translate_sys_error(errno);
    *reterr_pid = read_pid(fd);
    return UV_EBUSY;
}

int svc_lock_take(const char *data_dir, struct svc_lock **ret, int64_t *reterr_pid)
{
    char *path cleanup(mem_freep) = fs_join(data_dir, "ldplayerd.lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    int r = lock_file(fd, reterr_pid);
    if (r < 0) {
        close(fd);
        return r;
    }
    *ret = mem_new(struct svc_lock);
    (*ret)->fd = fd;
    return 0;
}

void svc_lock_release(struct svc_lock *lock)
{
    if (!lock)
        return;
    close(lock->fd);
    mem_free(lock);
}
