/* SPDX-License-Identifier: MIT */
#include "cache/backup/trusted.h"

#include <errno.h>
#include <sys/stat.h>

#include <uv.h>

int cache_trusted_check(const char *path, const char *dir)
{
    struct stat file, folder;
    if (lstat(path, &file) < 0 || stat(dir, &folder) < 0)
        return uv_translate_sys_error(errno);
    return S_ISREG(file.st_mode) && file.st_uid == folder.st_uid ? 0 : UV_EPERM;
}
