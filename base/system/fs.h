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
/** Whether PATH itself is a link, wherever that leads. */
bool fs_is_link(const char *path);
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
/** Whether some process has PATH open, as one that is still writing it; false where that cannot be
 *  told, which is everywhere but on Windows. */
bool fs_is_open(const char *path);
int fs_size(const char *path, int64_t *ret);
/** What is free for an ordinary program on the disk of FOLDER; UINT64_MAX = not known. A sick drive
 *  answers late. */
uint64_t fs_free_bytes(const char *folder);
/** Which file stands at a path, whatever its name: its number on its drive, and that of the drive,
 *  0 where that is not known. (Wine tells it only some time after its start.) */
struct fs_identity {
    uint64_t drive, file;
    /* When it was asked, no part of what it is: in bytes; when it was last written to, ns. */
    int64_t size, written_at;
};
int fs_identify(const char *path, struct fs_identity *ret);
/** As far as both say where they are. */
bool fs_is_same(const struct fs_identity *a, const struct fs_identity *b);
/** Gives PATH, which this process has made in a folder of another account, to the owner of that
 *  folder, so that it can be used there: a file under no other name, and no link. Windows needs no
 *  such thing: its files have the permissions of their folder. */
int fs_give(const char *path);
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
