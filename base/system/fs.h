/* SPDX-License-Identifier: MIT */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory/buf.h"

/** Small synchronous file operations over libuv, so paths are UTF-8 on every system. Any thread,
 *  but blocking: on the loop thread only at start and stop. All return 0 or a UV error. */

/** Whether PATH, or what it links to, is a plain file: 0, UV_EISDIR for a folder, UV_EFTYPE for a
 *  FIFO, a device or a socket, or why it cannot be looked at. Never waits for what is behind it. */
int fs_check_file(const char *path);
/** Appends the whole file to OUT; UV_EFBIG when it would pass OUT's maximum, and as fs_check_file
 *  what is no plain file. */
int fs_read(const char *path, struct buf *out);
/** Replaces PATH by BYTES as one step (temporary file beside it, fsync, rename). */
int fs_write_atomic(const char *path, const void *bytes, size_t n);
/** The same without waiting for the disk, for what means nothing to the next process: when the
 *  machine loses its power, PATH may be gone or empty. */
int fs_write_for_now(const char *path, const void *bytes, size_t n);
/** Creates the folder and its parents, readable by the owner alone. One that exists is fine;
 *  UV_ENOTDIR when PATH is something else. */
int fs_make_dirs(const char *path);
bool fs_exists(const char *path);
int fs_rename(const char *from, const char *to);
int fs_copy(const char *from, const char *to);
/** A file, or a link itself. */
int fs_remove(const char *path);
int fs_size(const char *path, int64_t *ret);
/** Which file stands at a path: its number on its drive, which another one does not have, whatever
 *  its name. (The drive's own number is left out: Wine tells it only some time after its start.) */
int fs_identify(const char *path, uint64_t *ret);
/** The first N bytes of a plain file; UV_EOF when it has less. */
int fs_read_head(const char *path, void *bytes, size_t n);
/** What was written to PATH is on the disk when this returns. */
int fs_flush(const char *path);

/** "DIR/NAME", owned by the caller; "DIR\NAME" when DIR is written so. */
char *fs_join(const char *dir, const char *name);
/** The part before the last separator (or "."), owned by the caller. */
char *fs_dirname(const char *path);
/** PATH without links, "." and "..", owned by the caller; a copy of it when it is not there. */
char *fs_real(const char *path);
/** Pointer into PATH behind its last separator. */
const char *fs_basename(const char *path);

#endif
