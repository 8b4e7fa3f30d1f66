/* SPDX-License-Identifier: MIT */
#include "base/system/fs.h"

#include <string.h>
#include <sys/stat.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

/* Runs one uv_fs_* call to its end and gives its result; the request is cleaned up. */
#define fs_sync(call, ...)                                                                         \
    ({                                                                                             \
        uv_fs_t req_;                                                                              \
        int r_ = call(NULL, &req_, __VA_ARGS__, NULL);                                             \
        uv_fs_req_cleanup(&req_);                                                                  \
        r_;                                                                                        \
    })

static int read_all(uv_file file, struct buf *out)
{
    for (;;) {
        size_t room = out->max ? out->max - out->len : 65536;
        room = room > 65536 ? 65536 : room;
        char probe, *into = room ? buf_reserve(out, room) : &probe;
        uv_buf_t chunk = uv_buf_init(into, room ? (unsigned)room : 1);
        int n = fs_sync(uv_fs_read, file, &chunk, 1, -1);
        if (n <= 0) {
            out->data[out->len] = '\0';
            return n;
        }
        if (!room)
            return UV_EFBIG;
        out->len += (size_t)n;
        out->data[out->len] = '\0';
    }
}

static int check_mode(int r, const uv_fs_t *req)
{
    unsigned kind = r == 0 ? (unsigned)req->statbuf.st_mode & S_IFMT : 0;
    if (r < 0 || kind == S_IFREG)
        return r;
    return kind == S_IFDIR ? UV_EISDIR : UV_EFTYPE;
}

int fs_check_file(const char *path)
{
    uv_fs_t req;
    int r = check_mode(uv_fs_stat(NULL, &req, path, NULL), &req);
    uv_fs_req_cleanup(&req);
    return r;
}

bool fs_is_link(const char *path)
{
    uv_fs_t req;
    bool is = uv_fs_lstat(NULL, &req, path, NULL) == 0 && (req.statbuf.st_mode & S_IFMT) == S_IFLNK;
    uv_fs_req_cleanup(&req);
    return is;
}

/* Opening a FIFO would wait for somebody who writes to it. */
static int open_file(const char *path)
{
    uv_fs_t req;
    int file = fs_sync(uv_fs_open, path, UV_FS_O_RDONLY | UV_FS_O_NONBLOCK, 0);
    if (file < 0)
        return file;
    int r = check_mode(uv_fs_fstat(NULL, &req, file, NULL), &req);
    uv_fs_req_cleanup(&req);
    if (r == 0)
        return file;
    fs_sync(uv_fs_close, file);
    return r;
}

int fs_read(const char *path, struct buf *out)
{
    int file = open_file(path);
    if (file < 0)
        return file;
    int r = read_all(file, out);
    fs_sync(uv_fs_close, file);
    return r;
}

static int write_all(uv_file file, const char *bytes, size_t n)
{
    while (n > 0) {
        uv_buf_t chunk = uv_buf_init((char *)bytes, (unsigned)(n > 1 << 20 ? 1 << 20 : n));
        int r = fs_sync(uv_fs_write, file, &chunk, 1, -1);
        if (r < 0)
            return r;
        bytes += r;
        n -= (size_t)r;
    }
    return 0;
}

static int replace(const char *path, const void *bytes, size_t n, bool is_durable)
{
    char *temporary cleanup(mem_freep) = mem_printf("%s.%d.tmp", path, uv_os_getpid());
    int flags = UV_FS_O_WRONLY | UV_FS_O_CREAT | UV_FS_O_TRUNC;
    int file = fs_sync(uv_fs_open, temporary, flags, 0600);
    if (file < 0)
        return file;
    int r = write_all(file, bytes, n);
    if (r == 0 && is_durable)
        r = fs_sync(uv_fs_fsync, file);
    fs_sync(uv_fs_close, file);
    if (r >= 0)
        r = fs_rename(temporary, path);
    if (r < 0)
        fs_sync(uv_fs_unlink, temporary);
    return r;
}

int fs_write_atomic(const char *path, const void *bytes, size_t n)
{
    return replace(path, bytes, n, true);
}

int fs_write_for_now(const char *path, const void *bytes, size_t n)
{
    return replace(path, bytes, n, false);
}

static bool is_folder(const char *path)
{
    uv_fs_t req;
    bool is = uv_fs_stat(NULL, &req, path, NULL) == 0 && (req.statbuf.st_mode & S_IFMT) == S_IFDIR;
    uv_fs_req_cleanup(&req);
    return is;
}

int fs_make_dirs(const char *path)
{
    int r = fs_sync(uv_fs_mkdir, path, 0700);
    if (r == UV_ENOENT) {
        char *parent cleanup(mem_freep) = fs_dirname(path);
        if (strcmp(parent, path) == 0)
            return r;
        r = fs_make_dirs(parent);
        if (r == 0)
            r = fs_sync(uv_fs_mkdir, path, 0700);
    }
    if (r == UV_EEXIST)
        return is_folder(path) ? 0 : UV_ENOTDIR;
    return r;
}

bool fs_exists(const char *path)
{
    return fs_sync(uv_fs_access, path, 0) == 0;
}

int fs_rename(const char *from, const char *to)
{
    return fs_sync(uv_fs_rename, from, to);
}

int fs_copy(const char *from, const char *to)
{
    return fs_sync(uv_fs_copyfile, from, to, 0);
}

int fs_remove(const char *path)
{
    return fs_sync(uv_fs_unlink, path);
}

/* Only Windows has opening for oneself alone; it is closed again at once. */
bool fs_is_open(const char *path)
{
    uv_fs_t req;
    int file = uv_fs_open(NULL, &req, path, UV_FS_O_RDONLY | UV_FS_O_EXLOCK, 0, NULL);
    uv_fs_req_cleanup(&req);
    if (file >= 0) {
        uv_fs_close(NULL, &req, file, NULL);
        uv_fs_req_cleanup(&req);
    }
    return file == UV_EBUSY;
}

int fs_size(const char *path, int64_t *ret)
{
    uv_fs_t req;
    int r = uv_fs_stat(NULL, &req, path, NULL);
    if (r == 0)
        *ret = (int64_t)req.statbuf.st_size;
    uv_fs_req_cleanup(&req);
    return r;
}

uint64_t fs_free_bytes(const char *folder)
{
    uv_fs_t req;
    uint64_t n = UINT64_MAX;
    if (uv_fs_statfs(NULL, &req, folder, NULL) == 0) {
        const uv_statfs_t *fs = req.ptr;
        n = fs->f_bavail * fs->f_bsize;
    }
    uv_fs_req_cleanup(&req);
    return n;
}

int fs_identify(const char *path, struct fs_identity *ret)
{
    uv_fs_t req;
    int r = uv_fs_stat(NULL, &req, path, NULL);
    if (r == 0)
        *ret = (struct fs_identity){.drive = req.statbuf.st_dev,
                                    .file = req.statbuf.st_ino,
                                    .size = (int64_t)req.statbuf.st_size,
                                    .written_at = req.statbuf.st_mtim.tv_sec * INT64_C(1000000000) +
                                                  req.statbuf.st_mtim.tv_nsec};
    uv_fs_req_cleanup(&req);
    return r;
}

bool fs_is_same(const struct fs_identity *a, const struct fs_identity *b)
{
    return a->file == b->file && (a->drive == b->drive || a->drive == 0 || b->drive == 0);
}

/* Whoever owns the folder can put another file there at any moment, such as a second name of one
 * that he may not have. */
static int give(uv_file file, const uv_stat_t *folder)
{
    uv_fs_t req;
    int r = check_mode(uv_fs_fstat(NULL, &req, file, NULL), &req);
    uint64_t owner = req.statbuf.st_uid, n_names = req.statbuf.st_nlink;
    uv_fs_req_cleanup(&req);
    if (r < 0 || owner == folder->st_uid)
        return r;
    if (n_names != 1)
        return UV_EPERM;
    return fs_sync(uv_fs_fchown, file, (uv_uid_t)folder->st_uid, (uv_gid_t)folder->st_gid);
}

int fs_give(const char *path)
{
    uv_fs_t req;
    char *dir cleanup(mem_freep) = fs_dirname(path);
    int r = uv_fs_stat(NULL, &req, dir, NULL);
    uv_stat_t folder = req.statbuf;
    uv_fs_req_cleanup(&req);
    if (r < 0)
        return r;
    int file = fs_sync(uv_fs_open, path, UV_FS_O_RDONLY | UV_FS_O_NONBLOCK | UV_FS_O_NOFOLLOW, 0);
    if (file < 0)
        return file;
    r = give(file, &folder);
    fs_sync(uv_fs_close, file);
    return r;
}

int fs_read_head(const char *path, void *bytes, size_t n)
{
    uv_buf_t into = uv_buf_init(bytes, (unsigned)n);
    int file = open_file(path);
    if (file < 0)
        return file;
    int r = fs_sync(uv_fs_read, file, &into, 1, 0);
    fs_sync(uv_fs_close, file);
    return r < 0 ? r : (size_t)r < n ? UV_EOF : 0;
}

int fs_flush(const char *path)
{
    /* Windows flushes what may be written only. */
    int file = fs_sync(uv_fs_open, path, UV_FS_O_RDWR, 0);
    if (file < 0)
        return file;
    int r = fs_sync(uv_fs_fsync, file);
    fs_sync(uv_fs_close, file);
    return r;
}

char *fs_real(const char *path)
{
    uv_fs_t req;
    int r = uv_fs_realpath(NULL, &req, path, NULL);
    char *real = mem_strdup(r == 0 ? (const char *)req.ptr : path);
    uv_fs_req_cleanup(&req);
    return real;
}

char *fs_join(const char *dir, const char *name)
{
    size_t n = strlen(dir);
    bool has_separator = n > 0 && (dir[n - 1] == '/' || dir[n - 1] == '\\');
    /* Windows takes both, but a path that people see should not mix them. */
    const char *separator = strchr(dir, '\\') && !strchr(dir, '/') ? "\\" : "/";
    return mem_printf("%s%s%s", dir, has_separator ? "" : separator, name);
}

const char *fs_basename(const char *path)
{
    const char *base = path;
    for (const char *p = path; *p; p++) {
        if (*p == '/' || *p == '\\')
            base = p + 1;
    }
    return base;
}

char *fs_dirname(const char *path)
{
    size_t n = (size_t)(fs_basename(path) - path);
    if (n == 0)
        return mem_strdup(".");
    return mem_strndup(path, n > 1 ? n - 1 : n);
}
