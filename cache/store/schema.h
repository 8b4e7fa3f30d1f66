/* SPDX-License-Identifier: MIT */
#ifndef CACHE_SCHEMA_H
#define CACHE_SCHEMA_H

#include <stdbool.h>

#include <sqlite3.h>

#include "cache/store/sql.h"

/** Numbered migrations over `PRAGMA user_version`. Each runs in its own transaction; a released
 *  migration is never edited, a new one is added. */

/** Why the database cannot be used. */
struct cache_db_error {
    char text[1024]; /* one sentence: what, which file, why, what to do */
};

/** Brings DB to the newest version. Returns 0, UV_ENOTSUP when the file is newer than this
 *  program (left untouched), UV_EFTYPE for a damaged file, or a UV code. */
int cache_schema_migrate(sqlite3 *db, struct cache_db_error *reterr);
int cache_schema_newest(void);
/** Makes DB, which is empty, one of VERSION, within the transaction that is open, if any. Returns 0
 *  or a UV code. */
int cache_schema_make(sqlite3 *db, int version);
/** An empty database of VERSION in memory, for cache_sql_close. Returns 0 or a UV code. */
int cache_schema_model(int version, sqlite3 **ret_db);
/** Whether DB has every table and index of its version as a migration made it; a newer version is
 *  believed. Takes some milliseconds unless DB is of the newest version and has nothing else.
 *  Returns 0 or a UV code. */
int cache_schema_check(sqlite3 *db, bool *ret_is_whole);
/** A digest of all tables and indexes. Returns 0 or a UV code. */
int cache_schema_digest(sqlite3 *db, uint64_t *ret);
/** That of the newest version; a test says what it has to be. */
extern const uint64_t cache_schema_newest_digest;

enum { CACHE_SCHEMA_OBJECT_SIZE = 96 };
/** What of DB, which is of a version that is known, is not exactly as the migrations make it: the
 *  first table, index, view or trigger ("trigger t") that is missing, different or not ours; "" for
 *  none. Returns 0 or a UV code. */
int cache_schema_find_foreign(sqlite3 *db, char ret_object[CACHE_SCHEMA_OBJECT_SIZE]);

#endif
