/* SPDX-License-Identifier: MIT */
#ifndef CACHE_IDEMPOTENCY_H
#define CACHE_IDEMPOTENCY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/system/random.h"
#include "cache/store/store.h"

/** Idempotency-Key -> operation, or workstation, for 24 hours, also when that is gone by then: what
 *  was carried out must not be carried out again. All of it is in memory, so that two equal
 *  requests in one millisecond meet; the table makes it survive a restart. A key and what it is of
 *  are one job of the store: remember, and let the job that writes the row write the key's too. An
 *  operation has its key with it, so that damage must meet both to make it unknown.
 *
 *  Within a process age is by the clock that only goes forward, so that no change of the wall clock
 *  ends a key early or keeps it for ever. Loop thread only, except where a connection is taken. */
enum {
    CACHE_IDEMPOTENCY_KEY_MAX = 255,
    CACHE_IDEMPOTENCY_HOURS = 24,
    CACHE_IDEMPOTENCY_MAX_KEYS = 100000
};

/** OWNER, the lasting id of who asks, and KEY together are the key; FINGERPRINT is a digest of
 *  method, path and body. Where a restore has taken the owner's token away, KEY and FINGERPRINT are
 *  the key, whoever asks: he asks with another token then. */
struct cache_key {
    const char *owner, *key, *fingerprint;
};

struct cache_idempotency;

struct cache_idempotency *cache_idempotency_new(void);
/** Accepts NULL. Jobs under way do not need KEYS. */
void cache_idempotency_free(struct cache_idempotency *keys);
/** Fills memory from the table. One that was made later than now counts as made now, and so does
 *  each where the clock is not believed (IS_CLOCK_OFF). Only reads. Before the worker starts.
 * Returns 0 or a UV code. */
int cache_idempotency_load(struct cache_idempotency *keys, sqlite3 *db, bool is_clock_off);

enum cache_idempotency_outcome {
    CACHE_IDEMPOTENCY_NEW,
    CACHE_IDEMPOTENCY_SAME,
    CACHE_IDEMPOTENCY_OTHER
};

/** SAME gives the id of the operation or workstation; OTHER means the key was used with another
 *  request. Entries past 24 hours count as NEW. */
enum cache_idempotency_outcome cache_idempotency_find(const struct cache_idempotency *keys,
                                                      const struct cache_key *key,
                                                      char ret_operation[UUID_SIZE]);
/** From here on KEY means OPERATION (or a workstation). Returns 0, UV_EEXIST when it means
 *  something already, or UV_ENOSPC when 100,000 keys are live. */
int cache_idempotency_remember(struct cache_idempotency *keys, const struct cache_key *key,
                               const char *operation);
/** Undoes a remember whose row could not be stored. */
void cache_idempotency_forget(struct cache_idempotency *keys, const struct cache_key *key);

/** The row of a key that was remembered now, for the job that writes what it is of. */
struct cache_key_row;
/** Copies; NULL for a KEY that is NULL. */
struct cache_key_row *cache_key_row_new(const struct cache_key *key, const char *operation);
/** Returns 0 or a UV code; 0 for NULL. On the worker. */
int cache_key_row_write(sqlite3 *db, const struct cache_key_row *row);
/** The same with the operation, which is there. */
int cache_key_row_write_beside(sqlite3 *db, const struct cache_key_row *row);
/** Accepts NULL. */
void cache_key_row_free(struct cache_key_row *row);

/** Deletes at most MAX_ROWS rows of keys past 24 hours. DONE (may be NULL) comes on the loop. */
void cache_idempotency_trim(struct cache_idempotency *keys, struct cache_store *store,
                            size_t max_rows, cache_done_fn done, void *arg);
/** Whether there are more of them. */
bool cache_idempotency_has_expired(const struct cache_idempotency *keys);

/** Both on a connection, in a transaction of the caller's; return 0 or a UV code.
 *
 *  Makes the rows of keys again that are gone, from what stands with the operations. */
int cache_idempotency_rebuild(sqlite3 *db);
/** Gives TO the keys of the last 24 hours of FROM that it has not, but those of workstations that
 *  either knows: for a database that takes the place of a newer one. Those of tokens that TO does
 *  not know belong to no owner any more. */
int cache_idempotency_carry_over(sqlite3 *from, sqlite3 *to);
/** What stands in the place of such an owner; owned by the caller. */
char *cache_idempotency_owner_gone(const char *fingerprint);

#endif
