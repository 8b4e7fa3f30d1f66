/* SPDX-License-Identifier: MIT */
#include "service/commands/command.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "service/process/lock.h"
#include "service/process/node_id.h"

/* Removing the data directory. A user chose the directory and may have put other things there, so
 * nothing goes but what has one of our names, and a directory only when it is empty. Links are
 * removed themselves and never followed. */

static bool is_ours(const char *name)
{
    static const char *const beginnings[] = {"ldplayerd", "config.json", "agent.sock",
                                             SVC_NODE_ID_FILE};
    for (size_t i = 0; i < countof(beginnings); i++) {
        if (str_has_prefix(name, beginnings[i]))
            return true;
    }
    return false;
}

/* Whatever is in them is ours. */
static bool is_our_folder(const char *name)
{
    return strcmp(name, "logs") == 0 || strcmp(name, "crashes") == 0 ||
           strcmp(name, "backups") == 0 || strcmp(name, "configs") == 0;
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

/* One that holds other things stays, which is no failure. */
static int remove_folder(const char *path)
{
    uv_fs_t req;
    int r = uv_fs_rmdir(NULL, &req, path, NULL);
    uv_fs_req_cleanup(&req);
    if (r == UV_ENOTEMPTY || r == UV_EEXIST) {
        printf("%s has other things in it; they stay.\n", path);
        return 0;
    }
    if (r < 0)
        fprintf(stderr, "ldplayerd: %s cannot be removed: %s\n", path, uv_strerror(r));
    return r;
}

static int remove_content(const char *dir, bool all);

static int remove_entry(const char *dir, const uv_dirent_t *entry, bool all)
{
    char *path cleanup(mem_freep) = fs_join(dir, entry->name);
    if (entry->type != UV_DIRENT_DIR)
        return all || is_ours(entry->name) ? remove_file(path) : 0;
    if (all || !is_our_folder(entry->name))
        return 0;
    int r = remove_content(path, true);
    return r < 0 ? r : remove_folder(path);
}

/* ALL: whatever its name. Goes on after what could not be removed; returns the first failure. */
static int remove_content(const char *dir, bool all)
{
    uv_fs_t req;
    uv_dirent_t entry;
    int status = uv_fs_scandir(NULL, &req, dir, 0, NULL);
    status = status < 0 ? status : 0;
    while (uv_fs_scandir_next(&req, &entry) == 0) {
        int r = remove_entry(dir, &entry, all);
        status = status < 0 ? status : r;
    }
    uv_fs_req_cleanup(&req);
    return status;
}

/* Whether nobody uses DATA_DIR. The lock's own file goes with the rest. */
static enum svc_exit check_unused(const char *data_dir)
{
    struct svc_lock *lock = NULL;
    struct svc_lock_holder holder;
    int r = svc_lock_take(data_dir, "data remove", &lock, &holder);
    svc_lock_release(lock);
    if (r == 0)
        return SVC_EXIT_OK;
    if (r == UV_EBUSY)
        return svc_exit_fail("%s is in use by the ldplayerd with process id %lld; stop it first",
                             data_dir, (long long)holder.pid);
    return svc_exit_fail("%s cannot be locked: %s", data_dir, uv_strerror(r));
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
    enum svc_exit status = check_unused(data_dir);
    if (status != SVC_EXIT_OK)
        return status;
    int r = remove_content(data_dir, false);
    r = r < 0 ? r : remove_folder(data_dir);
    return r < 0 ? SVC_EXIT_FAILED : SVC_EXIT_OK;
}
