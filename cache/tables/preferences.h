/* SPDX-License-Identifier: MIT */
#ifndef CACHE_PREFERENCES_H
#define CACHE_PREFERENCES_H

#include "cache/store/store.h"

/** What an admin set while the service ran and that outlives it: small texts by name. */

/** The text of NAME, owned by the caller; NULL when it was never set. Returns 0 or a UV code. For
 *  the start, before the store has the connection. */
int cache_preferences_read(sqlite3 *db, const char *name, char **ret_text);
/** Writes TEXT (copied) under NAME. DONE may be NULL. */
void cache_preferences_put(struct cache_store *store, const char *name, const char *text,
                           cache_done_fn done, void *arg);

#endif
