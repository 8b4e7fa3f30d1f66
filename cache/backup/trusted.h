/* SPDX-License-Identifier: MIT */
#ifndef CACHE_TRUSTED_H
#define CACHE_TRUSTED_H

/** Whether the file PATH was put into the folder DIR by somebody who may: a plain file, no link, of
 *  the folder's owner (on Windows also of SYSTEM, the administrators or this process's user).
 *  Returns 0, UV_ENOENT, UV_EPERM, or another UV code. */
int cache_trusted_check(const char *path, const char *dir);

#endif
