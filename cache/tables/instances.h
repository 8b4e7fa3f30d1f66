/* SPDX-License-Identifier: MIT */
#ifndef CACHE_INSTANCES_H
#define CACHE_INSTANCES_H

#include "cache/snapshot/instance.h"
#include "cache/store/store.h"

/** The table of instances that are there, and of those that are gone without having been removed by
 *  us: their disk may come back. Functions that take a connection run on the worker, or on
 *  the main thread before the worker exists. */

/** All of them, in order of index (release each item with
 *  cache_instance_deinit, then the array with mem_free). A row that cannot be understood is left
 *  out. Returns 0 or a UV code. */
int cache_instances_load(sqlite3 *db, struct cache_instance **ret_items, size_t *ret_n);
/** The same of those that are gone, the oldest first. */
int cache_instances_load_gone(sqlite3 *db, struct cache_instance **ret_items, size_t *ret_n);
/** Writes a copy of INSTANCE (insert or replace), which is there. DONE may be NULL. */
void cache_instances_put(struct cache_store *store, const struct cache_instance *instance,
                         cache_done_fn done, void *arg);
/** Writes what the watchdog keeps of ID, which other writes leave as it is. */
void cache_instances_put_care(struct cache_store *store, const char *id,
                              const struct cache_care *care);
/** Writes what operations have set of ID, which other writes leave as it is; nothing set: it goes.
 */
void cache_instances_put_guarded(struct cache_store *store, const char *id,
                                 const struct ldc_settings *guarded);
/** The row goes: operations and events have the id by themselves, and who is removed never comes
 *  back under it. */
void cache_instances_remove(struct cache_store *store, const char *id);
/** It is gone, and nobody asked for that: the row stays, until it is put again or trimmed. */
void cache_instances_mark_gone(struct cache_store *store, const char *id);

enum { CACHE_GONE_KEEP_DAYS = 30 };
/** Removes at most N_MAX rows of instances that went before BEFORE (wall ms). */
int cache_instances_delete_gone(sqlite3 *db, int64_t before, unsigned n_max, unsigned *ret_n);

#endif
