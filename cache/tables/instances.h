/* SPDX-License-Identifier: MIT */
#ifndef CACHE_INSTANCES_H
#define CACHE_INSTANCES_H

#include "cache/snapshot/instance.h"
#include "cache/store/store.h"

/** The table of instances that are there. Functions that take a connection run on the worker, or on
 *  the main thread before the worker exists. */

/** All of them, in order of index (release each item with
 *  cache_instance_deinit, then the array with mem_free). A row that cannot be understood is left
 *  out. Returns 0 or a UV code. */
int cache_instances_load(sqlite3 *db, struct cache_instance **ret_items, size_t *ret_n);
/** Writes a copy of INSTANCE (insert or replace). DONE may be NULL. */
void cache_instances_put(struct cache_store *store, const struct cache_instance *instance,
                         cache_done_fn done, void *arg);
/** The row goes: operations and events have the id by themselves, and who is removed never comes
 *  back under it. */
void cache_instances_remove(struct cache_store *store, const char *id);

#endif
