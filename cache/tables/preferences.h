/* SPDX-License-Identifier: MIT */
#ifndef CACHE_PREFERENCES_H
#define CACHE_PREFERENCES_H

#include "cache/store/store.h"

/** What outlives the process and needs no table of its own: small texts by name, such as what an
 *  admin set while the service ran. */

/** The text of NAME, owned by the caller; NULL when it was never set. Returns 0 or a UV code. For
 *  the start, before the store has the connection. */
int cache_preferences_read(sqlite3 *db, const char *name, char **ret_text);
/** Writes TEXT under NAME. On a connection. Returns 0 or a UV code. */
int cache_preferences_write(sqlite3 *db, const char *name, const char *text);
/** The same as a job; both texts are copied. DONE may be NULL. */
void cache_preferences_put(struct cache_store *store, const char *name, const char *text,
                           cache_done_fn done, void *arg);
/** Removes it, as a job. NAME must outlive that. */
void cache_preferences_remove(struct cache_store *store, const char *name);

#endif
