/* SPDX-License-Identifier: MIT */

/* Keys that the table of keys has not, but that were used: after damage, and after a restore. */
#include "cache/tables/idempotency.h"

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/random.h"
#include "base/system/clock.h"

/* Of two uses of one key the later one counts. */
#define INSERT_KEY                                                                                 \
    "INSERT INTO idempotency (owner, key, fingerprint, operation, created_at, pruned)"
#define UNLESS_LATER                                                                               \
    " ON CONFLICT (owner, key) DO UPDATE SET fingerprint = excluded.fingerprint,"                  \
    " operation = excluded.operation, created_at = excluded.created_at, pruned = excluded.pruned"  \
    " WHERE excluded.created_at > created_at"

static int64_t oldest(void)
{
    return clock_wall_ms() - CACHE_IDEMPOTENCY_HOURS * INT64_C(3600000);
}

int cache_idempotency_rebuild(sqlite3 *db)
{
    return cache_sql_run(
        db,
        INSERT_KEY " SELECT key_owner, idempotency_key, key_fingerprint, id, created_at, 0"
                   " FROM operations WHERE created_at > ? AND key_owner IS NOT NULL"
                   " AND idempotency_key IS NOT NULL AND key_fingerprint IS NOT NULL" UNLESS_LATER,
        "i", oldest());
}

/* Owned by the caller. Who is no token keeps his id. */
static char *owner_in(sqlite3 *to, const char *owner, const char *fingerprint)
{
    sqlite3_stmt *token cleanup(cache_sql_releasep) = NULL;
    if (!random_is_uuid(owner) ||
        (cache_sql_query(to, &token, "SELECT 1 FROM tokens WHERE id = ?", "s", owner) == 0 &&
         sqlite3_step(token) == SQLITE_ROW))
        return mem_strdup(owner);
    return cache_idempotency_owner_gone(fingerprint);
}

static int carry_row(sqlite3_stmt *row, sqlite3 *to)
{
    const char *fingerprint = cache_sql_text(row, 2);
    char *owner cleanup(mem_freep) = owner_in(to, cache_sql_text(row, 0), fingerprint);
    return cache_sql_run(to,
                         INSERT_KEY " SELECT ?, ?, ?, ?4, ?, ? WHERE ?4 NOT IN"
                                    " (SELECT id FROM workstations)" UNLESS_LATER,
                         "ssssii", owner, cache_sql_text(row, 1), fingerprint,
                         cache_sql_text(row, 3), (int64_t)sqlite3_column_int64(row, 4),
                         (int64_t)sqlite3_column_int64(row, 5));
}

int cache_idempotency_carry_over(sqlite3 *from, sqlite3 *to)
{
    sqlite3_stmt *row cleanup(cache_sql_releasep) = NULL;
    /* Also those whose operation's record is lost: they say so. What was done to workstations since
     * is undone by the restore, and may be done again. */
    int r = cache_sql_query(from, &row,
                            "SELECT owner, key, fingerprint, operation, created_at, pruned"
                            " FROM idempotency WHERE created_at > ?"
                            " AND operation NOT IN (SELECT id FROM workstations)",
                            "i", oldest());
    int stepped = SQLITE_DONE;
    while (r == 0 && (stepped = sqlite3_step(row)) == SQLITE_ROW)
        r = carry_row(row, to);
    return r == 0 && stepped != SQLITE_DONE ? cache_sql_error_code(from) : r;
}
