/* SPDX-License-Identifier: MIT */
#include "cache/store/salvage.h"

#include <string.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "cache/pages/btree.h"
#include "cache/store/schema.h"
#include "cache/store/shape.h"
#include "cache/store/sql.h"

/* In this order, so that of two forms of one row the right one is kept (the second is ignored):
 *
 *   1. What the trees lead to, from page 1: their tables are known. Where the list of the tables in
 *      page 1 has a hole, every page that no other leads to is the root of a tree, whose first row
 *      tells which table it is of; when there are as many as there have to be, nothing is lost.
 *   2. Only when a tree has a hole, or less pages than there are, or page 1 is gone: pages that no
 *      tree leads to and that are not free. Their rows tell by their shape which table they are of.
 *      Not where page 1 says that more pages are free than can be found: what was removed or
 *      revoked would be back.
 *
 * The version of the schema is not taken from page 1 but is the one that explains most rows. */

enum { MAX_DEPTH = 24, NO_TABLE = -1 };

struct tree {
    uint32_t root;
    int table; /* index of a shape, of an index the table's; or NO_TABLE */
    enum { TREE_SCHEMA, TREE_TABLE, TREE_INDEX } kind;
    bool is_whole_index; /* has one entry for each row of the table */
    bool is_guessed;     /* not from the list of the tables */
    unsigned n_bad;      /* pages and rows that are not to be read */
    uint64_t n_entries;
};

struct salvage {
    struct cache_pages *pages;
    uint32_t n_pages;
    bool *is_free, *is_reached; /* by page number */
    bool is_free_list_whole;
    bool *is_taken; /* all its rows are where they belong, or it is of an index */
    struct cache_shapes shapes;
    struct tree *trees;
    size_t n_trees, cap_trees;
    struct cache_record record;
    sqlite3 *db;
    int64_t n_objects; /* that a whole list has */
    uint64_t *n_kept;  /* by table */
    int error;
};

/* --- rows --- */

static void bind_value(sqlite3_stmt *stmt, int i, const struct cache_value *v)
{
    double real;
    switch (v->type) {
    case CACHE_NULL:
        break;
    case CACHE_INTEGER:
        sqlite3_bind_int64(stmt, i, v->integer);
        break;
    case CACHE_REAL:
        memcpy(&real, &v->integer, sizeof(real));
        sqlite3_bind_double(stmt, i, real);
        break;
    case CACHE_TEXT:
        sqlite3_bind_text(stmt, i, (const char *)v->bytes, (int)v->n, SQLITE_STATIC);
        break;
    case CACHE_BLOB:
        sqlite3_bind_blob(stmt, i, v->bytes, (int)v->n, SQLITE_STATIC);
        break;
    }
}

/* Columns that the record has not got their default. */
static char *insert_sql(const struct cache_shape *shape, unsigned n)
{
    struct buf names cleanup(buf_deinit), marks cleanup(buf_deinit);
    buf_init(&names, 0);
    buf_init(&marks, 0);
    for (unsigned i = 0; i < n; i++) {
        (void)buf_printf(&names, "%s%s", i ? ", " : "", shape->columns[i].name);
        (void)buf_append_str(&marks, i ? ", ?" : "?");
    }
    return mem_printf("INSERT OR IGNORE INTO %s (%s) VALUES (%s)", shape->table, names.data,
                      marks.data);
}

/* Whether it is there now and was not before. */
static bool insert(struct salvage *s, const struct cache_shape *shape)
{
    char *sql cleanup(mem_freep) = insert_sql(shape, s->record.n);
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    if (s->error == 0)
        s->error = cache_sql_query(s->db, &stmt, sql, "");
    if (s->error < 0)
        return false;
    for (unsigned i = 0; i < s->record.n; i++) {
        const struct cache_value rowid = {.type = CACHE_INTEGER, .integer = s->record.rowid};
        bind_value(stmt, (int)i + 1, shape->columns[i].is_rowid ? &rowid : &s->record.values[i]);
    }
    if (sqlite3_step(stmt) != SQLITE_DONE)
        s->error = cache_sql_error_code(s->db);
    bool is_new = s->error == 0 && sqlite3_changes64(s->db) > 0;
    s->n_kept[shape - s->shapes.items] += is_new;
    return is_new;
}

/* --- what the trees lead to --- */

static struct tree *add_tree(struct salvage *s)
{
    s->trees = mem_grow(s->trees, s->n_trees, &s->cap_trees, sizeof(*s->trees));
    s->trees[s->n_trees] = (struct tree){.table = NO_TABLE};
    return &s->trees[s->n_trees++];
}

static bool is_text(const struct cache_value *v, const char *text)
{
    return v->type == CACHE_TEXT && v->n == strlen(text) && memcmp(v->bytes, text, v->n) == 0;
}

/* A row of sqlite_schema: type, name, tbl_name, rootpage, sql. */
static bool read_schema_row(struct salvage *s)
{
    const struct cache_value *v = s->record.values;
    bool is_table = is_text(&v[0], "table"), is_index = is_text(&v[0], "index");
    if (s->record.n != 5 || (!is_table && !is_index) || v[2].type != CACHE_TEXT ||
        v[3].type != CACHE_INTEGER || v[3].integer < 2 || v[3].integer > (int64_t)s->n_pages)
        return false;
    char *table cleanup(mem_freep) = mem_strndup((const char *)v[2].bytes, v[2].n);
    char *sql cleanup(mem_freep) = mem_strndup((const char *)v[4].bytes, v[4].n);
    const struct cache_shape *shape = cache_shapes_find(&s->shapes, table);
    struct tree *tree = add_tree(s);
    tree->root = (uint32_t)v[3].integer;
    tree->kind = is_table ? TREE_TABLE : TREE_INDEX;
    tree->table = shape ? (int)(shape - s->shapes.items) : NO_TABLE;
    tree->is_whole_index = is_index && !strstr(sql, " WHERE ");
    return true;
}

/* By number, because reading the schema moves them. */
static struct tree *tree_of(struct salvage *s, size_t t)
{
    return &s->trees[t];
}

/* The rows that may stand below one page: a copy of another page has others. */
struct range {
    int64_t above, up_to;
};

static bool take_cell(struct salvage *s, size_t t, const struct cache_btree *page, unsigned i,
                      struct range range)
{
    int table = tree_of(s, t)->table;
    if (tree_of(s, t)->kind == TREE_INDEX) {
        tree_of(s, t)->n_entries++;
        return true;
    }
    if (!cache_btree_record(s->pages, page, i, &s->record))
        return false;
    if (!page->is_index && (s->record.rowid <= range.above || s->record.rowid > range.up_to))
        return false;
    if (tree_of(s, t)->kind == TREE_SCHEMA)
        return read_schema_row(s);
    if (table == NO_TABLE)
        return true;
    return cache_shape_fits(&s->shapes.items[table], &s->record, page->is_index) &&
           insert(s, &s->shapes.items[table]);
}

static bool is_of_kind(const struct salvage *s, const struct tree *tree,
                       const struct cache_btree *page)
{
    if (tree->kind == TREE_TABLE && tree->table != NO_TABLE)
        return page->is_index == s->shapes.items[tree->table].is_index;
    return tree->kind == TREE_TABLE || page->is_index == (tree->kind == TREE_INDEX);
}

/* Only the root of an empty table has no cells. */
static bool is_whole(const struct cache_btree *page, uint32_t number, unsigned depth)
{
    bool may_be_empty = page->is_leaf && depth == 0 && number > 1;
    return (page->n_cells > 0 || may_be_empty) && cache_btree_is_whole(page);
}

static void walk(struct salvage *s, size_t t, uint32_t number, unsigned depth, struct range range)
{
    struct cache_btree *page cleanup(mem_freep) = mem_new(struct cache_btree);
    if (depth > MAX_DEPTH || number == 0 || number > s->n_pages || s->is_reached[number] ||
        !cache_btree_read(s->pages, number, page) || !is_of_kind(s, tree_of(s, t), page)) {
        tree_of(s, t)->n_bad++;
        return;
    }
    s->is_reached[number] = true;
    tree_of(s, t)->n_bad += !is_whole(page, number, depth);
    unsigned n_bad = tree_of(s, t)->n_bad;
    for (unsigned i = 0; i < page->n_cells; i++) {
        if ((page->is_leaf || page->is_index) && !take_cell(s, t, page, i, range))
            tree_of(s, t)->n_bad++;
    }
    s->is_taken[number] = tree_of(s, t)->n_bad == n_bad;
    struct range below = range;
    for (unsigned i = 0; !page->is_leaf && i <= page->n_cells; i++) {
        if (!page->is_index)
            below.up_to = i < page->n_cells ? cache_btree_bound(page, i) : range.up_to;
        walk(s, t, cache_btree_child(page, i), depth + 1, below);
        if (!page->is_index)
            below.above = below.up_to;
    }
}

static const struct range all = {INT64_MIN, INT64_MAX};

/* --- roots that are not in the list --- */

/* By number, owned by the caller: pages that another leads to, or the list. */
static bool *find_led_to(struct salvage *s)
{
    struct cache_btree *page cleanup(mem_freep) = mem_new(struct cache_btree);
    bool *is_led_to = mem_calloc((size_t)s->n_pages + 1, sizeof(*is_led_to));
    for (size_t t = 1; t < s->n_trees; t++)
        is_led_to[s->trees[t].root] = true;
    for (uint32_t number = 2; number <= s->n_pages; number++) {
        if (s->is_free[number] || !cache_btree_read(s->pages, number, page) || page->is_leaf)
            continue;
        for (unsigned i = 0; i <= page->n_cells; i++) {
            uint32_t child = cache_btree_child(page, i);
            if (child <= s->n_pages)
                is_led_to[child] = true;
        }
    }
    return is_led_to;
}

/* Reads the first row of the tree at NUMBER; false when there is none. RET_PAGE has its page. */
static bool read_first_row(struct salvage *s, uint32_t number, struct cache_btree *ret_page)
{
    for (unsigned depth = 0; depth < MAX_DEPTH; depth++) {
        if (!cache_btree_read(s->pages, number, ret_page))
            return false;
        if (ret_page->is_leaf || (ret_page->is_index && ret_page->n_cells > 0))
            return ret_page->n_cells > 0 && cache_btree_record(s->pages, ret_page, 0, &s->record);
        number = cache_btree_child(ret_page, 0);
    }
    return false;
}

static bool is_schema_row(const struct cache_record *record)
{
    return record->n == 5 && record->values[3].type == CACHE_INTEGER &&
           (is_text(&record->values[0], "table") || is_text(&record->values[0], "index"));
}

static void add_guessed_tree(struct salvage *s, uint32_t number, const struct cache_btree *page,
                             bool has_row)
{
    const struct cache_shape *shape =
        has_row ? cache_shapes_match(&s->shapes, &s->record, page->is_index) : NULL;
    struct tree *tree = add_tree(s);
    tree->root = number;
    tree->kind = page->is_index && !shape ? TREE_INDEX : TREE_TABLE;
    tree->table = shape ? (int)(shape - s->shapes.items) : NO_TABLE;
    tree->is_guessed = true;
}

/* First pages of the list itself, which name others. */
static void add_roots(struct salvage *s)
{
    struct cache_btree *page cleanup(mem_freep) = mem_new(struct cache_btree);
    for (int pass = 0; pass < 2; pass++) {
        bool *is_led_to cleanup(mem_freep) = find_led_to(s);
        for (uint32_t number = 2; number <= s->n_pages; number++) {
            if (s->is_free[number] || s->is_reached[number] || is_led_to[number] ||
                !cache_btree_read(s->pages, number, page))
                continue;
            bool has_row = read_first_row(s, number, page);
            bool is_list = has_row && !page->is_index && is_schema_row(&s->record);
            if (pass == 0 && is_list)
                walk(s, 0, number, 1, all);
            else if (pass == 1 && !is_list)
                add_guessed_tree(s, number, page, has_row);
        }
    }
}

/* Whether the trees that were guessed are all there are: as many as a list has, each whole, and of
 * each table one at most. */
static bool is_all_guessed(const struct salvage *s)
{
    for (size_t t = 1; t < s->n_trees; t++) {
        if (s->trees[t].n_bad > 0)
            return false;
        for (size_t other = 1; other < t; other++) {
            if (s->trees[t].kind == TREE_TABLE && s->trees[other].kind == TREE_TABLE &&
                s->trees[t].table != NO_TABLE && s->trees[t].table == s->trees[other].table)
                return false;
        }
    }
    return (int64_t)s->n_trees - 1 == s->n_objects;
}

static void walk_all(struct salvage *s)
{
    struct tree *schema = add_tree(s);
    schema->root = 1;
    schema->kind = TREE_SCHEMA;
    walk(s, 0, 1, 0, all);
    if (tree_of(s, 0)->n_bad > 0)
        add_roots(s);
    for (size_t t = 1; t < s->n_trees; t++) {
        if (s->trees[t].kind == TREE_TABLE)
            walk(s, t, s->trees[t].root, 0, all);
    }
    /* An index may lead to what is not its own: it comes when that has been taken. */
    for (size_t t = 1; t < s->n_trees; t++) {
        if (s->trees[t].kind == TREE_INDEX)
            walk(s, t, s->trees[t].root, 0, all);
    }
}

/* --- what no tree leads to --- */

static bool has_bad_tree(const struct salvage *s)
{
    for (size_t t = 0; t < s->n_trees; t++) {
        if (s->trees[t].n_bad > 0)
            return true;
    }
    return false;
}

/* Whether all free pages are known: what stands on another one was deleted. */
/* Whether a page of a tree is in none, although all trees are whole: one page in the middle of its
 * tree is another that can be read. (The rest of a long row never looks like a page of a tree.) */
static bool has_lost_page(const struct salvage *s)
{
    struct cache_btree *page cleanup(mem_freep) = mem_new(struct cache_btree);
    bool is_lost = false;
    for (uint32_t number = 2; !is_lost && number <= s->n_pages; number++)
        is_lost = !s->is_free[number] && !s->is_reached[number] &&
                  cache_btree_read(s->pages, number, page);
    return is_lost;
}

/* Calls FOUND for each row on pages that are neither free nor taken. Returns how many. */
static uint64_t match_rows(struct salvage *s,
                           bool (*found)(struct salvage *s, const struct cache_shape *shape))
{
    struct cache_btree *page cleanup(mem_freep) = mem_new(struct cache_btree);
    uint64_t n = 0;
    for (uint32_t number = 2; number <= s->n_pages; number++) {
        if (s->is_free[number] || s->is_taken[number] ||
            !cache_btree_read(s->pages, number, page) || (!page->is_leaf && !page->is_index))
            continue;
        for (unsigned i = 0; i < page->n_cells; i++) {
            if (!cache_btree_record(s->pages, page, i, &s->record))
                continue;
            const struct cache_shape *shape =
                cache_shapes_match(&s->shapes, &s->record, page->is_index);
            n += shape != NULL;
            if (shape && found)
                (void)found(s, shape);
        }
    }
    return n;
}

/* --- the new database --- */

/* The shapes of the version that knows the most rows, the newest one of several. */
static int find_version(struct salvage *s, int *ret_version)
{
    uint64_t most = 0;
    int r = 0;
    *ret_version = cache_schema_newest();
    for (int version = cache_schema_newest(); r == 0 && version > 0; version--) {
        sqlite3 *model cleanup(cache_sql_closep) = NULL;
        r = cache_schema_model(version, &model);
        if (r == 0)
            r = cache_shapes_init(&s->shapes, model);
        uint64_t n = r == 0 ? match_rows(s, NULL) : 0;
        cache_shapes_deinit(&s->shapes);
        s->shapes = (struct cache_shapes){0};
        if (n > most) {
            most = n;
            *ret_version = version;
        }
    }
    return r;
}

/* Nothing of it counts before it is complete, so it needs no journal. */
static int create(struct salvage *s, const char *to, int version)
{
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(to, &s->db, flags, NULL) != SQLITE_OK)
        return cache_sql_error_code(s->db);
    int r = cache_sql_exec(s->db, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
                                  "PRAGMA temp_store=MEMORY");
    if (r == 0)
        r = cache_schema_make(s->db, version);
    if (r == 0)
        r = cache_shapes_init(&s->shapes, s->db);
    if (r == 0)
        r = cache_sql_number(s->db, "SELECT count(*) FROM sqlite_schema WHERE rootpage > 0",
                             &s->n_objects);
    s->n_kept = mem_calloc(s->shapes.n, sizeof(*s->n_kept));
    return r;
}

static int fill(struct salvage *s)
{
    struct cache_db_error error;
    int r = cache_sql_exec(s->db, "BEGIN");
    if (r < 0)
        return r;
    walk_all(s);
    if (s->is_free_list_whole && (has_bad_tree(s) || has_lost_page(s)))
        (void)match_rows(s, insert);
    r = s->error ? s->error : cache_sql_exec(s->db, "COMMIT");
    return r == 0 ? cache_schema_migrate(s->db, &error) : r;
}

/* --- what was lost --- */

/* An index that is whole says how many rows there were. */
static int64_t count_lost(const struct salvage *s, int table)
{
    bool is_found = false, is_bad = false;
    int64_t expected = -1, kept = (int64_t)s->n_kept[table];
    if (s->trees[0].n_bad > 0 && is_all_guessed(s))
        return 0;
    for (size_t t = 0; t < s->n_trees; t++) {
        const struct tree *tree = &s->trees[t];
        if (tree->table != table || tree->is_guessed)
            continue;
        is_found |= tree->kind == TREE_TABLE;
        is_bad |= tree->kind == TREE_TABLE && tree->n_bad > 0;
        if (tree->is_whole_index && tree->n_bad == 0 && (int64_t)tree->n_entries > expected)
            expected = (int64_t)tree->n_entries;
    }
    if (expected >= 0)
        return expected > kept ? expected - kept : 0;
    return is_found && !is_bad ? 0 : -1;
}

static void report(const struct salvage *s, struct cache_salvage *ret)
{
    *ret = (struct cache_salvage){0};
    for (size_t i = 0; i < s->shapes.n && i < CACHE_SALVAGE_MAX_TABLES; i++) {
        struct cache_salvage_table *t = &ret->tables[ret->n_tables++];
        str_copy(t->name, sizeof(t->name), s->shapes.items[i].table);
        t->n_kept = s->n_kept[i];
        t->n_lost = count_lost(s, (int)i);
    }
}

static int run(struct salvage *s, const char *to, struct cache_salvage *ret)
{
    int version;
    s->n_pages = cache_pages_count(s->pages);
    s->is_reached = mem_calloc((size_t)s->n_pages + 1, sizeof(*s->is_reached));
    s->is_taken = mem_calloc((size_t)s->n_pages + 1, sizeof(*s->is_taken));
    s->is_free = cache_pages_free_list(s->pages, &s->is_free_list_whole);
    int r = find_version(s, &version);
    if (r == 0)
        r = create(s, to, version);
    if (r == 0)
        r = fill(s);
    if (r == 0)
        report(s, ret);
    return r;
}

int cache_salvage(const char *from, const char *to, int (*finish)(sqlite3 *db, void *arg),
                  void *arg, struct cache_salvage *ret)
{
    struct salvage s = {0};
    int r = cache_pages_open(from, &s.pages);
    if (r == 0)
        r = run(&s, to, ret);
    if (r == 0)
        r = finish(s.db, arg);
    cache_sql_close(s.db);
    cache_shapes_deinit(&s.shapes);
    cache_record_deinit(&s.record);
    mem_free(s.trees);
    mem_free(s.n_kept);
    mem_free(s.is_reached);
    mem_free(s.is_taken);
    mem_free(s.is_free);
    cache_pages_close(s.pages);
    return r == 0 ? fs_flush(to) : r;
}
