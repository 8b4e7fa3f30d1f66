/* SPDX-License-Identifier: MIT */
#include "cache/backup/backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "cache/pages/file.h"
#include "cache/pages/wal.h"
#include "cache/store/db.h"
#include "cache/store/files.h"

/* The name says when: "ldplayerd-" stamp ".db", or stamp "-2" for the second of one second. */
static const char prefix[] = "ldplayerd-", suffix[] = ".db", half[] = "new.tmp";

static char *folder_of(const char *data_dir)
{
    return fs_join(data_dir, "backups");
}

char *cache_backup_path(const char *data_dir, const char *name)
{
    char *folder cleanup(mem_freep) = folder_of(data_dir);
    return fs_join(folder, name);
}

/* Returns 0 or UV_EINVAL. */
static int read_name(const char *name, int64_t *ret_created_at)
{
    char stamp[CLOCK_STAMP_SIZE];
    size_t n = strlen(name), n_prefix = strlen(prefix);
    if (n >= CACHE_BACKUP_NAME_SIZE || !str_has_prefix(name, prefix) ||
        !str_has_suffix(name, suffix) || n < n_prefix + sizeof(stamp) - 1 + strlen(suffix))
        return UV_EINVAL;
    memcpy(stamp, name + n_prefix, sizeof(stamp) - 1);
    stamp[sizeof(stamp) - 1] = '\0';
    const char *rest = name + n_prefix + strlen(stamp);
    if (*rest == '-')
        rest += 1 + strspn(rest + 1, "0123456789");
    return strcmp(rest, suffix) == 0 ? clock_stamp_parse(stamp, ret_created_at) : UV_EINVAL;
}

bool cache_backup_is_name(const char *name)
{
    int64_t created_at;
    return read_name(name, &created_at) == 0;
}

/* Of one that is found to be damaged. */
static void mark(const char *data_dir, struct cache_db_error *reterr)
{
    size_t n = strlen(reterr->text);
    if (cache_repair_suspect(data_dir, "a backup met damage") == 0)
        snprintf(reterr->text + n, sizeof(reterr->text) - n,
                 "; the next start of the service checks and repairs it");
}

static int copy_open(const char *database, const char *data_dir, const char *to,
                     const atomic_bool *cancel, struct cache_copy *ret,
                     struct cache_db_error *reterr)
{
    int r = cache_copy_make(database, to, cancel, ret, reterr);
    if (r == UV_EFTYPE)
        mark(data_dir, reterr);
    return r;
}

int cache_backup_copy(const char *data_dir, const char *to, struct cache_copy *ret,
                      struct cache_db_error *reterr)
{
    char *database cleanup(mem_freep) = fs_join(data_dir, CACHE_DB_NAME);
    if (!cache_wal_is_lost(database))
        return copy_open(database, data_dir, to, NULL, ret, reterr);
    /* Opening it would make a new one, and nobody could tell any more. */
    snprintf(reterr->text, sizeof(reterr->text), "%.300s: %s", database, CACHE_DB_LOG_LOST);
    mark(data_dir, reterr);
    return UV_EFTYPE;
}

int cache_backup_make(const char *data_dir, const atomic_bool *cancel, struct cache_backup *ret,
                      struct cache_copy *ret_copy, struct cache_db_error *reterr)
{
    int64_t now = clock_wall_ms();
    struct cache_backup made = {.created_at = now - now % 1000}; /* as its name says */
    struct cache_copy copy;
    char *folder cleanup(mem_freep) = folder_of(data_dir);
    char *temporary cleanup(mem_freep) = fs_join(folder, half);
    int r = fs_make_dirs(folder);
    if (r < 0) {
        snprintf(reterr->text, sizeof(reterr->text), "the folder %.300s cannot be made: %s", folder,
                 uv_strerror(r));
        return r;
    }
    char *database cleanup(mem_freep) = fs_join(data_dir, CACHE_DB_NAME);
    r = copy_open(database, data_dir, temporary, cancel, &copy, reterr);
    if (r < 0)
        return r;
    char *start cleanup(mem_freep) = fs_join(folder, prefix);
    char *path cleanup(mem_freep) = cache_files_choose(start, made.created_at, suffix);
    str_copy(made.name, sizeof(made.name), fs_basename(path));
    r = fs_rename(temporary, path);
    if (r < 0) {
        (void)fs_remove(temporary);
        snprintf(reterr->text, sizeof(reterr->text), "%.300s cannot be made: %s", path,
                 uv_strerror(r));
        return r;
    }
    made.bytes = copy.bytes;
    made.schema_version = copy.schema_version;
    *ret = made;
    *ret_copy = copy;
    return 0;
}

/* The head of the file (the SQLite file format) has the number of pages and the schema's version.
 * 0: it is no database, or not all of one. */
static int read_version(const char *path, int64_t size)
{
    static const char magic[] = "SQLite format 3";
    enum { N_PAGES = 28, VERSION = 60 };
    unsigned char head[VERSION + 4];
    if (fs_read_head(path, head, sizeof(head)) < 0 || memcmp(head, magic, sizeof(magic)) != 0 ||
        cache_file_u32(head + N_PAGES) * (int64_t)CACHE_PAGE_SIZE != size)
        return 0;
    return (int)cache_file_u32(head + VERSION);
}

/* The newest first. Of one second that with the greater number behind it, whose name is longer or,
 * of one length, later. */
static int compare(const void *a, const void *b)
{
    const struct cache_backup *x = a, *y = b;
    size_t n_x = strlen(x->name), n_y = strlen(y->name);
    if (x->created_at != y->created_at)
        return x->created_at < y->created_at ? 1 : -1;
    if (n_x != n_y)
        return n_x < n_y ? 1 : -1;
    return strcmp(y->name, x->name);
}

int cache_backup_list(const char *data_dir, struct cache_backup **ret, size_t *ret_n)
{
    char *folder cleanup(mem_freep) = folder_of(data_dir);
    struct cache_backup *items = NULL;
    size_t n = 0, cap = 0;
    uv_fs_t req;
    uv_dirent_t entry;
    int r = uv_fs_scandir(NULL, &req, folder, 0, NULL);
    while (r >= 0 && uv_fs_scandir_next(&req, &entry) == 0) {
        struct cache_backup b = {0};
        char *path cleanup(mem_freep) = fs_join(folder, entry.name);
        if (read_name(entry.name, &b.created_at) < 0 || fs_size(path, &b.bytes) < 0)
            continue;
        b.schema_version = read_version(path, b.bytes);
        if (b.schema_version <= 0)
            continue;
        str_copy(b.name, sizeof(b.name), entry.name);
        items = mem_grow(items, n, &cap, sizeof(*items));
        items[n++] = b;
    }
    uv_fs_req_cleanup(&req);
    if (r < 0 && r != UV_ENOENT)
        return r;
    if (n > 0)
        qsort(items, n, sizeof(*items), compare);
    *ret = items;
    *ret_n = n;
    return 0;
}

const struct cache_backup *cache_backup_newest(const struct cache_backup *items, size_t n,
                                               int64_t now)
{
    for (size_t i = 0; i < n; i++) {
        if (items[i].created_at <= now)
            return &items[i];
    }
    return NULL;
}

int cache_backup_find_whole(const char *data_dir, int64_t now, const char *known,
                            struct cache_backup *ret)
{
    for (;;) {
        struct cache_backup *items cleanup(mem_freep) = NULL;
        struct cache_db_error error;
        size_t n = 0;
        int r = cache_backup_list(data_dir, &items, &n);
        const struct cache_backup *newest = cache_backup_newest(items, n, now);
        if (!newest)
            return r < 0 ? r : UV_ENOENT;
        *ret = *newest;
        if (strcmp(newest->name, known) == 0)
            return 0;
        char *path cleanup(mem_freep) = cache_backup_path(data_dir, newest->name);
        char *aside cleanup(mem_freep) = mem_printf("%s.damaged", path);
        r = cache_copy_check(path, &error);
        if (r == UV_EFTYPE)
            r = fs_rename(path, aside) == 0 ? UV_EAGAIN : r;
        if (r != UV_EAGAIN)
            return r;
    }
}

int cache_backup_remove(const char *data_dir, const char *name)
{
    char *path cleanup(mem_freep) = cache_backup_path(data_dir, name);
    return cache_backup_is_name(name) ? fs_remove(path) : UV_ENOENT;
}

size_t cache_backup_prune(const char *data_dir, int64_t now, int64_t keep_ms, int64_t since)
{
    struct cache_backup *items cleanup(mem_freep) = NULL;
    char *temporary cleanup(mem_freep) = cache_backup_path(data_dir, half);
    size_t n = 0, n_removed = 0;
    (void)fs_remove(temporary);
    (void)cache_backup_list(data_dir, &items, &n);
    const struct cache_backup *newest = cache_backup_newest(items, n, now);
    for (size_t i = 0; i < n; i++) {
        bool is_old = now - items[i].created_at > keep_ms && items[i].created_at >= since;
        if (is_old && &items[i] != newest)
            n_removed += cache_backup_remove(data_dir, items[i].name) == 0;
    }
    return n_removed;
}
