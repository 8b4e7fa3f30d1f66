/* SPDX-License-Identifier: MIT */
#ifndef CACHE_DB_H
#define CACHE_DB_H

#include <stdbool.h>

#include <sqlite3.h>

#include "cache/profile.h"

/** One SQLite connection to `<data dir>/ldplayerd.db`, opened the way everything here needs it:
 *  WAL, synchronous=FULL (an acknowledged write survives a power cut), foreign keys on, busy
 *  timeout 5 s, schema at the newest version, at most 1 MiB of page cache; a profile changes some
 *  of that (cache_db_tune). Used by the store's
 *  worker and by the command line, which may both be at work at the same time. A connection
 *  belongs to one thread. */

struct cache_db_error {
    char text[512]; /* one sentence: what, which file, why, what to do */
};

/** Opens or creates the database (and the folder) and migrates it. An up to date database is only
 *  read. A file that is damaged (not a database, or corrupt where it is read at start) is renamed
 *  to `<file>.damaged-<UTC time>` together with its -wal and -shm, never overwritten, and a new
 *  one is made; RET_QUARANTINED (may be NULL) then receives the kept file's path, owned by the
 *  caller, and is otherwise left alone.
 *  Returns 0, or with RETERR filled: UV_EACCES (read-only folder or file), UV_ENOSPC, UV_EBUSY
 *  (locked by another program beyond the timeout), UV_ENOTSUP (made by a newer version),
 *  UV_EIO and others. */
int cache_db_open(const char *data_dir, sqlite3 **ret_db, char **ret_quarantined,
                  struct cache_db_error *reterr);
/** Runs DB as PROFILE says from now on; PROFILE must outlive it. Returns 0 or a UV code. */
int cache_db_tune(sqlite3 *db, const struct cache_profile *profile);
/** A second connection to the open database DB that only reads, tuned. May be called by another
 *  thread than DB's. Returns 0 or a UV code. */
int cache_db_open_reader(const char *path, const struct cache_profile *profile, sqlite3 **ret_db);
/** Copies the write-ahead log back and empties it, as far as no other program stands in the way. */
void cache_db_checkpoint(sqlite3 *db);
/** Closes; the last connection to the file checkpoints it. Every statement must be finalised.
 *  Accepts NULL. */
void cache_db_close(sqlite3 *db);
/** The UV code that says the same as the connection's last result; more exact than
 *  cache_db_result because it knows the system's error behind it. */
int cache_db_error_code(sqlite3 *db);
/** For a step or exec result of SQLite: 0 for OK, ROW and DONE, else a UV code. UV_EFTYPE says
 *  that the file is damaged. */
int cache_db_result(int sqlite_result);

/** Prepares SQL, binds PARAMETERS by one letter each ("s" text or NULL, "i" int64), and runs it to
 *  its end: for statements without rows. The prepared statement is kept with the connection for
 *  the next call with the same SQL, as many as the profile says. Returns 0 or a UV code. */
int cache_db_run(sqlite3 *db, const char *sql, const char *types, ...);
/** The same for a query; the caller steps it with sqlite3_step and releases it. */
int cache_db_query(sqlite3 *db, sqlite3_stmt **ret_stmt, const char *sql, const char *types, ...);
void cache_db_release(sqlite3_stmt *stmt);
void cache_db_releasep(sqlite3_stmt **stmt);
/** Text of a column, "" for NULL; valid until the next step. */
const char *cache_db_text(sqlite3_stmt *stmt, int column);
/** Copy of a column's text owned by the caller, NULL for NULL. */
char *cache_db_text_dup(sqlite3_stmt *stmt, int column);

#endif
