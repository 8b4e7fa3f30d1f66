/* SPDX-License-Identifier: MIT */
#ifndef CACHE_SCHEMA_H
#define CACHE_SCHEMA_H

#include <sqlite3.h>

#include "cache/db.h"

/** Numbered migrations over `PRAGMA user_version`. Each runs in its own transaction; a released
 *  migration is never edited, a new one is added. */

/** Brings DB to the newest version. Returns 0, UV_ENOTSUP when the file is newer than this
 *  program (left untouched), or a UV code. */
int cache_schema_migrate(sqlite3 *db, struct cache_db_error *reterr);
int cache_schema_newest(void);

#endif
