/* SPDX-License-Identifier: MIT */
/* What a start reads of a database that has come to its limits, counted in steps of SQLite's
 * machine, which are the same on every computer. */
#include <stdio.h>

#include <criterion/criterion.h>

#include "base/system/clock.h"
#include "cache/tables/events.h"
#include "cache/tables/idempotency.h"
#include "cache/tables/instances.h"
#include "cache/tables/operations.h"
#include "cache/tables/tokens.h"
#include "cache/tables/workstations.h"
#include "tests/unit/cache/fixture.h"

/* Of the statements that DB keeps, since the last call. */
static int64_t steps(sqlite3 *db, const char *what)
{
    int64_t n = 0;
    for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s; s = sqlite3_next_stmt(db, s))
        n += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 1);
    cr_assert_gt(n, 0);
    printf("%s: %lld steps\n", what, (long long)n);
    return n;
}

static void fill(sqlite3 *db)
{
    execute(db, "BEGIN");
    execute(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000)"
                " INSERT INTO operations SELECT format('%06d', i), 'start', 'x', '',"
                " iif(i % 1000 = 0, 'running', 'failed'), 1, 1, iif(i % 1000 = 0, 0, 1), 0, NULL,"
                " 0, 0, NULL, NULL, '{}', NULL, NULL, '[]', 0, 0, 0, '{}', NULL, NULL FROM n");
    execute(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10000)"
                " INSERT INTO events SELECT i, 1, 'x', '{}' FROM n");
    cr_assert_eq(cache_sql_run(db,
                               "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                               " LIMIT 100000) INSERT INTO idempotency"
                               " SELECT 'me', 'k' || i, 'fp', 'op', ? + i, 0 FROM n",
                               "i", clock_wall_ms() - 3600000),
                 0);
    execute(db, "COMMIT");
}

Test(cache_start, reads_what_it_needs_and_scans_nothing)
{
    struct fixture f;
    struct cache_operation **ops;
    struct cache_instance *instances;
    struct cache_workstation *stations;
    struct cache_tokens *tokens;
    struct cache_events *events;
    size_t n = 0;
    sqlite3 *db = fixture_init(&f);
    fill(db);
    cache_db_close(db);

    db = open_db(f.folder);
    cr_assert_eq(cache_operations_load_open(db, &ops, &n), 0);
    cr_assert_eq(n, 100);
    cr_expect_lt(steps(db, "100 open operations of 100,000"), 100 * 100);
    for (size_t i = 0; i < n; i++)
        cache_operation_free(ops[i]);
    mem_free(ops);

    cr_assert_eq(cache_events_new(db, 10000, &events), 0);
    cr_expect_lt(steps(db, "10,000 events"), 200);
    cache_events_free(events);

    struct cache_idempotency *keys = cache_idempotency_new();
    cr_assert_eq(cache_idempotency_load(keys, db, false), 0);
    cr_expect_lt(steps(db, "100,000 keys, all of which are needed"), 100000 * 15);
    cache_idempotency_free(keys);

    cr_assert_eq(cache_instances_load(db, &instances, &n), 0);
    mem_free(instances);
    cr_assert_eq(cache_workstations_load(db, &stations, &n), 0);
    mem_free(stations);
    cr_assert_eq(cache_tokens_new(db, &tokens), 0);
    cache_tokens_free(tokens);
    cr_expect_lt(steps(db, "instances, workstations and tokens, which are removed rows no more"),
                 500);
    cache_db_close(db);
    fixture_stop(&f);
}
