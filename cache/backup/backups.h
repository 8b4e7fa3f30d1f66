/* SPDX-License-Identifier: MIT */
#ifndef CACHE_BACKUPS_H
#define CACHE_BACKUPS_H

#include "base/loop/loop.h"
#include "cache/backup/backup.h"
#include "cache/backup/missing.h"
#include "cache/store/store.h"
#include "cache/tables/clock_check.h"

/** The backups of the running service (see backup.h), made on libuv's pool, one at a time: on
 *  request, and by itself once a day when something has changed, kept for a week. Loop thread. */

enum {
    CACHE_BACKUPS_EVERY_MS = 24 * 3600 * 1000,
    CACHE_BACKUPS_OVERDUE_MS = 2 * CACHE_BACKUPS_EVERY_MS,
    CACHE_BACKUPS_KEEP_MS = 7 * CACHE_BACKUPS_EVERY_MS,
};

struct cache_backups;

/** What came of a request; lives for the call. */
struct cache_backups_answer {
    int status;        /* 0 or a UV code */
    const char *error; /* in words, when a backup could not be made or a restore not armed */
    const struct cache_backup *items; /* the list, or the one that was made */
    size_t n_items;
    const struct cache_copy *copy; /* of the one that was made */
};

/** Comes in a later turn, exactly once. */
typedef void (*cache_backups_fn)(void *arg, const struct cache_backups_answer *answer);

/** DATA_DIR (copied) has the database of STORE open. ON_MADE hears of each backup that was made, or
 *  could not be, on request or by itself, and may write an event of it. */
struct cache_backups *cache_backups_new(struct loop *loop, const char *data_dir,
                                        struct cache_store *store, cache_backups_fn on_made,
                                        void *arg);
/** That database was begun because the former one is MISSING (taken over): backups from before are
 *  kept until somebody has removed them all. */
void cache_backups_set_missing(struct cache_backups *backups, struct cache_missing *missing);
/** CLOCK must outlive BACKUPS: while it is not believed no copy is removed because it is old. */
void cache_backups_set_clock(struct cache_backups *backups, const struct cache_clock_check *clock);
/** Looks a few minutes from now for the first time whether the daily one is due. */
void cache_backups_start(struct cache_backups *backups);
/** Whether it is due is found out now. */
void cache_backups_look(struct cache_backups *backups);

/** With every write that was submitted before. UV_EBUSY in the answer: another one is being made.
 */
void cache_backups_make(struct cache_backups *backups, cache_backups_fn done, void *arg);
/** The newest first. */
void cache_backups_list(struct cache_backups *backups, cache_backups_fn done, void *arg);
/** UV_ENOENT in the answer: there is none of this name. */
void cache_backups_remove(struct cache_backups *backups, const char *name, cache_backups_fn done,
                          void *arg);
/** Arms what is staged as ID: see cache_restore_arm for the status, and its words in the answer.
 *  UV_EBUSY: another one is being armed. */
void cache_backups_arm_restore(struct cache_backups *backups, const char *id, cache_backups_fn done,
                               void *arg);

struct cache_backups_health {
    int64_t newest_at; /* wall ms; 0 = there is none */
    const char *error; /* why the last one could not be made, or NULL */
    bool is_overdue;   /* something has changed since one that is older than two days */
    const struct cache_missing *missing; /* valid until the loop turns; NULL: nothing is */
};
struct cache_backups_health cache_backups_health(const struct cache_backups *backups);

/** One that is being made is given up, and what is asked for from now on is answered with
 *  UV_ECANCELED: before those who ask are closed, which wait for their answers. */
void cache_backups_stop(struct cache_backups *backups);
/** When nobody asks any more, and before the store closes. ON_CLOSED comes on the loop. */
void cache_backups_close(struct cache_backups *backups, void (*on_closed)(void *arg), void *arg);

#endif
