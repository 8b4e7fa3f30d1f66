/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CACHE_BACKUP_RESTORE_FIXTURE_H
#define TESTS_UNIT_CACHE_BACKUP_RESTORE_FIXTURE_H

#include "cache/backup/restore.h"
#include "tests/unit/cache/backup/dying.h"
#include "tests/unit/cache/fixture.h"

/** A database that is set to something, its backup, and restores of that: for init and fini. */
extern char *folder, *file;        /* of the service, and a backup elsewhere */
extern struct cache_staged staged; /* the last one */

void restore_begin(void);
void restore_end(void);
/** In an empty folder: the database is set "old" and backed up. */
void begin_anew(void);
/** Of the database in `folder`, which is closed before and after. */
void set(const char *value);
/** The same by a process that is killed with it in its write-ahead log. */
void set_and_crash(const char *value);
/** Whether the database at PATH, which is sound, was set so. */
bool is(const char *path, const char *value);
bool database_is(const char *value);
/** To `file`. */
void back_up(void);
void stage(void);
/** Returns what arming does. */
int try_to_arm(const char *id);
void stage_and_arm(void);
/** Whether `folder` has such a file. */
bool has(const char *name);
bool is_armed(void);
/** Succeeds; returns what it says of the former database, owned by the caller. */
char *finish(void);
/** A finish after which the database was set NOW, and what is kept BEFORE; NULL: nothing is. */
void expect_restored(const char *now, const char *before);
void run_finish(void);

#endif
