/* SPDX-License-Identifier: MIT */
#ifndef CACHE_IDEMPOTENCY_H
#define CACHE_IDEMPOTENCY_H

#include "base/system/random.h"
#include "cache/store/store.h"

/** Idempotency-Key -> operation, or workstation, for 24 hours. All of it is in memory, so that two
 *  equal requests in one millisecond meet; the table makes it survive a restart. Loop thread
 *  only. */
enum {
    CACHE_IDEMPOTENCY_KEY_MAX = 255,
    CACHE_IDEMPOTENCY_HOURS = 24,
    CACHE_IDEMPOTENCY_MAX_KEYS = 100000
};

struct cache_idempotency;

struct cache_idempotency *cache_idempotency_new(void);
/** Accepts NULL. Jobs under way do not need KEYS. */
void cache_idempotency_free(struct cache_idempotency *keys);
/** Fills memory from the table and leaves out what is too old, and what names neither an operation
 *  nor a workstation in the tables of these: a crash came between the two, nobody was told of it,
 *  and the same request must count as new. Only reads. Before the worker starts. Returns 0 or a
 *  UV code. */
int cache_idempotency_load(struct cache_idempotency *keys, sqlite3 *db);

enum cache_idempotency_outcome {
    CACHE_IDEMPOTENCY_NEW,
    CACHE_IDEMPOTENCY_SAME,
    CACHE_IDEMPOTENCY_OTHER
};

/** WHO and KEY together are the key; FINGERPRINT is a digest of method, path and body. SAME gives
 *  the operation's id; OTHER means the key was used with another request. Entries past 24 hours
 *  count as NEW. */
enum cache_idempotency_outcome cache_idempotency_find(struct cache_idempotency *keys,
                                                      const char *who, const char *key,
                                                      const char *fingerprint,
                                                      char ret_operation[UUID_SIZE]);
/** Remembers, in place of what WHO and KEY meant before; the row is written in the order of the
 *  store's jobs, so together with or before whatever is submitted next. Returns 0 or UV_ENOSPC
 *  when 100,000 keys are live. */
int cache_idempotency_put(struct cache_idempotency *keys, struct cache_store *store,
                          const char *who, const char *key, const char *fingerprint,
                          const char *operation);
/** The two halves of put, for a row that must be written in the same step as its key: remember,
 *  and let the job that writes the row call cache_idempotency_write on the worker. OPERATION may
 *  be the id of a workstation here. */
int cache_idempotency_remember(struct cache_idempotency *keys, struct cache_store *store,
                               const char *who, const char *key, const char *fingerprint,
                               const char *operation);
int cache_idempotency_write(sqlite3 *db, const char *who, const char *key, const char *fingerprint,
                            const char *operation, int64_t now);
/** Undoes a put or remember whose row could not be stored. */
void cache_idempotency_forget(struct cache_idempotency *keys, struct cache_store *store,
                              const char *who, const char *key);

#endif
