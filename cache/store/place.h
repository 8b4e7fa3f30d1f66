/* SPDX-License-Identifier: MIT */
#ifndef CACHE_PLACE_H
#define CACHE_PLACE_H

#include <stdatomic.h>

#include <sqlite3.h>

#include "base/system/fs.h"

/** Whether the files of an open database are still where they were opened, and as long as they were
 *  written. What is removed, renamed, replaced or emptied while it is open takes writes as before,
 *  and the next start finds none of them; and where the lock of the folder is not the one that was
 *  taken, another process can be its owner. */
struct cache_place {
    char *paths[3]; /* the database, its write-ahead log, the lock of the folder */
    struct fs_identity files[3];
    bool has_lock;         /* else the folder had none */
    atomic_llong shortest; /* that the database can be, in bytes: it only grows */
};

/* What service/process/lock.h locks, which may know nothing of the cache. */
#define CACHE_LOCK_NAME "ldplayerd.lock"

/** Of DB, which has a log, by the holder of the lock. */
void cache_place_init(struct cache_place *place, sqlite3 *db);
void cache_place_deinit(struct cache_place *place);
/** 0, or UV_ENXIO when a file is not the one that was opened, or is shorter than it was. The log
 * has at least N_PAGES; who does not write it says 0. What cannot be found out (a folder that may
 * not be entered) is believed: writing tells. Any thread; takes a few microseconds, and as long as
 * the drive needs when it is sick. */
int cache_place_check(struct cache_place *place, unsigned n_pages);
/** Whether the lock is still the one that was taken: else the database may be another process's. */
bool cache_place_is_mine(const struct cache_place *place);

#endif
