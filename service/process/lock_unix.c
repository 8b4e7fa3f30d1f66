/* SPDX-License-Identifier: MIT */
#include "service/process/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"

struct svc_lock {
    int fd;
};

static void read_holder(int fd, struct svc_lock_holder *ret)
{
    char text[SVC_LOCK_TEXT_SIZE];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    svc_lock_read_text(text, ret);
}

static int write_holder(int fd, const char *what)
{
    char text[SVC_LOCK_TEXT_SIZE];
    svc_lock_write_text(what, text);
    ssize_t n = (ssize_t)strlen(text);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
        return uv_translate_sys_error(errno);
    return 0;
}

static int lock_file(int fd, const char *what, struct svc_lock_holder *reterr)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return write_holder(fd, what);
    if (errno != EWOULDBLOCK)
        return uv_translate_sys_error(errno);
    read_holder(fd, reterr);
    return UV_EBUSY;
}

int svc_lock_take(const char *data_dir, const char *what, struct svc_lock **ret,
                  struct svc_lock_holder *reterr)
{
    char *path cleanup(mem_freep) = fs_join(data_dir, "ldplayerd.lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    int r = lock_file(fd, what, reterr);
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
