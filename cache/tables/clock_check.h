/* SPDX-License-Identifier: MIT */
#ifndef CACHE_CLOCK_CHECK_H
#define CACHE_CLOCK_CHECK_H

#include "cache/store/store.h"

/** Whether the wall clock can be believed where something goes for good because it is old. It can
 * be wrong by years: a dead battery, a typing error, a virtual machine that was brought back. At a
 *  start it is held against when this database was last in use, which stands in it; where they are
 *  more than two days apart, and where they were at the start before, nothing goes before the
 *  service has run for six hours: who has a wrong clock has corrected it by then. A machine that
 * was off for a week looks the same, and keeps for six hours more what may go. While the service
 * runs time passes by the monotonic clock. Loop thread. */
struct cache_clock_check {
    int64_t started_wall, started_mono; /* ms, as all here */
    int64_t seen_wall, seen_mono;       /* when both clocks last agreed */
    int64_t known;                      /* wall, when it was last believed, as the database says */
    int64_t held_until;                 /* monotonic; 0: it was believed at once */
};

enum { CACHE_CLOCK_HELD_HOURS = 6 };

/** Only reads DB. Returns 0 or a UV code. */
int cache_clock_check_init(struct cache_clock_check *check, sqlite3 *db);
/** Whether the start did not believe the clock, which does not change any more. Accepts NULL, as
 * all below: then it is believed. */
bool cache_clock_check_is_off(const struct cache_clock_check *check);
/** The time that counts for what is old; false while nothing does. */
bool cache_clock_check_now(const struct cache_clock_check *check, int64_t *ret);
/** Notes in the database what the next start needs; every hour or so. */
void cache_clock_check_note(struct cache_clock_check *check, struct cache_store *store);

#endif
