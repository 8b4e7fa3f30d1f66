/* SPDX-License-Identifier: MIT */
#ifndef CACHE_MISSING_H
#define CACHE_MISSING_H

#include "base/text/json.h"
#include "cache/store/db.h"

/** A database that is not there although there are copies of it is no first start: it is gone; so
 * is one of which a repair saved nothing but what stood in its log. A new one is begun all the
 * same, and says of itself since when, until there are no copies from before any more: then
 * somebody has restored one, or wants none of them. Blocking; any thread. */

enum { CACHE_MISSING_MAX_COPIES = 8 };

struct cache_missing {
    int64_t at; /* wall ms, when the new database was begun; 0: none is missing */
    char *data_dir;
    char *copies[CACHE_MISSING_MAX_COPIES]; /* paths of what there is from before, as many as there
                                             * is room for; the one to restore first */
    size_t n_copies;
};

void cache_missing_deinit(struct cache_missing *missing);
/** What there is in DATA_DIR of a database from before AT: backups, the newest first, then what a
 *  restore or a repair has put aside, then backups of a time to come: the clock was wrong when they
 *  were made, so it is not known how old they are. */
void cache_missing_find(const char *data_dir, int64_t at, struct cache_missing *ret);
/** cache_db_open, where REPAIR's `copy` is set as well, a refusal of a database that this program
 *  cannot read names a copy, and RET says what is missing since when. By
 *  the holder of the lock. */
int cache_missing_open(const char *data_dir, sqlite3 **ret_db, struct cache_repair *repair,
                       struct cache_missing *ret, struct cache_db_error *reterr);
/** What the copy of a database at PATH says of that in DATA_DIR; `at` is 0 where nothing is
 * missing. Returns 0 or a UV code. */
int cache_missing_read(const char *path, const char *data_dir, struct cache_missing *ret);
/** The preference that it is, to be removed when there are no copies any more. */
#define CACHE_MISSING_NOTE "missing"

/** What is missing and what to do, for people; owned by the caller. */
char *cache_missing_sentence(const struct cache_missing *missing);
/** The same in members of OBJECT: at, copies. */
void cache_missing_add_json(const struct cache_missing *missing, yyjson_mut_doc *doc,
                            yyjson_mut_val *object);

#endif
