/* SPDX-License-Identifier: MIT */
#ifndef CACHE_FILE_H
#define CACHE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

/** A file that is read at any place. Blocks; any thread. */

enum { CACHE_PAGE_SIZE = 4096 }; /* of every database that this program makes */

/** Negative when it cannot be opened. */
uv_file cache_file_open(const char *path);
/** Accepts a negative FILE. */
void cache_file_close(uv_file file);
/** -1 when it is not known. */
int64_t cache_file_size(uv_file file);
/** Whole pages of a database file; 0 for a negative FILE. */
uint32_t cache_file_pages(uv_file file);
/** How many of the *RET_N pieces of a page's size that the file at PATH has cannot be read, because
 *  the disk does not. 0 when it cannot be opened. */
uint32_t cache_file_count_unreadable(const char *path, uint32_t *ret_n);
/** All N bytes from OFFSET on. Returns 0, UV_EOF where the file is shorter, or a UV code. */
int cache_file_read(uv_file file, uint64_t offset, void *bytes, size_t n);

/** Numbers as SQLite writes them, the highest byte first. */
uint32_t cache_file_u16(const unsigned char *p);
uint32_t cache_file_u32(const unsigned char *p);

#endif
