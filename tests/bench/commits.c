/* SPDX-License-Identifier: MIT */
/* SQLite alone, committing the rows that the service has committed, in groups as large as its own.
 *
 *     bench_commits DATABASE COPY GROUP   ->   {"us":..,"operations":..,"commits":..}
 *
 * DATABASE is the service's, COPY is made with the same tables and indexes. Each transaction
 * inserts GROUP operations that are queued, with an event each, and changes as many of those before
 * to what they ended as, with an event each. `us` is the time for one operation. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "tests/bench/timing.h"

enum { MAX_COLUMNS = 64, MAX_ROWS = 200000 };

struct table {
    int n_columns, n_rows;
    sqlite3_value **values; /* by row, then by column */
    sqlite3_stmt *put;
};

/* Of what changes until the end, numbered as parameters. */
struct columns {
    int status, started_at, ended_at, result;
};

static sqlite3 *copy;
static int n_events;

static _Noreturn void fail(sqlite3 *db, const char *what)
{
    fprintf(stderr, "bench_commits: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(db, sql);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail(db, sql);
    return stmt;
}

/* The tables come before their indexes there. */
static void copy_schema(sqlite3 *source)
{
    sqlite3_stmt *stmt =
        prepare(source, "SELECT sql FROM sqlite_schema WHERE tbl_name IN ('operations', 'events')"
                        " AND sql IS NOT NULL ORDER BY type DESC");
    while (sqlite3_step(stmt) == SQLITE_ROW)
        run(copy, (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
}

static void read_rows(sqlite3 *source, const char *query, const char *name, struct table *t)
{
    char sql[4096];
    sqlite3_stmt *stmt = prepare(source, query);
    t->n_columns = sqlite3_column_count(stmt);
    t->values = calloc((size_t)MAX_ROWS * (size_t)t->n_columns, sizeof(sqlite3_value *));
    while (t->n_rows < MAX_ROWS && sqlite3_step(stmt) == SQLITE_ROW) {
        sqlite3_value **row = t->values + (size_t)t->n_rows++ * (size_t)t->n_columns;
        for (int i = 0; i < t->n_columns; i++)
            row[i] = sqlite3_value_dup(sqlite3_column_value(stmt, i));
    }
    int n = snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES (?", name);
    for (int i = 1; i < t->n_columns; i++)
        n += snprintf(sql + n, sizeof(sql) - (size_t)n, ",?");
    n += snprintf(sql + n, sizeof(sql) - (size_t)n, ") ON CONFLICT DO UPDATE SET ");
    for (int i = 1; i < t->n_columns; i++)
        n += snprintf(sql + n, sizeof(sql) - (size_t)n, "%s%s = excluded.%s", i > 1 ? "," : "",
                      sqlite3_column_name(stmt, i), sqlite3_column_name(stmt, i));
    t->put = prepare(copy, sql);
    sqlite3_finalize(stmt);
    if (t->n_rows == 0)
        fail(source, "there is nothing to commit");
}

static void bind(const struct table *t, int index)
{
    sqlite3_value **row = t->values + (size_t)(index % t->n_rows) * (size_t)t->n_columns;
    for (int i = 0; i < t->n_columns; i++)
        sqlite3_bind_value(t->put, i + 1, row[i]);
}

static void put(const struct table *t)
{
    if (sqlite3_step(t->put) != SQLITE_DONE)
        fail(copy, "a row");
    sqlite3_reset(t->put);
}

static void put_event(const struct table *events)
{
    bind(events, ++n_events);
    sqlite3_bind_int(events->put, 1, n_events);
    put(events);
}

static void queue(const struct table *operations, int index, const struct columns *columns)
{
    bind(operations, index);
    sqlite3_bind_text(operations->put, columns->status, "queued", -1, SQLITE_STATIC);
    sqlite3_bind_int(operations->put, columns->started_at, 0);
    sqlite3_bind_int(operations->put, columns->ended_at, 0);
    sqlite3_bind_null(operations->put, columns->result);
    put(operations);
}

static void end(const struct table *operations, int index)
{
    bind(operations, index);
    put(operations);
}

/* Of the parameter; 0 when there is no such column. */
static int find_column(sqlite3_stmt *stmt, const char *name)
{
    for (int i = 0; i < sqlite3_column_count(stmt); i++)
        if (strcmp(sqlite3_column_name(stmt, i), name) == 0)
            return i + 1;
    return 0;
}

static struct columns find_columns(sqlite3 *source)
{
    sqlite3_stmt *stmt = prepare(source, "SELECT * FROM operations LIMIT 0");
    struct columns found = {find_column(stmt, "status"), find_column(stmt, "started_at"),
                            find_column(stmt, "ended_at"), find_column(stmt, "result")};
    if (!found.status || !found.started_at || !found.ended_at || !found.result)
        fail(source, "the operations have other columns than bench_commits knows");
    sqlite3_finalize(stmt);
    return found;
}

int main(int argc, char **argv)
{
    struct table operations = {.n_rows = 0}, events = {.n_rows = 0};
    sqlite3 *source;
    if (argc != 4) {
        fprintf(stderr, "Usage: bench_commits DATABASE COPY GROUP\n");
        return 2;
    }
    int group = (int)timing_read_number(argv[3], "GROUP", MAX_ROWS);
    if (sqlite3_open_v2(argv[1], &source, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        fail(source, argv[1]);
    if (sqlite3_open(argv[2], &copy) != SQLITE_OK)
        fail(copy, argv[2]);
    /* As cache/store/db.c and the profile `prod` have it. */
    run(copy, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=1000");
    copy_schema(source);
    read_rows(source, "SELECT * FROM operations ORDER BY id", "operations", &operations);
    read_rows(source, "SELECT * FROM events WHERE type LIKE 'operation.%' ORDER BY seq", "events",
              &events);
    struct columns columns = find_columns(source);
    int n_commits = 0;

    uint64_t started = timing_now_ns();
    for (int at = 0; at < operations.n_rows + group; at += group, n_commits++) {
        run(copy, "BEGIN IMMEDIATE");
        for (int i = at; i < at + group && i < operations.n_rows; i++) {
            queue(&operations, i, &columns);
            put_event(&events);
        }
        for (int i = at - group; i >= 0 && i < at && i < operations.n_rows; i++) {
            end(&operations, i);
            put_event(&events);
        }
        run(copy, "COMMIT");
    }
    printf("{\"us\":%.2f,\"operations\":%d,\"commits\":%d}\n",
           (double)(timing_now_ns() - started) / 1000 / operations.n_rows, operations.n_rows,
           n_commits);
    return 0;
}
