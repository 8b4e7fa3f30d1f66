/* SPDX-License-Identifier: MIT */
#ifndef CACHE_SHAPE_H
#define CACHE_SHAPE_H

#include <sqlite3.h>

#include "cache/pages/btree.h"

/** What a row of each table looks like as a record, so that rows are known again when nothing
 *  tells any more which table a page belongs to. */

struct cache_shape_column {
    char *name;
    enum cache_value_type type; /* CACHE_NULL: any */
    bool may_be_null;           /* the row's number stands for an INTEGER PRIMARY KEY, too */
    bool is_rowid;
    bool may_be_missing; /* in rows from before the column was added */
};

struct cache_shape {
    char *table;
    bool is_index; /* WITHOUT ROWID: the columns are in the order of that index */
    struct cache_shape_column *columns;
    unsigned n;
};

struct cache_shapes {
    struct cache_shape *items;
    size_t n;
};

/** Of the tables of DB. Returns 0 or a UV code; deinit in each case. */
int cache_shapes_init(struct cache_shapes *shapes, sqlite3 *db);
void cache_shapes_deinit(struct cache_shapes *shapes);
/** NULL when there is no such table. */
const struct cache_shape *cache_shapes_find(const struct cache_shapes *shapes, const char *table);
/** Whether RECORD, from a page of an index or not, can be a row of the table: number and types of
 *  its values, and text that is text. */
bool cache_shape_fits(const struct cache_shape *shape, const struct cache_record *record,
                      bool is_index);
/** The one table that RECORD fits; NULL for none or several. */
const struct cache_shape *cache_shapes_match(const struct cache_shapes *shapes,
                                             const struct cache_record *record, bool is_index);

#endif
