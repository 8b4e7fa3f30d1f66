/* SPDX-License-Identifier: MIT */
#include "os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const char os_exe_suffix[] = "";

static void fill_info(const struct stat *st, struct os_info *ret_info)
{
    *ret_info = (struct os_info){
        .size = (uint64_t)st->st_size,
        .changed_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .is_dir = S_ISDIR(st->st_mode),
        .read_only = (st->st_mode & 0222) == 0,
    };
}

int os_stat(const char *path, struct os_info *ret_info)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return -1;
    fill_info(&st, ret_info);
    return 0;
}

bool os_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

int os_read_file(const char *path, struct text *ret_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char chunk[16384];
    ssize_t n;

    if (fd < 0)
        return -1;
    text_add(ret_bytes, "");
    while ((n = read(fd, chunk, sizeof(chunk))) > 0)
        text_add_bytes(ret_bytes, chunk, (size_t)n);
    close(fd);
    return n < 0 ? -1 : 0;
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

int os_write_file(const char *path, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int r;

    if (fd < 0)
        return -1;
    r = write_all(fd, bytes, len);
    return close(fd) < 0 ? -1 : r;
}

int os_replace_file(const char *path, const void *bytes, size_t len)
{
    char *fresh = mem_printf("%s.%ld.tmp", path, (long)getpid());

    if (os_write_file(fresh, bytes, len) == 0 && rename(fresh, path) == 0)
        return 0;
    unlink(fresh);
    return -1;
}

int os_append_file(const char *path, const void *bytes, size_t len, uint64_t max_bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    struct stat st;
    int r = -1;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && (uint64_t)st.st_size < max_bytes)
        r = write(fd, bytes, len) == (ssize_t)len ? 0 : -1;
    close(fd);
    return r;
}

intptr_t os_open_file(const char *path)
{
    return open(path, O_WRONLY | O_CLOEXEC);
}

void os_touch_file(intptr_t file)
{
    (void)futimens((int)file, NULL);
}

int os_copy_file(const char *from, const char *to)
{
    struct text bytes = {0};
    struct stat st;
    int fd;
    int r;

    if (stat(from, &st) < 0 || os_read_file(from, &bytes) < 0)
        return -1;
    fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, st.st_mode & 0777);
    if (fd < 0)
        return -1;
    r = write_all(fd, bytes.data, bytes.len);
    return close(fd) < 0 ? -1 : r;
}

int os_rename(const char *from, const char *to)
{
    return rename(from, to);
}

char *os_real_path(const char *path)
{
    char *real = realpath(path, NULL);
    char *ret = real ? mem_text(real) : NULL;

    free(real);
    return ret;
}

char *os_native_path(const char *path)
{
    return mem_text(path);
}

int os_make_dirs(const char *path)
{
    char *copy = mem_text(path);

    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(copy, 0755);
        *slash = '/';
    }
    return mkdir(copy, 0755) == 0 || errno == EEXIST ? 0 : -1;
}

int os_remove_file(const char *path)
{
    return unlink(path);
}

static void remove_entry(void *arg, const char *name, const struct os_info *info)
{
    char *path = mem_printf("%s/%s", (const char *)arg, name);

    if (info && info->is_dir)
        os_remove_tree(path);
    else
        unlink(path);
}

void os_remove_tree(const char *path)
{
    char *copy = mem_text(path);

    os_list_dir(path, true, remove_entry, copy);
    rmdir(path);
}

void os_set_read_only(const char *path, bool read_only)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return;
    chmod(path, read_only ? st.st_mode & 0555 : (st.st_mode & 0777) | 0200);
}

int os_list_dir(const char *path, bool with_info,
                void (*each)(void *arg, const char *name, const struct os_info *info), void *arg)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    if (!dir)
        return -1;
    while ((entry = readdir(dir))) {
        struct os_info info;
        struct stat st;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!with_info) {
            each(arg, entry->d_name, NULL);
        } else if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            fill_info(&st, &info);
            each(arg, entry->d_name, &info);
        }
    }
    closedir(dir);
    return 0;
}

intptr_t os_lock(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    if (fd < 0)
        return -1;
    while (flock(fd, LOCK_EX) < 0) {
        if (errno == EINTR)
            continue;
        close(fd);
        return -1;
    }
    return fd;
}

void os_unlock(intptr_t lock)
{
    if (lock >= 0)
        close((int)lock);
}

void os_write_stdout(const void *bytes, size_t len)
{
    /* A reader that went away is the caller's business, as it is for the real program. */
    (void)write_all(STDOUT_FILENO, bytes, len);
}

void os_write_stderr(const void *bytes, size_t len)
{
    (void)write_all(STDERR_FILENO, bytes, len);
}
