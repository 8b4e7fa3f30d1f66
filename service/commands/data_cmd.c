/* SPDX-License-Identifier: MIT */
#include "service/commands/command.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "cache/results/glob.h"
#include "cache/store/repair.h"
#include "service/process/lock.h"
#include "service/process/node_id.h"

/* Removing the data directory. A user chose the directory and may have put other things there, so
 * nothing goes but what has one of our names, and a directory only when it is empty. Links are
 * removed themselves and never followed. Nobody else gets the directory meanwhile: the lock is
 * held to the end, and its file goes last, so that what could not be removed is still known to be
 * ours. */

#define STAMP "[0-9]*T[0-9]*Z*"

/* What docs/data-directory.md lists. FOLDER "" is the directory itself. */
static const struct {
    const char *folder, *names[24]; /* patterns */
} ours[] = {
    {"",
     {"config.json",
      "config.json.[0-9]*.tmp",
      SVC_NODE_ID_FILE,
      SVC_NODE_ID_FILE ".[0-9]*.tmp",
      "agent.sock",
      "ldplayerd.sock",
      "ldplayerd.endpoint",
      "ldplayerd.endpoint.[0-9]*.tmp",
      CACHE_DB_NAME,
      CACHE_DB_NAME "-wal",
      CACHE_DB_NAME "-shm",
      CACHE_DB_NAME "-journal",
      CACHE_DB_NAME ".[0-9]*.tmp",
      CACHE_DB_NAME ".staged-*",
      CACHE_DB_NAME ".restore",
      CACHE_DB_NAME ".restore-*",
      CACHE_DB_NAME ".replaced-" STAMP,
      CACHE_DB_NAME ".damaged-" STAMP,
      CACHE_DB_NAME ".repaired-" STAMP,
      CACHE_DB_NAME ".repairing",
      CACHE_DB_NAME ".repairing-*",
      CACHE_DB_NAME ".suspect",
      CACHE_DB_NAME ".suspect.[0-9]*.tmp"}},
    {"backups",
     {"ldplayerd-" STAMP ".db", "ldplayerd-" STAMP ".db.damaged*", "new.tmp", "new.tmp-*"}},
    {"configs", {"[0-9a-f]*-[0-9a-f]*.config", "[0-9a-f]*-[0-9a-f]*.config.tmp"}},
    {"crashes", {"ldplayerd-" STAMP ".dmp", "told", "told.[0-9]*.tmp"}},
    {"logs", {"ldplayerd.log", "ldplayerd-" STAMP ".log"}},
};

static bool is_ours(size_t folder, const char *name)
{
    for (size_t i = 0; i < countof(ours[folder].names) && ours[folder].names[i]; i++) {
        if (cache_glob_match(ours[folder].names[i], name))
            return true;
    }
    return false;
}

static int remove_file(const char *path)
{
    uv_fs_t req;
    int r = uv_fs_unlink(NULL, &req, path, NULL);
    uv_fs_req_cleanup(&req);
    if (r < 0)
        fprintf(stderr, "ldplayerd: %s cannot be removed: %s\n", path, uv_strerror(r));
    return r;
}

/* The first of what is in it; owned by the caller. */
static char *name_content(const char *path)
{
    enum { MAX_NAMES = 8 };
    struct buf names;
    uv_fs_t req;
    uv_dirent_t entry;
    buf_init(&names, 0);
    int n = uv_fs_scandir(NULL, &req, path, 0, NULL);
    for (int i = 0; i < n && i < MAX_NAMES && uv_fs_scandir_next(&req, &entry) == 0; i++)
        (void)buf_printf(&names, "%s%s", i ? ", " : "", entry.name);
    uv_fs_req_cleanup(&req);
    if (n > MAX_NAMES)
        (void)buf_printf(&names, " and %d more", n - MAX_NAMES);
    return buf_take(&names, NULL);
}

/* One that holds other things stays, which is no failure. */
static int remove_folder(const char *path)
{
    uv_fs_t req;
    int r = uv_fs_rmdir(NULL, &req, path, NULL);
    uv_fs_req_cleanup(&req);
    if (r == UV_ENOTEMPTY || r == UV_EEXIST) {
        char *names cleanup(mem_freep) = name_content(path);
        fprintf(stderr, "ldplayerd: %s has other things in it (%s); they stay\n", path, names);
        return 0;
    }
    if (r < 0 && r != UV_ENOENT)
        fprintf(stderr, "ldplayerd: %s cannot be removed: %s\n", path, uv_strerror(r));
    return r == UV_ENOENT ? 0 : r;
}

/* Goes on after what could not be removed; returns the first failure. */
static int remove_files(const char *path, size_t folder)
{
    uv_fs_t req;
    uv_dirent_t entry;
    int status = uv_fs_scandir(NULL, &req, path, 0, NULL);
    status = status < 0 ? status : 0;
    if (status < 0)
        fprintf(stderr, "ldplayerd: %s cannot be read: %s\n", path, uv_strerror(status));
    while (uv_fs_scandir_next(&req, &entry) == 0) {
        char *file cleanup(mem_freep) = fs_join(path, entry.name);
        int r = entry.type != UV_DIRENT_DIR && is_ours(folder, entry.name) ? remove_file(file) : 0;
        status = status < 0 ? status : r;
    }
    uv_fs_req_cleanup(&req);
    return status;
}

static int remove_content(const char *data_dir)
{
    int status = remove_files(data_dir, 0);
    for (size_t i = 1; i < countof(ours); i++) {
        char *folder cleanup(mem_freep) = fs_join(data_dir, ours[i].folder);
        if (fs_check_file(folder) != UV_EISDIR || fs_is_link(folder))
            continue;
        int r = remove_files(folder, i);
        r = r < 0 ? r : remove_folder(folder);
        status = status < 0 ? status : r;
    }
    return status;
}

/* One that a start would take. */
static bool is_our_config(const char *path)
{
    struct svc_config config cleanup(svc_config_deinit);
    struct svc_problems problems cleanup(svc_problems_deinit);
    svc_config_init(&config);
    svc_problems_init(&problems);
    svc_config_read_file(&config, path, &problems);
    return problems.n == 0;
}

/* Whether anything says that DATA_DIR is one: any program can have a folder "backups" or a file
 * "node-id". */
static bool is_data_dir(const char *data_dir)
{
    char *database cleanup(mem_freep) = fs_join(data_dir, CACHE_DB_NAME);
    char *lock cleanup(mem_freep) = fs_join(data_dir, SVC_LOCK_FILE);
    char *config cleanup(mem_freep) = fs_join(data_dir, "config.json");
    return fs_exists(database) || fs_exists(lock) || is_our_config(config);
}

static enum svc_exit take_lock(const char *data_dir, struct svc_lock **ret)
{
    struct svc_lock_holder holder;
    int r = svc_lock_take(data_dir, "data remove", ret, &holder);
    if (r == 0)
        return SVC_EXIT_OK;
    if (r == UV_EBUSY)
        return svc_exit_fail("%s is in use by the ldplayerd with process id %lld; stop it first",
                             data_dir, (long long)holder.pid);
    return svc_exit_fail("%s cannot be locked: %s", data_dir, uv_strerror(r));
}

static int remove_lock(const char *data_dir, struct svc_lock *lock)
{
    int r = svc_lock_remove(lock);
    if (r == 0 || r == UV_ENOENT)
        return 0;
    fprintf(stderr, "ldplayerd: " SVC_LOCK_FILE " in %s cannot be removed: %s\n", data_dir,
            uv_strerror(r));
    return r;
}

enum svc_exit svc_data_cmd_remove(const struct svc_args *args)
{
    const char *data_dir = svc_args_flag(args, "data-dir");
    if (!data_dir || !*data_dir) {
        (void)svc_exit_fail("name the directory: ldplayerd data remove --data-dir DIR");
        return SVC_EXIT_USAGE;
    }
    if (!fs_exists(data_dir)) {
        printf("%s is not there.\n", data_dir);
        return SVC_EXIT_OK;
    }
    if (!is_data_dir(data_dir))
        return svc_exit_fail("%s is no data directory of ldplayerd: it has neither " CACHE_DB_NAME
                             " nor " SVC_LOCK_FILE ", nor a config.json that ldplayerd could "
                             "start with. Nothing was removed; if it was one, remove what is left "
                             "by hand",
                             data_dir);
    struct svc_lock *lock = NULL;
    enum svc_exit status = take_lock(data_dir, &lock);
    if (status != SVC_EXIT_OK)
        return status;
    int r = remove_content(data_dir);
    if (r < 0) {
        svc_lock_release(lock);
        return SVC_EXIT_FAILED;
    }
    r = remove_lock(data_dir, lock);
    r = r < 0 ? r : remove_folder(data_dir);
    return r < 0 ? SVC_EXIT_FAILED : SVC_EXIT_OK;
}
