/* SPDX-License-Identifier: MIT */
#ifndef CACHE_REPAIR_H
#define CACHE_REPAIR_H

#include <stdbool.h>

#include "base/text/json.h"
#include "cache/store/files.h"
#include "cache/store/salvage.h"

/** Puts a new database, made of what the damaged one still holds, in its place. The damaged file is
 *  kept, with its log, as `<file>.damaged-<UTC time>`. There is one way to heal, also where only an
 *  index is wrong: nothing is written into a file that is known to be damaged, and what was found
 *  stays as it was. Blocks; only by the holder of the data directory's lock. */

enum { CACHE_FINDING_SIZE = 300 };

/** A finding of cache_wal_is_lost. */
#define CACHE_DB_LOG_LOST                                                                          \
    "its write-ahead log is gone or cut off, and with it what was written last"

/** What was done to a database. It stands in the database itself until it was told of: who repairs
 *  it (a command, a process that was killed then) is not always who can tell. One that was in doubt
 *  (see cache_repair_suspect) and is found to be sound is told of in the same way, and its `finish`
 *  called: an older one may have got into its place. */
struct cache_repair {
    /* Set by the caller: called on the new database before it takes its place, or NULL. Returns 0
     * or a UV code. */
    int (*finish)(sqlite3 *db);
    char finding[CACHE_FINDING_SIZE]; /* the first thing that was wrong */
    char *kept;                       /* path of the damaged file; NULL: it was in doubt alone */
    char *copy;                       /* path of the newest daily copy, NULL: there is none, or
                                       * nobody looked (see cache/backup/missing.h) */
    struct cache_salvage saved;
    int64_t at; /* wall ms; 0: there is nothing to tell */
};

void cache_repair_deinit(struct cache_repair *repair);
/** What was wrong and what became of it, for people; owned by the caller. */
char *cache_repair_sentence(const struct cache_repair *repair);
/** Whether any row was, or may have been, lost. */
bool cache_repair_is_loss(const struct cache_repair *repair);
/** The same in members of OBJECT: at, finding, kept, copy, tables. */
void cache_repair_add_json(const struct cache_repair *repair, yyjson_mut_doc *doc,
                           yyjson_mut_val *object);

/** REPAIR has its `finish` and finding. PATH is free of open connections. A crash at any moment
 *  leaves something that cache_repair_resume goes on from. Returns 0 or a UV code, with the
 *  damaged file still in its place or under its kept name. */
int cache_repair_run(const char *path, struct cache_repair *repair);
/** Before PATH is opened: finishes what a crash cut off, or clears it away, and a journal that is
 *  none of PATH's own (see files.h). Returns 0 or a UV code. */
int cache_repair_resume(const char *path);
/** Of DB, which is open and sound, but was marked: notes that it was in doubt, and why. REPAIR as
 *  above. Returns 0 or a UV code. */
int cache_repair_note_doubt(sqlite3 *db, struct cache_repair *repair);
/** What was done to DB and not told of yet; `at` 0: nothing. Returns 0 or a UV code. */
int cache_repair_read(sqlite3 *db, struct cache_repair *ret);
/** The preference that it is, to be removed when it was told of. */
#define CACHE_REPAIR_NOTE "repaired"

/** Leaves word for the next opening to check the database in DATA_DIR, and WHY, in a few words; on
 *  disk on return. Any thread. Returns 0 or a UV code. */
int cache_repair_suspect(const char *data_dir, const char *why);
bool cache_repair_is_suspect(const char *path);
void cache_repair_trust(const char *path);

#endif
