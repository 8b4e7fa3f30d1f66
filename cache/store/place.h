/* SPDX-License-Identifier: MIT */
#ifndef CACHE_PLACE_H
#define CACHE_PLACE_H

#include <stdatomic.h>

#include <sqlite3.h>

#include "base/system/fs.h"

/** Whether the files of an open database are still where they were opened, and what was written.
 * What is removed, renamed, replaced or emptied while it is open takes writes as before, and the
 * next start finds none of them; a database that somebody has copied another one into is read as a
 * mix of both; and where the lock of the folder is not the one that was taken, another process can
 * be its owner. Of the one database that this process writes. */
struct cache_place {
    char *paths[3]; /* the database, its write-ahead log, the lock of the folder */
    struct fs_identity files[3];
    bool has_lock;         /* else the folder had none */
    atomic_llong shortest; /* that the database can be, in bytes: it only grows */
    /* When we last wrote into the database; 0 where nobody else can: Windows. It is written only
     * when its log is copied back, as these calls say, which are an odd number then. */
    atomic_llong written_at;
    atomic_uint n_copy_calls;
};

/* What service/process/lock.h locks, which may know nothing of the cache. */
#define CACHE_LOCK_NAME "ldplayerd.lock"

/** Of DB, which has a log, by the holder of the lock. */
void cache_place_init(struct cache_place *place, sqlite3 *db);
void cache_place_deinit(struct cache_place *place);
/** 0, or UV_ENXIO when a file is not the one that was opened, is shorter than it was, or somebody
 * else has written into the database. The log has at least N_PAGES; who does not write it says 0.
 * What cannot be found out (a folder that may not be entered) is believed: writing tells. Any
 * thread; takes a few microseconds, and as long as the drive needs when it is sick. */
int cache_place_check(struct cache_place *place, unsigned n_pages);
/** What the last check of this process that failed has found: "ldplayerd.db is gone". Any thread.
 */
const char *cache_place_finding(void);
/** Around what copies the log back into the database, by who does that. */
void cache_place_begin_copy(struct cache_place *place);
void cache_place_end_copy(struct cache_place *place);
/** Whether the lock is still the one that was taken: else the database may be another process's. */
bool cache_place_is_mine(const struct cache_place *place);

#endif
