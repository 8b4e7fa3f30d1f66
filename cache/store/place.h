/* SPDX-License-Identifier: MIT */
#ifndef CACHE_PLACE_H
#define CACHE_PLACE_H

#include <sqlite3.h>

#include "base/system/fs.h"

/** Whether the files of an open database are still where they were opened. What is removed, renamed
 *  or replaced while it is open takes writes as before, and the next start finds none of them. */
struct cache_place {
    char *paths[2]; /* the database, its write-ahead log */
    uint64_t files[2];
};

/** Of DB, which has a log. */
void cache_place_init(struct cache_place *place, sqlite3 *db);
void cache_place_deinit(struct cache_place *place);
/** 0, or UV_ENXIO when a file is not the one that was opened. What cannot be found out (a folder
 *  that may not be entered) is believed: writing tells. Any thread; takes a few microseconds, and
 *  as long as the drive needs when it is sick. */
int cache_place_check(const struct cache_place *place);

#endif
