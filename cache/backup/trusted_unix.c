/* SPDX-License-Identifier: MIT */
#include "cache/backup/trusted.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

int cache_trusted_check(const char *path, const char *dir)
{
    struct stat file, folder;
    if (lstat(path, &file) < 0 || stat(dir, &folder) < 0)
        return uv_translate_sys_error(errno);
    return S_ISREG(file.st_mode) && file.st_uid == folder.st_uid ? 0 : UV_EPERM;
}

int cache_trusted_give(const char *path, const char *dir)
{
    struct stat folder;
    if (stat(dir, &folder) < 0)
        return uv_translate_sys_error(errno);
    if (folder.st_uid == geteuid() || chown(path, folder.st_uid, folder.st_gid) == 0)
        return 0;
    return uv_translate_sys_error(errno);
}
