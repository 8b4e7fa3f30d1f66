/* SPDX-License-Identifier: MIT */
#ifndef CACHE_BTREE_H
#define CACHE_BTREE_H

#include "cache/pages/pages.h"

/** What stands on one page of a table or an index (sqlite.org/fileformat2.html#b_tree_pages).
 *  Everything is checked against the bounds of the page and the file: nothing here can be trusted.
 *  Rows are on the leaves of a table, and everywhere in an index; a table WITHOUT ROWID is kept as
 *  an index. One thread. */

struct cache_btree {
    unsigned char bytes[CACHE_PAGE_SIZE];
    bool is_index, is_leaf;
    unsigned n_cells;
    unsigned header, pointers; /* offsets of the page's header and the first cell's pointer */
};

/** Reads page NUMBER; false when it is no page of a tree. */
bool cache_btree_read(const struct cache_pages *pages, uint32_t number, struct cache_btree *ret);
/** Whether each byte of its cells belongs to one of them or is known to be free: not so when some
 *  cells are not pointed to any more. */
bool cache_btree_is_whole(const struct cache_btree *page);
/** Of a page that is no leaf: the page below cell I, or for n_cells the last one; 0 when it cannot
 *  be told. */
uint32_t cache_btree_child(const struct cache_btree *page, unsigned i);
/** Of such a page of a table: the highest row number below cell I. */
int64_t cache_btree_bound(const struct cache_btree *page, unsigned i);

enum cache_value_type { CACHE_NULL, CACHE_INTEGER, CACHE_REAL, CACHE_TEXT, CACHE_BLOB };

struct cache_value {
    enum cache_value_type type;
    int64_t integer; /* also the bits of a real number */
    const unsigned char *bytes;
    size_t n;
};

enum { CACHE_RECORD_MAX = 64 };

struct cache_record {
    struct cache_value values[CACHE_RECORD_MAX];
    unsigned n;
    int64_t rowid; /* of a table's row */
    bool is_long;  /* its end stands on pages of its own */
    size_t size;
    unsigned char *payload;
};

/** A record to read into; deinit frees it after the last one. */
void cache_record_deinit(struct cache_record *record);
/** The row or index entry in cell I. Its values are valid until the next call with RECORD. False
 *  when the cell cannot be read as one. */
bool cache_btree_record(const struct cache_pages *pages, const struct cache_btree *page, unsigned i,
                        struct cache_record *record);

#endif
