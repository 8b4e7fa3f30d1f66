/* SPDX-License-Identifier: MIT */
#include "service/process/crash.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"

/* Holds the name of the newest dump that was told of. Names grow with time, so what is greater is
 * news. */
static const char told_name[] = "told";
enum { MAX_TOLD = 256 };

static int compare_newest_first(const void *a, const void *b)
{
    return strcmp(*(char *const *)b, *(char *const *)a);
}

static char **list_dumps(const char *dir, size_t *ret_n)
{
    uv_fs_t req;
    uv_dirent_t entry;
    char **names = NULL;
    size_t cap = 0;
    *ret_n = 0;
    int r = uv_fs_scandir(NULL, &req, dir, 0, NULL);
    while (r >= 0 && uv_fs_scandir_next(&req, &entry) == 0) {
        if (!str_has_prefix(entry.name, "ldplayerd-") || !str_has_suffix(entry.name, ".dmp"))
            continue;
        names = mem_grow(names, *ret_n, &cap, sizeof(*names));
        names[(*ret_n)++] = mem_strdup(entry.name);
    }
    uv_fs_req_cleanup(&req);
    if (*ret_n > 0)
        qsort(names, *ret_n, sizeof(*names), compare_newest_first);
    return names;
}

static void remove_file(const char *dir, const char *name)
{
    uv_fs_t req;
    char *path cleanup(mem_freep) = fs_join(dir, name);
    uv_fs_unlink(NULL, &req, path, NULL);
    uv_fs_req_cleanup(&req);
}

/* Whether NAME is news; it is none afterwards, unless the disk cannot be written: a crash that is
 * told of twice is better than one that is not told of. */
static bool take(const char *dir, const char *name)
{
    char *path cleanup(mem_freep) = fs_join(dir, told_name);
    struct buf told cleanup(buf_deinit);
    buf_init(&told, MAX_TOLD);
    if (fs_read(path, &told) == 0 && told.len > 0 && strcmp(told.data, name) >= 0)
        return false;
    (void)fs_write_atomic(path, name, strlen(name));
    return true;
}

char *svc_crash_take_report(const char *data_dir)
{
    size_t n;
    char *dir cleanup(mem_freep) = fs_join(data_dir, "crashes");
    char **names = list_dumps(dir, &n);
    char *report = n > 0 && take(dir, names[0]) ? fs_join(dir, names[0]) : NULL;
    for (size_t i = 0; i < n; i++) {
        if (i >= SVC_CRASH_KEEP)
            remove_file(dir, names[i]);
        mem_free(names[i]);
    }
    mem_free(names);
    return report;
}
