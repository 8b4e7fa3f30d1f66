/* SPDX-License-Identifier: MIT */
#ifndef CACHE_RESTORE_H
#define CACHE_RESTORE_H

#include <stdbool.h>

#include "cache/backup/copy.h"
#include "cache/store/store.h"

/** Putting a backup in the place of the database, in two steps. Staging makes
 * `ldplayerd.db.restore` of it beside the database, which may be in use. Finishing, by the holder
 * of the lock while the database is closed, keeps the former one as `ldplayerd.db.replaced-<UTC
 * time>` and lets the staged one take its place. A process that is killed at any moment leaves the
 * one or the other, whole; the next finish goes on. Blocking. */

/** In a staged database an operation that had not ended is interrupted, because it may have been
 *  carried out since and is not done twice; numbers of events go on above all that the former
 *  database can have told. FILE is only read. RET says what was staged, RET_INTERRUPTED how many
 *  operations. Returns 0, or with RETERR (a sentence that begins with FILE) the codes of
 *  cache_copy_make; then nothing is staged. */
int cache_restore_stage(const char *data_dir, const char *file, struct cache_copy *ret,
                        unsigned *ret_interrupted, struct cache_db_error *reterr);
/** Returns 0 when one is staged, UV_ENOENT when not, UV_EPERM when it is somebody's who may not
 *  (see trusted.h), or another UV code. */
int cache_restore_check(const char *data_dir);
/** What was staged is not wanted any more. */
void cache_restore_unstage(const char *data_dir);

/** Returns 0; RET_KEPT is then NULL when nothing was staged, else the path where the former
 * database is kept ("" when there was none), owned by the caller. Or with RETERR: UV_EPERM for a
 * staged one that is not trusted (the database is as it was), other UV codes when it could not take
 * its place: the database must not be opened then. */
int cache_restore_finish(const char *data_dir, char **ret_kept, struct cache_db_error *reterr);

/** What a staged database says of itself at the first start with it: the data of the event
 *  `service.database_restored`, owned by the caller; NULL in any other. Returns 0 or a UV code. */
int cache_restore_read_note(sqlite3 *db, char **ret_note);
/** It was told. */
void cache_restore_forget_note(struct cache_store *store);

#endif
