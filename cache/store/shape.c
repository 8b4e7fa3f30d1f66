/* SPDX-License-Identifier: MIT */
#include "cache/store/shape.h"

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/store/sql.h"

static enum cache_value_type type_of(const char *declared)
{
    if (strcmp(declared, "TEXT") == 0)
        return CACHE_TEXT;
    return strcmp(declared, "INTEGER") == 0 ? CACHE_INTEGER : CACHE_NULL;
}

/* The columns as they are stored: of a table WITHOUT ROWID in the order of its primary key's index,
 * which has the others behind the key. */
#define COLUMNS_OF_TABLE                                                                           \
    "SELECT name, type, \"notnull\", pk, dflt_value IS NOT NULL FROM pragma_table_info(?1)"
#define COLUMNS_OF_INDEX                                                                           \
    "SELECT c.name, c.type, c.\"notnull\", 0, c.dflt_value IS NOT NULL"                            \
    " FROM pragma_index_list(?1) i, pragma_index_xinfo(i.name) x, pragma_table_info(?1) c"         \
    " WHERE i.origin = 'pk' AND c.cid = x.cid ORDER BY x.seqno"

static int read_columns(struct cache_shape *shape, sqlite3 *db)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    size_t cap = 0;
    int r = cache_sql_query(db, &stmt, shape->is_index ? COLUMNS_OF_INDEX : COLUMNS_OF_TABLE, "s",
                            shape->table);
    if (r < 0)
        return r;
    int stepped;
    while ((stepped = sqlite3_step(stmt)) == SQLITE_ROW) {
        shape->columns = mem_grow(shape->columns, shape->n, &cap, sizeof(*shape->columns));
        struct cache_shape_column *c = &shape->columns[shape->n++];
        *c = (struct cache_shape_column){
            .name = cache_sql_text_dup(stmt, 0),
            .type = type_of(cache_sql_text(stmt, 1)),
            .may_be_null = sqlite3_column_int(stmt, 2) == 0,
        };
        c->is_rowid = sqlite3_column_int(stmt, 3) > 0 && c->type == CACHE_INTEGER;
        c->may_be_null |= c->is_rowid;
        c->may_be_missing = c->may_be_null || sqlite3_column_int(stmt, 4) != 0;
    }
    return stepped == SQLITE_DONE ? 0 : cache_sql_error_code(db);
}

int cache_shapes_init(struct cache_shapes *shapes, sqlite3 *db)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    size_t cap = 0;
    *shapes = (struct cache_shapes){0};
    int r = cache_sql_query(db, &stmt,
                            "SELECT name, wr FROM pragma_table_list WHERE schema = 'main'"
                            " AND type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
                            "");
    int stepped = SQLITE_DONE;
    while (r == 0 && (stepped = sqlite3_step(stmt)) == SQLITE_ROW) {
        shapes->items = mem_grow(shapes->items, shapes->n, &cap, sizeof(*shapes->items));
        struct cache_shape *shape = &shapes->items[shapes->n++];
        *shape = (struct cache_shape){.table = cache_sql_text_dup(stmt, 0),
                                      .is_index = sqlite3_column_int(stmt, 1) != 0};
        r = read_columns(shape, db);
    }
    return r == 0 && stepped != SQLITE_DONE ? cache_sql_error_code(db) : r;
}

void cache_shapes_deinit(struct cache_shapes *shapes)
{
    for (size_t i = 0; i < shapes->n; i++) {
        struct cache_shape *shape = &shapes->items[i];
        for (unsigned k = 0; k < shape->n; k++)
            mem_free(shape->columns[k].name);
        mem_free(shape->columns);
        mem_free(shape->table);
    }
    mem_free(shapes->items);
}

const struct cache_shape *cache_shapes_find(const struct cache_shapes *shapes, const char *table)
{
    for (size_t i = 0; i < shapes->n; i++) {
        if (strcmp(shapes->items[i].table, table) == 0)
            return &shapes->items[i];
    }
    return NULL;
}

static bool value_fits(const struct cache_shape_column *column, const struct cache_value *value)
{
    if (value->type == CACHE_NULL)
        return column->may_be_null;
    if (value->type == CACHE_TEXT &&
        (memchr(value->bytes, 0, value->n) || !str_is_utf8((const char *)value->bytes, value->n)))
        return false;
    return column->type == CACHE_NULL || column->type == value->type;
}

/* A text that does not fit on one page is always JSON here, and what stands on its further pages
 * can only be told from other text by that. */
static bool is_whole(const struct cache_record *record)
{
    for (unsigned i = 0; record->is_long && i < record->n; i++) {
        const struct cache_value *v = &record->values[i];
        if (v->type != CACHE_TEXT || v->n < CACHE_PAGE_SIZE / 16 ||
            (v->bytes[0] != '{' && v->bytes[0] != '['))
            continue;
        yyjson_doc *doc cleanup(json_doc_freep) = yyjson_read((const char *)v->bytes, v->n, 0);
        if (!doc)
            return false;
    }
    return true;
}

bool cache_shape_fits(const struct cache_shape *shape, const struct cache_record *record,
                      bool is_index)
{
    if (shape->is_index != is_index || record->n > shape->n)
        return false;
    for (unsigned i = 0; i < record->n; i++) {
        if (!value_fits(&shape->columns[i], &record->values[i]))
            return false;
    }
    for (unsigned i = record->n; i < shape->n; i++) {
        if (!shape->columns[i].may_be_missing)
            return false;
    }
    return is_whole(record);
}

const struct cache_shape *cache_shapes_match(const struct cache_shapes *shapes,
                                             const struct cache_record *record, bool is_index)
{
    const struct cache_shape *match = NULL;
    for (size_t i = 0; i < shapes->n; i++) {
        if (!cache_shape_fits(&shapes->items[i], record, is_index))
            continue;
        if (match)
            return NULL;
        match = &shapes->items[i];
    }
    return match;
}
