/* SPDX-License-Identifier: MIT */
#ifndef CACHE_SQL_H
#define CACHE_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

/** Short ways to run statements on a connection, and what SQLite answers as UV codes. A connection
 *  belongs to one thread. */

/** The UV code that says the same as the connection's last result; more exact than
 *  cache_sql_result because it knows the system's error behind it. */
int cache_sql_error_code(sqlite3 *db);
/** For a step or exec result of SQLite: 0 for OK, ROW and DONE, else a UV code. UV_EFTYPE says
 *  that the file is damaged. */
int cache_sql_result(int sqlite_result);

/** Runs statements without parameters, and not again. Returns 0 or a UV code. */
int cache_sql_exec(sqlite3 *db, const char *sql);
/** Prepares SQL, binds PARAMETERS by one letter each ("s" text or NULL, "i" int64), and runs it to
 *  its end: for statements without rows. The prepared statement is kept with the connection for
 *  the next call with the same SQL, as many as the profile says. Returns 0 or a UV code. */
int cache_sql_run(sqlite3 *db, const char *sql, const char *types, ...);
/** The same for a query; the caller steps it with sqlite3_step and releases it. */
int cache_sql_query(sqlite3 *db, sqlite3_stmt **ret_stmt, const char *sql, const char *types, ...);
void cache_sql_release(sqlite3_stmt *stmt);
void cache_sql_releasep(sqlite3_stmt **stmt);
/** The number that a query without parameters gives in its one row. Returns 0 or a UV code. */
int cache_sql_number(sqlite3 *db, const char *sql, int64_t *ret);
/** Whether SQLite finds the database sound (PRAGMA integrity_check; reads all of it). Returns 0,
 *  UV_EFTYPE with the first thing that is wrong in FINDING (SIZE bytes), or a UV code. */
int cache_sql_check_integrity(sqlite3 *db, char *finding, size_t size);
/** Text of a column, "" for NULL; valid until the next step. */
const char *cache_sql_text(sqlite3_stmt *stmt, int column);
/** Copy of a column's text owned by the caller, NULL for NULL. */
char *cache_sql_text_dup(sqlite3_stmt *stmt, int column);
/** Whether a column's text is JSON: what goes to clients as it is must be, also when a bit of it
 *  has fallen over on the disk, which SQLite does not notice. */
bool cache_sql_is_json(sqlite3_stmt *stmt, int column);
/** Like cache_sql_text_dup, but a copy of INSTEAD (may be NULL) of what is not JSON. */
char *cache_sql_json_dup(sqlite3_stmt *stmt, int column, const char *instead);
/** Finalises the statements that the connection keeps, and closes it. All must have been released.
 *  Accepts NULL. */
void cache_sql_close(sqlite3 *db);
void cache_sql_closep(sqlite3 **db);
/** What a UV code of the database means, in a few words. */
const char *cache_sql_strerror(int uv_error);
/** What to do about a UV code of the database: completes "the database answered ...: ". */
const char *cache_sql_advice(int uv_error);
/** A read-only file system or a missing right is UV_EACCES here; other codes stay. */
int cache_sql_fold_system_error(int uv_error);

#endif
