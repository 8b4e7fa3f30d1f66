/* SPDX-License-Identifier: MIT */
#ifndef CACHE_SCHEMA_H
#define CACHE_SCHEMA_H

#include <sqlite3.h>

#include "cache/store/sql.h"

/** Numbered migrations over `PRAGMA user_version`. Each runs in its own transaction; a released
 *  migration is never edited, a new one is added. */

/** Why the database cannot be used. */
struct cache_db_error {
    char text[512]; /* one sentence: what, which file, why, what to do */
};

/** Brings DB to the newest version. Returns 0, UV_ENOTSUP when the file is newer than this
 *  program (left untouched), or a UV code. */
int cache_schema_migrate(sqlite3 *db, struct cache_db_error *reterr);
int cache_schema_newest(void);

#endif
