/* SPDX-License-Identifier: MIT */
#ifndef CACHE_WAL_H
#define CACHE_WAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/pages/file.h"

/** The write-ahead log of a database (sqlite.org/fileformat2.html#walformat). SQLite ends reading
 *  it at the first frame that is not right and says nothing of what comes behind; here each frame
 *  is judged by itself. Blocks; any thread. */

struct cache_wal_frame {
    uint32_t page;    /* number of the page, 0: its header is not to be read, or cannot be true */
    uint32_t n_pages; /* of the database after this transaction, which ends here; 0: goes on */
    uint64_t offset;  /* of the page's bytes in the log */
    bool is_good;
};

struct cache_wal {
    struct cache_wal_frame *frames; /* up to the end of the last transaction */
    size_t n_frames;
    /* Something that was acknowledged is not to be read. A last transaction that is torn is no
     * damage: nobody was told that it is on disk. */
    bool is_damaged;
};

/** FILE may be negative: no log. N_PAGES: of the database file, which bounds what a frame can say.
 * A log without a header and without two frames that prove each other is none of ours: it is
 * damaged and has no frames. */
void cache_wal_read(uv_file file, uint32_t n_pages, struct cache_wal *ret);
void cache_wal_deinit(struct cache_wal *wal);
/** Whether the log of the database at PATH is damaged; false when there is none. */
bool cache_wal_is_damaged(const char *path);
/** Whether the log of the database at PATH, which a process that was killed had left, is gone or
 * has less than that process had written, and with it what stood nowhere else. Known as long as its
 *  -shm is there and nobody has opened the database since. While this process has the database open
 *  it must not be asked: to read the -shm ends the locks that SQLite has on it. */
bool cache_wal_is_lost(const char *path);

#endif
