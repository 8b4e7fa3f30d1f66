/* SPDX-License-Identifier: MIT */
#ifndef CACHE_FILES_H
#define CACHE_FILES_H

#include <stdint.h>

#define CACHE_DB_NAME "ldplayerd.db" /* in the data directory */

/** A database is a file and what stands beside it under its name: the log (-wal), the memory that
 *  connections share (-shm), a journal (-journal). SQLite takes whatever it finds there for the
 *  file's own, so nothing of a former one may stand beside the name that another one gets.
 *  Blocking; any thread. */

/** Removes the file and what stands beside it. */
void cache_files_remove(const char *path);
/** The first that stands beside PATH, owned by the caller; NULL: nothing does. */
char *cache_files_find_beside(const char *path);
/** PREFIX, the UTC time NOW and SUFFIX, with "-2" and so on behind the time of a name where
 *  something stands, or beside it. Owned by the caller. */
char *cache_files_choose(const char *prefix, int64_t now, const char *suffix);
/** Gives all of it the name KEPT, the file first; what is not there is left out, so it can be
 *  repeated. Returns 0, or a UV code when all is where it was. */
int cache_files_put_aside(const char *path, const char *kept);
/** Gives a journal that is none of PATH's own the name `PATH.damaged-<UTC time>-journal`: of one
 *  that has a log, is damaged, or is not there. By who alone opens PATH, before. Returns 0 or a UV
 *  code. */
int cache_files_put_journal_aside(const char *path);
/** What to type so that COPY takes the place of the database in DATA_DIR; owned by the caller. */
char *cache_files_restore_command(const char *copy, const char *data_dir);

#endif
