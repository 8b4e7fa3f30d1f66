/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CACHE_DAMAGE_H
#define TESTS_UNIT_CACHE_DAMAGE_H

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/map.h"
#include "base/text/str.h"
#include "cache/pages/btree.h"
#include "cache/store/schema.h"
#include "cache/store/shape.h"
#include "tests/unit/cache/fixture.h"

/** A small database whose files are damaged: what it holds, what stands on which page, and what is
 *  there after it was opened. Whether a row was on a page is told by its mark, a text that stands
 *  nowhere else but in the row. */

/* --- a small database --- */

enum { MARK_SIZE = 12 };

#define FILLER_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FILLER_256 FILLER_64 FILLER_64 FILLER_64 FILLER_64
#define FILLER FILLER_256 FILLER_256 FILLER_256 FILLER_256

/* The mark of a row is "~ins000007~": its table and a number. */
static const char *const fill[] = {
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 24) INSERT INTO instances"
    " (id, idx, disk_id, json)"
    " SELECT printf('~ins%06d~', i), i, '', json_object('m', printf('~ins%06d~', i), 'x',"
    " hex(zeroblob(150))) FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50) INSERT INTO operations"
    " SELECT printf('~ope%06d~', i), 'start', printf('~ins%06d~', i), '', 'succeeded', i, i, i, 100,"
    " NULL, 1, 1, 'somebody', NULL, '{}', NULL, NULL, '[]', 0, 0, 0,"
    " json_object('m', printf('~ope%06d~', i)), NULL, NULL FROM n",
    /* Longer than a page: the mark is all over it. */
    "UPDATE operations SET evidence = '[\"' || replace(hex(zeroblob(400 * (1 + created_at % 3))),"
    " '00', id) || '\"]' WHERE created_at % 10 = 0",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100) INSERT INTO events"
    " SELECT i, i, 'x', json_object('m', printf('~eve%06d~', i), 'x', hex(zeroblob(20))) FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 60) INSERT INTO idempotency"
    " SELECT 'somebody', printf('~ide%06d~', i), hex(zeroblob(30)), 'o', i, 0 FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30) INSERT INTO tokens"
    " SELECT printf('~tok%06d~', i), 'name' || i, 'viewer', printf('~tok%06d~', i) ||"
    " hex(zeroblob(32)), i, 0, 0, 0 FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30) INSERT INTO"
    " workstations SELECT printf('~wor%06d~', i), 'name' || i, hex(zeroblob(100)), '{}', 0,"
    " 'online', i, i, i FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 12) INSERT INTO preferences"
    " SELECT printf('~pre%06d~', i), json_object('x', hex(zeroblob(300)), 'm',"
    " printf('~pre%06d~', i)) FROM n",
    /* Of others, so many that the list of the tables has more than one page. */
    "CREATE TABLE others1 (a TEXT DEFAULT '" FILLER "');"
    "CREATE TABLE others2 (a TEXT DEFAULT '" FILLER "');",
    /* Pages that are free again. */
    "WITH RECURSIVE n(i) AS (SELECT 1001 UNION ALL SELECT i + 1 FROM n LIMIT 60) INSERT INTO events"
    " SELECT i, i, 'x', json_object('m', printf('~eve%06d~', i), 'x', hex(zeroblob(50))) FROM n",
    "DELETE FROM events WHERE seq > 1000",
};

/* Leaves in FOLDER what a clean stop leaves, or a kill, which leaves a log. */
static inline void make(const char *folder, bool is_killed)
{
    char *origin = folder_make();
    sqlite3 *db = open_db(origin);
    for (size_t i = 0; i < countof(fill); i++)
        execute(db, fill[i]);
    cache_db_close(db);
    db = open_db(origin);
    if (is_killed) {
        execute(db, "UPDATE instances SET idx = idx + 1000 WHERE idx % 9 = 0");
        execute(db, "INSERT INTO events VALUES (101, 1, 'x', '{\"m\":\"~eve000101~\"}')");
        execute(db, "UPDATE operations SET evidence = '[]' WHERE created_at = 20");
        execute(db, "DELETE FROM tokens WHERE created_at = 3");
    }
    static const char *const suffixes[] = {"", "-wal"};
    for (size_t i = 0; i < (is_killed ? 2 : 1); i++) {
        char *name cleanup(mem_freep) = mem_printf("ldplayerd.db%s", suffixes[i]);
        char *from cleanup(mem_freep) = fs_join(origin, name);
        char *to cleanup(mem_freep) = fs_join(folder, name);
        cr_assert_eq(fs_copy(from, to), 0);
    }
    cache_db_close(db);
    folder_remove(origin);
}

/* --- rows --- */

struct row {
    struct map_node node;
    char *key; /* table and mark */
    char *values;
    char mark[MARK_SIZE];
};

struct rows {
    struct map by_key;
    struct row **items;
    size_t n, cap;
};

static inline char *values_of(sqlite3_stmt *stmt)
{
    struct buf text;
    buf_init(&text, 0);
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        const char *value = (const char *)sqlite3_column_text(stmt, i);
        (void)buf_printf(&text, "|%d:%s", sqlite3_column_type(stmt, i), value ? value : "");
    }
    return buf_take(&text, NULL);
}

static inline void add_row(struct rows *rows, const char *table, sqlite3_stmt *stmt)
{
    struct row *row = mem_new(struct row);
    row->values = values_of(stmt);
    const char *mark = strchr(row->values, '~');
    str_copy(row->mark, sizeof(row->mark), mark ? mark : "~none~");
    row->key = mem_printf("%s/%s", table, row->mark);
    if (map_find(&rows->by_key, row->key)) {
        mem_free(row->key);
        row->key = mem_printf("%s/%s", table, row->values);
    }
    map_insert(&rows->by_key, &row->node, row->key);
    rows->items = mem_grow(rows->items, rows->n, &rows->cap, sizeof(struct row *));
    rows->items[rows->n++] = row;
}

static inline void read_rows(sqlite3 *db, const struct cache_shapes *shapes, struct rows *ret)
{
    *ret = (struct rows){0};
    map_init(&ret->by_key);
    for (size_t i = 0; i < shapes->n; i++) {
        const char *table = shapes->items[i].table;
        char *sql cleanup(mem_freep) = mem_printf("SELECT * FROM %s", table);
        sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
        cr_assert_eq(cache_sql_query(db, &stmt, sql, ""), 0);
        int stepped;
        while ((stepped = sqlite3_step(stmt)) == SQLITE_ROW) {
            /* But for what a repair adds. */
            if ((strcmp(table, "events") != 0 || sqlite3_column_int64(stmt, 0) < 1000000) &&
                strcmp(cache_sql_text(stmt, 0), CACHE_REPAIR_NOTE) != 0)
                add_row(ret, table, stmt);
        }
        cr_assert_eq(stepped, SQLITE_DONE, "%s: %s", table, sqlite3_errmsg(db));
    }
}

static inline void free_rows(struct rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        map_remove(&rows->by_key, &rows->items[i]->node);
        mem_free(rows->items[i]->key);
        mem_free(rows->items[i]->values);
        mem_free(rows->items[i]);
    }
    mem_free(rows->items);
    map_deinit(&rows->by_key);
}

/* --- kinds of pages --- */

enum kind {
    PAGE_ONE,
    PAGE_SCHEMA,
    PAGE_TABLE_LEAF,
    PAGE_TABLE_INTERIOR,
    PAGE_KEYED,
    PAGE_INDEX,
    PAGE_LONG,
    PAGE_FREE,
    N_KINDS
};

static const char *const kind_names[N_KINDS] = {
    [PAGE_ONE] = "the first page: header and list of the tables",
    [PAGE_SCHEMA] = "further pages of the list of the tables",
    [PAGE_TABLE_LEAF] = "a page with rows of a table",
    [PAGE_TABLE_INTERIOR] = "a page that leads to others with rows",
    [PAGE_KEYED] = "a page of a table that is kept by its key (idempotency, preferences)",
    [PAGE_INDEX] = "a page of an index",
    [PAGE_LONG] = "a page with the rest of a long row",
    [PAGE_FREE] = "a page that is not in use",
};

/* What is known of a sound database. */
struct subject {
    char *folder; /* as it was left; never opened */
    bool is_killed;
    struct cache_shapes shapes;
    struct rows rows;
    uint32_t n_pages, n_in_file;
    enum kind *kinds;      /* by page number */
    unsigned char *images; /* of the pages as committed */
};

static const unsigned char *image(const struct subject *s, uint32_t number)
{
    return s->images + (size_t)(number - 1) * CACHE_PAGE_SIZE;
}

static inline void note_tree(struct subject *s, const struct cache_pages *pages, uint32_t number,
                             enum kind leaf, enum kind interior)
{
    struct cache_btree page;
    cr_assert(cache_btree_read(pages, number, &page));
    s->kinds[number] = page.is_leaf ? leaf : interior;
    for (unsigned i = 0; !page.is_leaf && i <= page.n_cells; i++)
        note_tree(s, pages, cache_btree_child(&page, i), leaf, interior);
}

static inline void note_kinds(struct subject *s, sqlite3 *db, const struct cache_pages *pages)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    bool is_whole = false;
    bool *is_free cleanup(mem_freep) = cache_pages_free_list(pages, &is_whole);
    cr_assert(is_whole);
    s->kinds = mem_calloc(s->n_pages + 1, sizeof(*s->kinds));
    for (uint32_t i = 1; i <= s->n_pages; i++)
        s->kinds[i] = is_free[i] ? PAGE_FREE : PAGE_LONG;
    note_tree(s, pages, 1, PAGE_SCHEMA, PAGE_SCHEMA);
    s->kinds[1] = PAGE_ONE;
    cr_assert_eq(cache_sql_query(db, &stmt, "SELECT type, name, rootpage FROM sqlite_schema", ""),
                 0);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const struct cache_shape *shape = cache_shapes_find(&s->shapes, cache_sql_text(stmt, 1));
        uint32_t root = (uint32_t)sqlite3_column_int64(stmt, 2);
        if (!shape)
            note_tree(s, pages, root, PAGE_INDEX, PAGE_INDEX);
        else if (shape->is_index)
            note_tree(s, pages, root, PAGE_KEYED, PAGE_KEYED);
        else
            note_tree(s, pages, root, PAGE_TABLE_LEAF, PAGE_TABLE_INTERIOR);
    }
}

static inline int64_t size_of(const char *path)
{
    uv_file file = cache_file_open(path);
    int64_t size = cache_file_size(file);
    cache_file_close(file);
    return size;
}

static inline struct subject *subject_make(bool is_killed)
{
    struct subject *s = mem_new(struct subject);
    s->folder = folder_make();
    s->is_killed = is_killed;
    make(s->folder, is_killed);

    char *path cleanup(mem_freep) = fs_join(s->folder, "ldplayerd.db");
    struct cache_pages *pages = NULL;
    cr_assert_eq(cache_pages_open(path, &pages), 0);
    s->n_pages = cache_pages_count(pages);
    s->n_in_file = (uint32_t)(size_of(path) / CACHE_PAGE_SIZE);
    s->images = mem_calloc(s->n_pages, CACHE_PAGE_SIZE);
    for (uint32_t i = 1; i <= s->n_pages; i++)
        cr_assert(cache_pages_read(pages, i, (unsigned char *)image(s, i)));

    char *other = folder_make();
    make(other, is_killed);
    sqlite3 *db = open_db(other);
    sqlite3 *model = NULL;
    cr_assert_eq(cache_schema_model(cache_schema_newest(), &model), 0);
    cr_assert_eq(cache_shapes_init(&s->shapes, model), 0);
    cache_sql_close(model);
    read_rows(db, &s->shapes, &s->rows);
    note_kinds(s, db, pages);
    cache_db_close(db);
    cache_pages_close(pages);
    folder_remove(other);
    return s;
}

static inline void subject_free(struct subject *s)
{
    free_rows(&s->rows);
    cache_shapes_deinit(&s->shapes);
    mem_free(s->kinds);
    mem_free(s->images);
    folder_remove(s->folder);
    mem_free(s);
}

/* --- its files, damaged --- */

struct file {
    const struct subject *subject;
    unsigned char *bytes;
    size_t n;
};

/* --- what comes of it --- */

/* What was seen of one kind of page. */
struct seen {
    bool is_sound, is_repaired, is_row_lost;
};

struct trial {
    const struct subject *subject;
    uint32_t first, last; /* the pages that were damaged */
    const char *name;     /* of the damage */
};

static inline bool stands_there(const struct trial *t, const char *mark)
{
    for (uint32_t number = t->first; number <= t->last; number++) {
        enum kind kind = t->subject->kinds[number];
        if ((kind == PAGE_TABLE_LEAF || kind == PAGE_KEYED || kind == PAGE_LONG) &&
            memmem(image(t->subject, number), CACHE_PAGE_SIZE, mark, strlen(mark)))
            return true;
    }
    return false;
}

#define trial_assert(trial, condition, ...)                                                        \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            char *what cleanup(mem_freep) = mem_printf(__VA_ARGS__);                               \
            cr_assert(false, "pages %u to %u (%s), %s, %s: %s", (trial)->first, (trial)->last,     \
                      kind_names[(trial)->subject->kinds[(trial)->first]], (trial)->name,          \
                      (trial)->subject->is_killed ? "killed" : "stopped", what);                   \
        }                                                                                          \
    } while (0)

/* Returns how many rows are gone. */
static inline size_t compare(const struct trial *t, const struct rows *now, const char *table)
{
    const struct rows *before = &t->subject->rows;
    size_t n_lost = 0;
    for (size_t i = 0; i < before->n; i++) {
        const struct row *row = before->items[i];
        if (table && (!str_has_prefix(row->key, table) || row->key[strlen(table)] != '/'))
            continue;
        struct map_node *node = map_find(&now->by_key, row->key);
        n_lost += !node;
        trial_assert(t, node || stands_there(t, row->mark), "%s is lost", row->key);
        trial_assert(t,
                     !node || stands_there(t, row->mark) ||
                         strcmp(container_of(node, struct row, node)->values, row->values) == 0,
                     "%s is another", row->key);
    }
    return n_lost;
}

static inline void check_no_row_is_new(const struct trial *t, const struct rows *now)
{
    for (size_t i = 0; i < now->n; i++) {
        const struct row *row = now->items[i];
        trial_assert(t, map_find(&t->subject->rows.by_key, row->key) || stands_there(t, row->mark),
                     "%s is new", row->key);
    }
}

static inline void check_figures(const struct trial *t, const struct rows *now,
                                 const struct cache_salvage *saved)
{
    for (size_t i = 0; i < saved->n_tables; i++) {
        const struct cache_salvage_table *table = &saved->tables[i];
        size_t n_lost = compare(t, now, table->name);
        trial_assert(t, table->n_lost < 0 || table->n_lost == (int64_t)n_lost,
                     "%s: told that %d rows were lost, and %d were", table->name,
                     (int)table->n_lost, (int)n_lost);
    }
}

static inline void check_works(const struct trial *t, sqlite3 *db, bool is_repaired)
{
    trial_assert(t, query_number(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"),
                 "not sound");
    trial_assert(t, query_number(db, "PRAGMA user_version") == cache_schema_newest(), "version");
    execute(db, "INSERT INTO events (time, type, json) VALUES (1, 'x', '{}')");
    execute(db, "DELETE FROM operations");
    /* A number that a lost event may have had is not given again. */
    trial_assert(t,
                 !is_repaired || query_number(db, "SELECT max(seq) FROM events") > 1000000000000000,
                 "an event number is given again");
}

static inline void write_file(const char *folder, const char *name, const struct file *f)
{
    char *path cleanup(mem_freep) = fs_join(folder, name);
    FILE *file = fopen(path, "wb");
    cr_assert_eq(fwrite(f->bytes, 1, f->n, file), f->n);
    fclose(file);
}

static inline struct file read_file(const struct subject *s, const char *name)
{
    struct buf bytes;
    struct file f = {.subject = s};
    char *path cleanup(mem_freep) = fs_join(s->folder, name);
    buf_init(&bytes, 0);
    if (fs_read(path, &bytes) == 0)
        f.bytes = (unsigned char *)buf_take(&bytes, &f.n);
    return f;
}

/* As for the events of the service, in the new database before it is the one. */
static inline int renumber(sqlite3 *db)
{
    return cache_sql_run(db, "INSERT INTO events VALUES (1000000000000001, 1, 'x', '{}')", "");
}

static inline struct seen open_and_check(const struct trial *t, const char *folder)
{
    sqlite3 *db = NULL;
    struct cache_db_error err;
    struct cache_repair repair = {.finish = renumber};
    struct rows now;
    int r = cache_db_open(folder, &db, &repair, &err);
    trial_assert(t, r == 0, "does not open: %s", err.text);
    read_rows(db, &t->subject->shapes, &now);
    struct seen seen = {.is_sound = !repair.kept,
                        .is_repaired = repair.kept != NULL,
                        .is_row_lost = compare(t, &now, NULL) > 0};
    trial_assert(t, repair.kept || !seen.is_row_lost, "rows are lost and nobody is told");
    check_no_row_is_new(t, &now);
    check_figures(t, &now, &repair.saved);
    check_works(t, db, repair.kept != NULL);
    free_rows(&now);
    cache_repair_deinit(&repair);
    cache_db_close(db);
    return seen;
}

static inline struct seen try_files(const struct trial *t, const struct file *db,
                                    const struct file *log)
{
    char *folder = folder_make();
    write_file(folder, "ldplayerd.db", db);
    if (log->n > 0)
        write_file(folder, "ldplayerd.db-wal", log);
    struct seen seen = open_and_check(t, folder);
    cr_assert(!seen.is_repaired || folder_count(folder) >= 2, "the damaged file is not kept");
    folder_remove(folder);
    return seen;
}

#endif
