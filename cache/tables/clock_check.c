/* SPDX-License-Identifier: MIT */
#include "cache/tables/clock_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "cache/tables/preferences.h"

/* The preference is the time at which the clock was last believed, and negative while it is not: a
 * second start with the wrong clock finds what the first one has written in the meantime. */

static const char name[] = "clock";
static const int64_t far_ms = 48 * 3600 * INT64_C(1000),
                     held_ms = CACHE_CLOCK_HELD_HOURS * INT64_C(3600000);

static bool are_far(int64_t a, int64_t b)
{
    return a - b > far_ms || b - a > far_ms;
}

/* 0 in a new database. One that never noted a time has its newest event. */
static int read_known(sqlite3 *db, int64_t *ret)
{
    char *text cleanup(mem_freep) = NULL;
    int r = cache_preferences_read(db, name, &text);
    *ret = text ? strtoll(text, NULL, 10) : 0;
    if (r < 0 || *ret)
        return r;
    return cache_sql_number(
        db, "SELECT coalesce((SELECT time FROM events ORDER BY seq DESC LIMIT 1), 0)", ret);
}

int cache_clock_check_init(struct cache_clock_check *check, sqlite3 *db)
{
    int64_t known = 0;
    int r = read_known(db, &known);
    if (r < 0)
        return r;
    struct cache_clock_check c = {.started_wall = clock_wall_ms(),
                                  .started_mono = (int64_t)clock_mono_ms()};
    bool is_off = known < 0 || (known > 0 && are_far(c.started_wall, known));
    c.known = known < 0 ? -known : known;
    c.seen_wall = c.started_wall;
    c.seen_mono = c.started_mono;
    c.held_until = is_off ? c.started_mono + held_ms : 0;
    *check = c;
    return 0;
}

bool cache_clock_check_is_off(const struct cache_clock_check *check)
{
    return check && check->held_until;
}

static bool is_held(const struct cache_clock_check *check)
{
    return check->held_until && (int64_t)clock_mono_ms() < check->held_until;
}

/* Somebody who sets the clock years ahead, and then back, must not have lost what ended yesterday:
 * it counts as far as time has passed here. */
bool cache_clock_check_now(const struct cache_clock_check *check, int64_t *ret)
{
    int64_t wall = clock_wall_ms();
    int64_t passed =
        check ? check->started_wall + (int64_t)clock_mono_ms() - check->started_mono : wall;
    *ret = wall < passed ? wall : passed;
    return !check || !is_held(check);
}

/* One that jumps while the service runs, by a hand or a sleep of days, is not noted: what the next
 * start finds is from before. */
void cache_clock_check_note(struct cache_clock_check *check, struct cache_store *store)
{
    char text[24];
    if (!check)
        return;
    int64_t wall = clock_wall_ms(), mono = (int64_t)clock_mono_ms();
    if (!is_held(check) && are_far(wall, check->seen_wall + (mono - check->seen_mono)))
        return;
    if (!is_held(check)) {
        check->seen_wall = wall;
        check->seen_mono = mono;
        check->known = wall;
    }
    snprintf(text, sizeof(text), "%" PRId64, is_held(check) ? -check->known : check->known);
    cache_preferences_put(store, name, text, NULL, NULL);
}
