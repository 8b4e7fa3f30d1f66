/* SPDX-License-Identifier: MIT */
#include "cache/tables/repaired.h"

#include "cache/tables/events.h"
#include "cache/tables/idempotency.h"

int cache_repaired_finish(sqlite3 *db)
{
    int r = cache_events_renumber(db);
    return r == 0 ? cache_idempotency_rebuild(db) : r;
}
