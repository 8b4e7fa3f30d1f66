/* SPDX-License-Identifier: MIT */
#include "base/log/log_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/log/log_name.h"
#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "base/text/json.h"

enum { DAY_MS = 24 * 60 * 60 * 1000, RETRY_MS = 10000 };

struct log_file {
    struct log_file_options options;
    char *path, *dir;
    uv_file fd; /* -1: not open */
    uint64_t size;
    int64_t day;        /* of the newest record in it */
    int64_t retry_at;   /* no look at the file before that; 0: none was in vain */
    uint64_t n_dropped; /* since the last one that was written */
    bool is_torn;       /* the last line is not complete */
};

static int64_t day_of(int64_t wall_ms)
{
    return wall_ms / DAY_MS;
}

/* --- the file --- */

static void close_file(struct log_file *f)
{
    uv_fs_t req;
    if (f->fd < 0)
        return;
    uv_fs_close(NULL, &req, f->fd, NULL);
    uv_fs_req_cleanup(&req);
    f->fd = -1;
}

/* What a former process left is gone on with; its day is that of its last write. */
static void read_stat(struct log_file *f)
{
    uv_fs_t req;
    if (uv_fs_fstat(NULL, &req, f->fd, NULL) == 0) {
        f->size = req.statbuf.st_size;
        /* tv_sec has 32 bits on Windows. */
        int64_t written = (int64_t)req.statbuf.st_mtim.tv_sec * 1000;
        f->day = f->size > 0 ? day_of(written) : f->day;
    }
    uv_fs_req_cleanup(&req);
}

static int open_file(struct log_file *f, int flags)
{
    uv_fs_t req;
    int r = fs_make_dirs(f->dir);
    if (r < 0)
        return r;
    r = uv_fs_open(NULL, &req, f->path, UV_FS_O_WRONLY | UV_FS_O_CREAT | flags, 0600, NULL);
    uv_fs_req_cleanup(&req);
    if (r < 0)
        return r;
    f->fd = r;
    f->size = 0;
    read_stat(f);
    return 0;
}

/* Returns UV_ENOSPC also for a part: what is left of the disk is not enough for a line. */
static int write_bytes(struct log_file *f, const char *bytes, size_t n)
{
    uv_fs_t req;
    uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)n);
    int r = uv_fs_write(NULL, &req, f->fd, &buf, 1, -1, NULL);
    uv_fs_req_cleanup(&req);
    if (r < 0)
        return r;
    f->size += (uint64_t)r;
    f->is_torn = (size_t)r < n;
    return f->is_torn ? UV_ENOSPC : 0;
}

/* --- putting aside --- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)b, *(char *const *)a);
}

/* The names of all that were put aside, newest first; to be freed with free_names. */
static char **list_names(const struct log_file *f, size_t *ret_n)
{
    uv_fs_t req;
    uv_dirent_t entry;
    char **names = NULL;
    size_t cap = 0;
    *ret_n = 0;
    int r = uv_fs_scandir(NULL, &req, f->dir, 0, NULL);
    while (r >= 0 && uv_fs_scandir_next(&req, &entry) == 0) {
        if (log_name_parse(fs_basename(f->path), entry.name) < 0)
            continue;
        names = mem_grow(names, *ret_n, &cap, sizeof(*names));
        names[(*ret_n)++] = mem_strdup(entry.name);
    }
    uv_fs_req_cleanup(&req);
    if (*ret_n > 0)
        qsort(names, *ret_n, sizeof(*names), compare_names);
    return names;
}

/* One that somebody holds open stays until the next time. */
static void remove_old(const struct log_file *f, int64_t now)
{
    size_t n;
    char **names = list_names(f, &n);
    int64_t oldest = now - (int64_t)f->options.keep_days * DAY_MS;
    for (size_t i = 0; i < n; i++) {
        if (i >= f->options.keep_files || log_name_parse(fs_basename(f->path), names[i]) < oldest) {
            uv_fs_t req;
            char *path cleanup(mem_freep) = fs_join(f->dir, names[i]);
            uv_fs_unlink(NULL, &req, path, NULL);
            uv_fs_req_cleanup(&req);
        }
        mem_free(names[i]);
    }
    mem_free(names);
}

/* A path for it that is not taken, owned by the caller. */
static char *free_path(const struct log_file *f, int64_t now)
{
    char name[LOG_NAME_SIZE];
    for (unsigned n = 0;; n++) {
        log_name_make(fs_basename(f->path), now, n, name);
        char *path cleanup(mem_freep) = fs_join(f->dir, name);
        if (n == LOG_NAME_MAX_SAME || !fs_exists(path))
            return take_ptr(path);
    }
}

/* A program that reads the file may keep it from being renamed on Windows, though not from being
 * copied and emptied. If even that fails the file goes on growing until it works. */
static int put_aside(struct log_file *f, int64_t now)
{
    char *aside cleanup(mem_freep) = free_path(f, now);
    close_file(f);
    int r = fs_rename(f->path, aside);
    bool is_emptied = r < 0 && fs_copy(f->path, aside) == 0;
    f->day = day_of(now);
    r = open_file(f, is_emptied ? UV_FS_O_TRUNC : UV_FS_O_APPEND);
    if (is_emptied && r == 0) {
        /* Only appending handles keep to the end when another process writes too. */
        close_file(f);
        r = open_file(f, UV_FS_O_APPEND);
    }
    remove_old(f, now);
    return r;
}

/* --- records --- */

static void append_record(struct buf *line, const struct log_record *record)
{
    char when[CLOCK_RFC3339_SIZE];
    clock_format(record->wall_ms, when);
    (void)buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"component\":", when,
                     log_level_name(record->level));
    json_append_str(line, record->component);
    (void)buf_append_str(line, ",\"message\":");
    json_append_str(line, record->message);
    (void)buf_append_str(line, "}\n");
}

static void append_dropped(struct log_file *f, struct buf *line, int64_t now)
{
    char text[100];
    if (f->is_torn)
        (void)buf_append_str(line, "\n");
    if (f->n_dropped == 0)
        return;
    snprintf(text, sizeof(text), "%" PRIu64 " records could not be written and are missing here",
             f->n_dropped);
    append_record(line, &(struct log_record){now, LOG_WARNING, "log", text});
}

static int make_room(struct log_file *f, size_t n, int64_t now)
{
    bool is_full = f->size > 0 && f->size + n > f->options.max_bytes;
    bool is_old = f->size > 0 && f->day != day_of(now);
    return is_full || is_old ? put_aside(f, now) : 0;
}

static int try_write(struct log_file *f, const struct log_record *record)
{
    struct buf line cleanup(buf_deinit);
    buf_init(&line, 0);
    append_dropped(f, &line, record->wall_ms);
    append_record(&line, record);
    int r = f->fd < 0 ? open_file(f, UV_FS_O_APPEND) : 0;
    if (r == 0)
        r = make_room(f, line.len, record->wall_ms);
    if (r == 0)
        r = write_bytes(f, line.data, line.len);
    if (r == 0)
        f->day = day_of(record->wall_ms);
    return r;
}

static void tell_trouble(const struct log_file *f, int error)
{
    char *sentence cleanup(mem_freep) =
        mem_printf("the log file %s cannot be written: %s; the service goes on without, tries "
                   "again every %d s, and will say there how many records are missing",
                   f->path, uv_strerror(error), RETRY_MS / 1000);
    if (f->options.on_trouble)
        f->options.on_trouble(f->options.trouble_arg, sentence);
}

void log_file_write(void *arg, const struct log_record *record)
{
    struct log_file *f = arg;
    /* A clock that was set back must not silence the log. */
    if (f->retry_at > record->wall_ms && f->retry_at - record->wall_ms <= RETRY_MS) {
        f->n_dropped++;
        return;
    }
    int r = try_write(f, record);
    if (r == 0) {
        f->n_dropped = 0;
        f->retry_at = 0;
        return;
    }
    if (f->retry_at == 0)
        tell_trouble(f, r);
    f->n_dropped++;
    f->retry_at = record->wall_ms + RETRY_MS;
    close_file(f);
}

/* --- life cycle --- */

struct log_file *log_file_new(const struct log_file_options *options)
{
    struct log_file *f = mem_new(struct log_file);
    f->options = *options;
    f->path = mem_strdup(options->path);
    f->dir = fs_dirname(options->path);
    f->fd = -1;
    return f;
}

void log_file_free(struct log_file *f)
{
    if (!f)
        return;
    close_file(f);
    mem_free(f->path);
    mem_free(f->dir);
    mem_free(f);
}
