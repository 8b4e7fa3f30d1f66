/* SPDX-License-Identifier: MIT */
#ifndef CACHE_RESTORE_PRIVATE_H
#define CACHE_RESTORE_PRIVATE_H

#include "base/text/json.h"
#include "cache/backup/restore.h"

/** Shared by restore.c (the three steps) and restore_note.c. The note says what became of a backup
 *  and goes with it: made when it is staged, completed when it is about to take the database's
 *  place, told by the first start with it; then it stays as that of the last restore. */

/** To write, for cache_sql_close. Returns 0 or a UV code. */
int cache_restore_open(const char *path, sqlite3 **ret);
/** One that was not told, to be changed. UV_ENOENT when DB has none. */
int cache_restore_note_read(sqlite3 *db, yyjson_mut_doc **ret);
/** Within the transaction that is open, if any. Returns 0 or a UV code. */
int cache_restore_note_write(sqlite3 *db, yyjson_mut_doc *doc);

#endif
