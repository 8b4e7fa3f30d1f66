/* SPDX-License-Identifier: MIT */
#ifndef CACHE_COPY_H
#define CACHE_COPY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/store/schema.h"

/** A copy of a database as it is at one moment, made with SQLite's online backup: whoever writes to
 *  it meanwhile is not held up. Blocking; any thread. */

enum { CACHE_COPY_MAX_TABLES = 32 };

struct cache_copy {
    int64_t bytes;
    int schema_version;
    size_t n_tables;
    struct cache_copy_table {
        char name[48];
        int64_t n_rows;
    } tables[CACHE_COPY_MAX_TABLES];
};

/** Copies the database FROM, which is only read, to the new file TO: one plain file without a
 *  write-ahead log, checked (PRAGMA integrity_check), with the tables of its version and nothing
 *  else (a trigger of somebody's would run in the service), on disk when this returns. TO is
 *  replaced; it should be a temporary name, because what a killed process left there is no
 *  database. Until CANCEL, which may be NULL, becomes true. Returns 0, or without TO and with
 *  RETERR, a sentence that begins with the file that is at fault: UV_ENOENT, UV_EACCES, UV_ENOSPC,
 *  UV_EISDIR (no plain file), UV_EFTYPE (no database, or a damaged one), UV_ENOTSUP (of another
 * program or format, or of a newer version of this one), UV_ECANCELED, UV_ENXIO (somebody has
 * removed TO meanwhile) and others. */
int cache_copy_make(const char *from, const char *to, const atomic_bool *cancel,
                    struct cache_copy *ret, struct cache_db_error *reterr);
/** Whether the copy at PATH is still as it was made, all of it: 0, or with RETERR the codes of
 *  cache_copy_make that are FROM's. */
int cache_copy_check(const char *path, struct cache_db_error *reterr);

#endif
