/* SPDX-License-Identifier: MIT */
#ifndef CACHE_RESTORE_H
#define CACHE_RESTORE_H

#include <stdbool.h>

#include "base/system/random.h"
#include "cache/backup/copy.h"
#include "cache/store/store.h"

/** Putting a backup in the place of the database, in three steps. Staging makes
 *  `ldplayerd.db.staged-<id>` of it beside the database, which may be in use; nothing comes of that
 *  alone. Arming, by the holder of the lock, gives it the name `ldplayerd.db.restore`: now it is
 *  wanted, one at a time. Finishing, by the holder of the lock while the database is closed, keeps
 *  the former one as `ldplayerd.db.replaced-<UTC time>` and lets the armed one take its place. A
 *  process that is killed at any moment leaves the one or the other, whole; the next finish goes
 *  on. Blocking. */

struct cache_staged {
    char id[UUID_SIZE];
    struct cache_copy copy;
    unsigned n_interrupted;
};

/** In a staged database an operation that had not ended is interrupted, because it may have been
 *  carried out since and is not done twice. FILE is only read. Any process. Returns 0, or with
 *  RETERR (a sentence that begins with the file that is at fault) the codes of cache_copy_make, or
 *  UV_EINVAL for the database itself; then nothing is staged. */
int cache_restore_stage(const char *data_dir, const char *file, struct cache_staged *ret,
                        struct cache_db_error *reterr);
/** What was staged is not wanted any more. Returns 0 when it cannot be armed any more, UV_ENOENT
 *  when it is not there: it was armed, or removed. */
int cache_restore_unstage(const char *data_dir, const char *id);
/** Returns 0, or with RETERR (a sentence): UV_ENOENT when nothing is staged as ID, which may be any
 *  text; UV_EPERM when it is somebody's who may not (see trusted.h); UV_EEXIST when one is armed
 *  already; or another UV code. By one at a time. */
int cache_restore_arm(const char *data_dir, const char *id, struct cache_db_error *reterr);

/** Event numbers of the new database go on above all that it and the former one can have told of,
 *  and the former one's Idempotency-Keys of the last day go on in it; a damaged one, or a log that
 *  is there alone, is read as a repair would, and the note says what may be lost, as it does where
 *  there was none.
 *  What is staged is removed: nobody waits for it any more. Returns 0; RET_KEPT is then NULL when
 *  nothing was armed, else the path where the former database is kept ("" when there was none),
 *  owned by the caller. Or with RETERR: UV_EPERM when the database is as it was (the armed one
 *  is not believed; or it could not be completed, say for want of room, and is removed), other UV
 * codes when it could not take its place: the database must not be opened then. */
int cache_restore_finish(const char *data_dir, char **ret_kept, struct cache_db_error *reterr);

/** What a database says of the last restore of it: the data of the event
 *  `service.database_restored`, owned by the caller; NULL where there was none. RET_IS_TOLD: by an
 *  earlier start. Returns 0 or a UV code. */
int cache_restore_read_note(sqlite3 *db, char **ret_note, bool *ret_is_told);
/** It was told. */
void cache_restore_set_told(struct cache_store *store);

struct cache_restored {
    char *staged;     /* the id of what took the place */
    char *kept;       /* the path of the former database; NULL: there was none */
    char *lost;       /* a sentence on what could not be had of that; NULL: nothing was lost */
    char *live_again; /* a sentence on tokens that were revoked in that; NULL: there are none */
};
void cache_restored_deinit(struct cache_restored *restored);
/** The same of the database in DATA_DIR, which nobody has open. By the holder of the lock. Returns
 *  0, UV_ENOENT when there was none, or another UV code. */
int cache_restore_read_last(const char *data_dir, struct cache_restored *ret);

#endif
