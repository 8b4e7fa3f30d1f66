/* SPDX-License-Identifier: MIT */
#include "ldconsole/install/config_keep.h"

#include <string.h>

#include <uv.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"

enum { MAX_FILE = 1 << 20 };

static char *path_of(const char *dir, const char *disk_id)
{
    return mem_printf("%s/%s.config", dir, disk_id);
}

static bool is_good(const struct ldc_config *config)
{
    return config->is_readable && !config->is_truncated;
}

/* What the boot after a forced end writes: a machine that takes itself for a new one, without its
 * name (reference 5.2). */
static bool is_reset(const struct ldc_config *kept, const struct ldc_config *now)
{
    bool has_lost_name = kept->player_name[0] && !now->player_name[0];
    return has_lost_name || (kept->is_new_player == 0 && now->is_new_player == 1);
}

static bool is_same_text(const char *a_path, const char *b_path)
{
    struct buf a cleanup(buf_deinit), b cleanup(buf_deinit);
    buf_init(&a, MAX_FILE);
    buf_init(&b, MAX_FILE);
    return fs_read(a_path, &a) == 0 && fs_read(b_path, &b) == 0 && a.len == b.len &&
           memcmp(a.data, b.data, a.len) == 0;
}

static void copy(const char *dir, const char *from, const char *to)
{
    char *tmp cleanup(mem_freep) = mem_printf("%s.tmp", to);
    if (fs_make_dirs(dir) < 0 || fs_copy(from, tmp) < 0)
        return;
    if (fs_rename(tmp, to) < 0)
        (void)fs_remove(tmp);
}

/* Nanoseconds; 0 when there is no such file. */
static uint64_t written_at(const char *path)
{
    uv_fs_t req;
    int r = uv_fs_stat(NULL, &req, path, NULL);
    uv_timespec_t t = req.statbuf.st_mtim;
    uv_fs_req_cleanup(&req);
    return r < 0 ? 0 : (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void ldc_config_keep(const char *dir, const char *path, struct ldc_config *config)
{
    char *to cleanup(mem_freep) = path_of(dir, config->disk_id);
    struct ldc_config kept = {0};
    config->loss[0] = '\0';
    if (written_at(to) > written_at(path))
        return; /* nothing has changed since it was copied */
    ldc_config_read(to, &kept);
    const char *loss = !is_good(&kept)           ? ""
                       : !config->is_readable    ? "it cannot be read any more"
                       : config->is_truncated    ? "it was cut off"
                       : is_reset(&kept, config) ? "it was reset"
                                                 : "";
    str_copy(config->loss, sizeof(config->loss), loss);
    if (!*loss && is_good(config) && !is_same_text(path, to))
        copy(dir, path, to);
}

int ldc_config_restore(const char *dir, const char *path, const char *disk_id)
{
    char *from cleanup(mem_freep) = path_of(dir, disk_id);
    char *former cleanup(mem_freep) = mem_printf("%s.ldplayerd.bak", path);
    struct ldc_config kept = {0};
    struct buf text cleanup(buf_deinit);
    buf_init(&text, MAX_FILE);
    int r = fs_read(from, &text);
    if (r < 0)
        return r;
    if (ldc_config_parse(text.data ? text.data : "", text.len, &kept) < 0 || !is_good(&kept))
        return UV_EINVAL;
    r = fs_exists(path) ? fs_copy(path, former) : 0;
    return r < 0 ? r : fs_write_atomic(path, text.data, text.len);
}

void ldc_config_forget(const char *dir, const char *disk_id)
{
    char *path cleanup(mem_freep) = path_of(dir, disk_id);
    (void)fs_remove(path);
}
