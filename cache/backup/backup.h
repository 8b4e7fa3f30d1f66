/* SPDX-License-Identifier: MIT */
#ifndef CACHE_BACKUP_H
#define CACHE_BACKUP_H

#include <stdbool.h>

#include "cache/backup/copy.h"

/** The folder `backups` in the data directory: checked copies of the database,
 *  `ldplayerd-20261126T032800Z.db`. Files of other names are left alone. Blocking; any thread;
 *  used by who holds the lock of the data directory, who makes or prunes one at a time. */

enum { CACHE_BACKUP_NAME_SIZE = 48 };

struct cache_backup {
    char name[CACHE_BACKUP_NAME_SIZE];
    int64_t created_at; /* wall ms, as the name says */
    int64_t bytes;
    int schema_version;
};

/** Whether NAME is one that a backup can have: no path, nothing else. */
bool cache_backup_is_name(const char *name);
/** Owned by the caller. */
char *cache_backup_path(const char *data_dir, const char *name);

/** Copies the database of DATA_DIR, which nobody has open, to the new file TO. See cache_copy_make.
 *  One that is found to be damaged (UV_EFTYPE) is marked for the next start to check and repair it.
 */
int cache_backup_copy(const char *data_dir, const char *to, struct cache_copy *ret,
                      struct cache_db_error *reterr);
/** The same into its folder, also of one that this process has open, until CANCEL. */
int cache_backup_make(const char *data_dir, const atomic_bool *cancel, struct cache_backup *ret,
                      struct cache_copy *ret_copy, struct cache_db_error *reterr);
/** All, the newest first, without what has such a name and is no whole database by its
 * head and size; one array for mem_free.
 *  Returns 0 (also without a folder) or a UV code. */
int cache_backup_list(const char *data_dir, struct cache_backup **ret, size_t *ret_n);
/** The newest of such a list at NOW, NULL for none. One of a time to come, which a clock that was
 *  wrong has made, is not believed. */
const struct cache_backup *cache_backup_newest(const struct cache_backup *items, size_t n,
                                               int64_t now);
/** The newest that is whole: each that is not gets ".damaged" behind its name and is none any more.
 *  KNOWN: the name of one that was whole when somebody looked, or "". Reads all of the newest.
 *  Returns 0, UV_ENOENT when there is none, or another UV code when it cannot be told. */
int cache_backup_find_whole(const char *data_dir, int64_t now, const char *known,
                            struct cache_backup *ret);
/** Returns 0, UV_ENOENT (also for what is no name), or a UV code. */
int cache_backup_remove(const char *data_dir, const char *name);
/** Removes those which are older than KEEP_MS at NOW, but never the newest nor one from before
 *  SINCE, and what a killed process left half made. Returns how many. */
size_t cache_backup_prune(const char *data_dir, int64_t now, int64_t keep_ms, int64_t since);

#endif
