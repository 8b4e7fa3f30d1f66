/* SPDX-License-Identifier: MIT */
#include "service/process/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"

struct svc_lock {
    int fd;
    char *path;
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

/* Who had it before may have removed the file after it was opened here: then it locks nothing. */
static bool is_in_place(int fd, const char *path)
{
    struct stat opened, there;
    return fstat(fd, &opened) == 0 && stat(path, &there) == 0 && opened.st_dev == there.st_dev &&
           opened.st_ino == there.st_ino;
}

/* UV_EAGAIN when the file is another one meanwhile. */
static int lock_file(int fd, const char *path, const char *what, struct svc_lock_holder *reterr)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return is_in_place(fd, path) ? write_holder(fd, what) : UV_EAGAIN;
    if (errno != EWOULDBLOCK)
        return uv_translate_sys_error(errno);
    read_holder(fd, reterr);
    return UV_EBUSY;
}

static int take(const char *path, const char *what, int *ret_fd, struct svc_lock_holder *reterr)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    int r = lock_file(fd, path, what, reterr);
    if (r < 0) {
        close(fd);
        return r;
    }
    (void)fs_give(path); /* made by root it would keep the service out */
    *ret_fd = fd;
    return 0;
}

int svc_lock_take(const char *data_dir, const char *what, struct svc_lock **ret,
                  struct svc_lock_holder *reterr)
{
    char *path cleanup(mem_freep) = fs_join(data_dir, SVC_LOCK_FILE);
    int r, fd = -1;
    do
        r = take(path, what, &fd, reterr);
    while (r == UV_EAGAIN);
    if (r < 0)
        return r;
    *ret = mem_new(struct svc_lock);
    (*ret)->fd = fd;
    (*ret)->path = take_ptr(path);
    return 0;
}

void svc_lock_release(struct svc_lock *lock)
{
    if (!lock)
        return;
    close(lock->fd);
    mem_free(lock->path);
    mem_free(lock);
}

int svc_lock_remove(struct svc_lock *lock)
{
    int r = fs_remove(lock->path);
    svc_lock_release(lock);
    return r;
}
