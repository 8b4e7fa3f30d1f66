/* SPDX-License-Identifier: MIT */
#ifndef CACHE_SALVAGE_H
#define CACHE_SALVAGE_H

#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

/** Saves what a damaged database still holds. Its pages are read one by one, without SQLite, so
 *  that a bad page costs what stands on it and nothing else: neither what is below it in its tree,
 *  nor what comes behind it, nor (page 1) everything. */

enum { CACHE_SALVAGE_MAX_TABLES = 16 };

struct cache_salvage_table {
    char name[32];
    uint64_t n_kept;
    int64_t n_lost; /* -1: nothing is left that would tell */
};

struct cache_salvage {
    struct cache_salvage_table tables[CACHE_SALVAGE_MAX_TABLES]; /* by name */
    size_t n_tables;
};

/** Makes a database at TO, where there must be none, with every row of the one at FROM (and its
 *  log) that can be read and fits its table, brings it to the newest schema version, fills RET, and
 *  calls FINISH on it, which returns 0 or a UV code. FROM is only read; what it holds in tables of
 * others stays there alone. TO is on disk on return. Takes a few seconds for each 100 MB, and as
 * much room on the disk. Returns 0, UV_ENOSPC or another code, with an unfinished file at TO. */
int cache_salvage(const char *from, const char *to, int (*finish)(sqlite3 *db, void *arg),
                  void *arg, struct cache_salvage *ret);

#endif
