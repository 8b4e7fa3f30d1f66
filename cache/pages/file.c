/* SPDX-License-Identifier: MIT */
#include "cache/pages/file.h"

uv_file cache_file_open(const char *path)
{
    uv_fs_t req;
    uv_file file = uv_fs_open(NULL, &req, path, UV_FS_O_RDONLY, 0, NULL);
    uv_fs_req_cleanup(&req);
    return file;
}

void cache_file_close(uv_file file)
{
    uv_fs_t req;
    if (file < 0)
        return;
    (void)uv_fs_close(NULL, &req, file, NULL);
    uv_fs_req_cleanup(&req);
}

int64_t cache_file_size(uv_file file)
{
    uv_fs_t req;
    int64_t size = uv_fs_fstat(NULL, &req, file, NULL) == 0 ? (int64_t)req.statbuf.st_size : -1;
    uv_fs_req_cleanup(&req);
    return size;
}

uint32_t cache_file_pages(uv_file file)
{
    int64_t size = file < 0 ? -1 : cache_file_size(file);
    return size < 0 ? 0 : (uint32_t)(size / CACHE_PAGE_SIZE);
}

int cache_file_read(uv_file file, uint64_t offset, void *bytes, size_t n)
{
    for (size_t got = 0; got < n;) {
        uv_fs_t req;
        uv_buf_t rest = uv_buf_init((char *)bytes + got, (unsigned)(n - got));
        int r = uv_fs_read(NULL, &req, file, &rest, 1, (int64_t)(offset + got), NULL);
        uv_fs_req_cleanup(&req);
        if (r <= 0)
            return r < 0 ? r : UV_EOF;
        got += (size_t)r;
    }
    return 0;
}

uint32_t cache_file_count_unreadable(const char *path, uint32_t *ret_n)
{
    unsigned char bytes[CACHE_PAGE_SIZE];
    uint32_t n_bad = 0;
    uv_file file = cache_file_open(path);
    *ret_n = cache_file_pages(file);
    /* Also what is behind the last whole one. */
    for (uint32_t i = 0; file >= 0 && i <= *ret_n; i++) {
        int r = cache_file_read(file, (uint64_t)i * CACHE_PAGE_SIZE, bytes, sizeof(bytes));
        n_bad += r < 0 && r != UV_EOF;
    }
    cache_file_close(file);
    return n_bad;
}

uint32_t cache_file_u16(const unsigned char *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

uint32_t cache_file_u32(const unsigned char *p)
{
    return cache_file_u16(p) << 16 | cache_file_u16(p + 2);
}
