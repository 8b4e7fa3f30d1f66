/* SPDX-License-Identifier: MIT */
#include "tests/support/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"

/* A test without its folder has nothing to say. */
static void must(int status, const char *what)
{
    if (status >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, uv_strerror(status));
    abort();
}

char *folder_make(void)
{
    char temporary[1024];
    size_t n = sizeof(temporary);
    uv_fs_t req;
    must(uv_os_tmpdir(temporary, &n), "temporary folder");
    char *template cleanup(mem_freep) = fs_join(temporary, "ldplayerd-test-XXXXXX");
    must(uv_fs_mkdtemp(NULL, &req, template, NULL), template);
    char *folder = mem_strdup(req.path);
    uv_fs_req_cleanup(&req);
    return folder;
}

static void remove_entry(const char *folder, const uv_dirent_t *entry)
{
    uv_fs_t req;
    char *path = fs_join(folder, entry->name);
    if (entry->type == UV_DIRENT_DIR) {
        folder_remove(path);
        return;
    }
    uv_fs_unlink(NULL, &req, path, NULL);
    uv_fs_req_cleanup(&req);
    mem_free(path);
}

void folder_remove(char *folder)
{
    uv_fs_t req;
    uv_dirent_t entry;
    if (uv_fs_scandir(NULL, &req, folder, 0, NULL) >= 0) {
        while (uv_fs_scandir_next(&req, &entry) == 0)
            remove_entry(folder, &entry);
    }
    uv_fs_req_cleanup(&req);
    uv_fs_rmdir(NULL, &req, folder, NULL);
    uv_fs_req_cleanup(&req);
    mem_free(folder);
}

size_t folder_count(const char *folder)
{
    uv_fs_t req;
    int n = uv_fs_scandir(NULL, &req, folder, 0, NULL);
    uv_fs_req_cleanup(&req);
    must(n, folder);
    return (size_t)n;
}

void folder_write(const char *folder, const char *name, const char *text)
{
    char *path cleanup(mem_freep) = fs_join(folder, name);
    char *parent cleanup(mem_freep) = fs_dirname(path);
    must(fs_make_dirs(parent), parent);
    must(fs_write_atomic(path, text, strlen(text)), path);
}

char *folder_read(const char *folder, const char *name)
{
    char *path cleanup(mem_freep) = fs_join(folder, name);
    struct buf text;
    buf_init(&text, 0);
    if (fs_read(path, &text) < 0) {
        buf_deinit(&text);
        return NULL;
    }
    return buf_take(&text, NULL);
}
