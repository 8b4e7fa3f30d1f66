/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include <criterion/criterion.h>

#include "cache/store/schema.h"
#include "tests/unit/cache/fixture.h"

static sqlite3 *open_memory(void)
{
    sqlite3 *db = NULL;
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    return db;
}

Test(cache_schema, an_empty_database_gets_every_table)
{
    sqlite3 *db = open_memory();
    struct cache_db_error err;
    cr_assert_eq(cache_schema_migrate(db, &err), 0);
    cr_assert_eq(query_number(db, "PRAGMA user_version"), cache_schema_newest());
    cr_assert_eq(query_number(db, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND"
                                  " name IN ('instances', 'operations', 'events', 'idempotency',"
                                  " 'tokens', 'workstations')"),
                 6);
    cache_db_close(db);
}

/* After a new migration: the number that the message has goes into schema.c. */
Test(cache_schema, the_digest_of_the_newest_version_is_known)
{
    sqlite3 *db = NULL;
    uint64_t digest = 0;
    cr_assert_eq(cache_schema_model(cache_schema_newest(), &db), 0);
    cr_assert_eq(cache_schema_digest(db, &digest), 0);
    cr_expect_eq(digest, cache_schema_newest_digest, "it is 0x%016" PRIx64, digest);
    bool is_whole = false;
    cr_assert_eq(sqlite3_exec(db, "DROP INDEX operations_kind", NULL, NULL, NULL), SQLITE_OK);
    cr_assert_eq(cache_schema_check(db, &is_whole), 0);
    cr_expect_not(is_whole);
    cr_assert_eq(sqlite3_exec(db,
                              "CREATE INDEX operations_kind ON operations (kind, id);"
                              "CREATE TABLE not_ours (id)",
                              NULL, NULL, NULL),
                 SQLITE_OK);
    cr_assert_eq(cache_schema_check(db, &is_whole), 0);
    cr_expect(is_whole, "what is beyond ours is none of our business");
    cache_db_close(db);
}

Test(cache_schema, migrating_again_changes_nothing)
{
    sqlite3 *db = open_memory();
    struct cache_db_error err;
    cr_assert_eq(cache_schema_migrate(db, &err), 0);
    int64_t before = query_number(db, "PRAGMA schema_version");
    cr_assert_eq(cache_schema_migrate(db, &err), 0);
    cr_assert_eq(query_number(db, "PRAGMA schema_version"), before);
    cache_db_close(db);
}

Test(cache_schema, a_database_of_the_first_version_keeps_what_it_has)
{
    sqlite3 *db = open_memory();
    struct cache_db_error err;
    cr_assert_eq(cache_schema_make(db, 1), 0);
    execute(db, "INSERT INTO tokens VALUES ('a', 'b', 'admin', 'd', 1, 0, 0, 0)");
    cr_assert_eq(cache_schema_migrate(db, &err), 0);
    cr_assert_eq(query_number(db, "PRAGMA user_version"), cache_schema_newest());
    cr_assert_eq(query_number(db, "SELECT count(*) FROM tokens"), 1);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM workstations"), 0);
    cache_db_close(db);
}

Test(cache_schema, version_4_drops_what_was_removed_and_gives_keys_to_ids)
{
    sqlite3 *db = open_memory();
    struct cache_db_error err;
    cr_assert_eq(cache_schema_make(db, 3), 0);
    execute(
        db,
        "INSERT INTO instances (id, idx, disk_id, json, removed_at) VALUES"
        " ('here', 1, '', '{}', 0), ('gone', 2, '', '{}', 5);"
        "INSERT INTO workstations (id, name, address, labels, maintenance, status, created_at,"
        " updated_at, last_seen_at, removed_at) VALUES"
        " ('w1', 'n', '', '{}', 0, 'online', 1, 1, 1, 0),"
        " ('w2', 'n', '', '{}', 0, 'online', 1, 1, 1, 7);"
        "INSERT INTO tokens VALUES"
        " ('live', 'ci', 'admin', 'd1', 10, 0, 0, 0),"
        " ('revoked', 'ci', 'admin', 'd2', 1, 0, 9, 0),"
        " ('expired', 'ci', 'admin', 'd3', 1, 8, 0, 0),"
        " ('other', 'cd', 'admin', 'd4', 1, 0, 0, 0);"
        "INSERT INTO idempotency VALUES ('ci', 'new', 'f', 'o', 20), ('ci', 'old', 'f', 'o', 9),"
        " ('ci', 'oldest', 'f', 'o', 7), ('cd', 'new', 'f', 'o', 20),"
        " ('uid:0', 'new', 'f', 'o', 20)");
    cr_assert_eq(cache_schema_migrate(db, &err), 0);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM instances"), 1);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM workstations"), 1);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM idempotency"), 5);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM idempotency WHERE (owner, key) IN (VALUES"
                                  " ('live', 'new'), ('ci', 'old'), ('expired', 'oldest'),"
                                  " ('other', 'new'), ('uid:0', 'new'))"),
                 5);
    cr_assert_neq(sqlite3_exec(db,
                               "INSERT INTO workstations VALUES ('w3', 'n', '', '{}', 0, '', 1, 1,"
                               " 1)",
                               NULL, NULL, NULL),
                  SQLITE_OK, "a name is unique");
    cache_db_close(db);
}

Test(cache_schema, version_5_gives_operations_their_keys)
{
    sqlite3 *db = open_memory();
    struct cache_db_error err;
    cr_assert_eq(cache_schema_make(db, 4), 0);
    execute(db,
            "INSERT INTO operations VALUES ('kept', 'start', '', '', 'failed', 1, 1, 1, 0, NULL, 0,"
            " 0, NULL, 'k1', '{}', NULL, NULL, '[]', 0, 0, 0, '{}');"
            "INSERT INTO idempotency VALUES ('me', 'k1', 'f1', 'kept', 1),"
            " ('me', 'k2', 'f2', 'gone', 1)");
    cr_assert_eq(cache_schema_migrate(db, &err), 0);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM operations WHERE key_owner = 'me' AND"
                                  " key_fingerprint = 'f1'"),
                 1);
    cr_assert_eq(query_number(db, "SELECT pruned FROM idempotency WHERE key = 'k1'"), 0);
    cr_assert_eq(query_number(db, "SELECT pruned FROM idempotency WHERE key = 'k2'"), 1);
    cache_db_close(db);
}

Test(cache_schema, a_newer_version_is_refused)
{
    sqlite3 *db = open_memory();
    struct cache_db_error err = {{0}};
    execute(db, "PRAGMA user_version = 1000");
    cr_assert_eq(cache_schema_migrate(db, &err), UV_ENOTSUP);
    cr_assert_not_null(strstr(err.text, "schema 1000"), "%s", err.text);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM sqlite_schema"), 0);
    cache_db_close(db);
}

Test(cache_schema, a_migration_that_fails_leaves_nothing_behind)
{
    sqlite3 *db = open_memory();
    struct cache_db_error err = {{0}};
    execute(db, "CREATE TABLE tokens (something_else TEXT)");
    cr_assert_lt(cache_schema_migrate(db, &err), 0);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM sqlite_schema"), 1);
    cr_assert_eq(query_number(db, "PRAGMA user_version"), 0);
    cr_assert(sqlite3_get_autocommit(db), "a transaction is still open");
    cache_db_close(db);
}

Test(cache_schema, the_queries_of_every_list_use_an_index)
{
    static const char *const queries[] = {
        "SELECT 1 FROM operations WHERE status = 'running' ORDER BY id DESC",
        "SELECT 1 FROM operations WHERE kind = 'start' ORDER BY id DESC",
        "SELECT 1 FROM operations WHERE target = 'x' AND target <> '' ORDER BY id DESC",
        "SELECT 1 FROM operations WHERE parent = 'x' AND parent <> '' ORDER BY id DESC",
        "SELECT 1 FROM operations WHERE id < 'x' ORDER BY id DESC",
        "SELECT 1 FROM operations WHERE ended_at < 5 AND ended_at > 0 AND parent = ''",
        "SELECT 1 FROM events WHERE seq > 5 ORDER BY seq",
        "SELECT 1 FROM idempotency ORDER BY created_at",
    };
    sqlite3 *db = open_memory();
    struct cache_db_error err;
    cr_assert_eq(cache_schema_migrate(db, &err), 0);
    for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
        sqlite3_stmt *stmt;
        char *sql = mem_printf("EXPLAIN QUERY PLAN %s", queries[i]);
        cr_assert_eq(cache_sql_query(db, &stmt, sql, ""), 0);
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            const char *step = cache_sql_text(stmt, 3);
            bool is_good = strstr(step, "INDEX") || strstr(step, "PRIMARY KEY");
            cr_expect(is_good && !strstr(step, "TEMP B-TREE"), "%s: %s", queries[i], step);
        }
        sqlite3_finalize(stmt);
        mem_free(sql);
    }
    cache_db_close(db);
}
