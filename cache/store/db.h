/* SPDX-License-Identifier: MIT */
#ifndef CACHE_DB_H
#define CACHE_DB_H

#include <sqlite3.h>

#include "cache/store/profile.h"
#include "cache/store/repair.h"
#include "cache/store/schema.h"
#include "cache/store/sql.h"

/** One SQLite connection to `<data dir>/ldplayerd.db`, opened the way everything here needs it:
 *  WAL, synchronous=FULL (an acknowledged write survives a power cut), foreign keys on, busy
 *  timeout 5 s, schema at the newest version, at most 1 MiB of page cache; a profile changes some
 *  of that (cache_db_tune). A connection belongs to one thread.
 *
 *  Exactly one connection writes, and it alone copies the write-ahead log back: that of the process
 *  that holds the lock of the data directory, which its caller has taken (service/process/lock.h),
 *  and in that process the one of cache_db_open; nobody else may check, repair or put aside.
 * Readers are cache_db_open_reader's. SQLite before 3.51.3 can lose a commit when two connections
 * write or checkpoint at the same moment (its "WAL-reset" fault); with one writer there is no such
 * moment. */

/** Opens or creates the database (and the folder), checks and repairs it, and migrates it. While a
 *  connection of an earlier call is open it is refused (UV_EBUSY).
 *
 *  Checked each time: that the write-ahead log has all that was written and can be read, and that
 * the tables are those of the schema's version (about a millisecond). Checked in full (PRAGMA
 * integrity_check, about a second for 100,000 operations, once) are files of at most 64 MiB, those
 * which a process left without closing them (a -wal that is not empty), and those marked by
 * cache_repair_suspect; the mark is taken away on success.
 *
 *  What is damaged is repaired as cache/store/repair.h says: the damaged file is kept, and
 *  RET_REPAIR says what was done, now or before, and not told of yet (its `at` is 0 for
 *  nothing); it may be NULL, else the caller has set its `finish` and frees it by
 *  cache_repair_deinit. An up to date and sound database is only read.
 *
 *  Returns 0, or with RETERR filled: UV_EACCES (read-only folder or file), UV_ENOSPC, UV_EBUSY
 *  (locked by another program beyond the timeout), UV_ENOTSUP (made by a newer version),
 *  UV_EIO and others. */
int cache_db_open(const char *data_dir, sqlite3 **ret_db, struct cache_repair *ret_repair,
                  struct cache_db_error *reterr);
/** Whether what stands at PATH, and beside it as its log or journal, can be a database: not a FIFO,
 * a folder or the like, which SQLite would wait for or say nothing useful of, and no link, which
 * SQLite follows and looks for the log where it leads. Returns 0, also where nothing is, or
 * UV_EISDIR with RETERR filled. */
int cache_db_check_kind(const char *path, struct cache_db_error *reterr);
/** Runs DB as PROFILE says from now on; PROFILE must outlive it. Returns 0 or a UV code. */
int cache_db_tune(sqlite3 *db, const struct cache_profile *profile);
/** A connection to the database at PATH, which a writer of this process has open, that only reads,
 *  tuned; it never checkpoints. Any thread. Returns 0 or a UV code. */
int cache_db_open_reader(const char *path, const struct cache_profile *profile, sqlite3 **ret_db);
/** Copies the write-ahead log back and empties it, as far as no other program stands in the way. */
void cache_db_checkpoint(sqlite3 *db);
/** Closes; the last connection to the file checkpoints it. Every statement must be finalised.
 *  Accepts NULL. */
void cache_db_close(sqlite3 *db);

#endif
