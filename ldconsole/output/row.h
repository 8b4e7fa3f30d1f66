/* SPDX-License-Identifier: MIT */
#ifndef LDC_ROW_H
#define LDC_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "ldconsole/output/text.h"

enum { LDC_TITLE_SIZE = 257 }; /* bytes with the NUL; longer titles are cut at a code point */

/** One row of list2 (reference 2.3). A value type. */
struct ldc_row {
    int index;
    char title[LDC_TITLE_SIZE]; /* UTF-8 */
    int64_t top_window, bind_window;
    int android;            /* 0 stopped, 1 up, 2 starting; anything else as it came */
    int64_t pid;            /* dnplayer; -1 when there is none */
    int64_t vbox_pid;       /* headless VM; -1 when there is none */
    int width, height, dpi; /* 0 when the version prints 7 columns */
};

struct ldc_rows {
    struct ldc_row *items;
    size_t n_items, cap;
    int columns;        /* 7 or 10; 0 without rows */
    size_t n_bad_lines; /* lines that are no row: truncated, garbage */
    uint32_t *slots;    /* private: hash of index -> position + 1 in items */
    size_t n_slots;
};

void ldc_rows_deinit(struct ldc_rows *rows);
/** The row with INDEX, or NULL; takes the same time however many rows there are. */
const struct ldc_row *ldc_rows_find(const struct ldc_rows *rows, int index);

enum ldc_list_outcome {
    LDC_LIST_OK = 0,
    LDC_LIST_EMPTY,  /* nothing printed: happens although instances exist (reference 2.3) */
    LDC_LIST_USAGE,  /* the usage text or an error text instead of rows */
    LDC_LIST_GARBAGE /* not one line is a row */
};

/** Reads list2's bytes: 7 or 10 columns, CRLF or LF, titles with commas (split from both ends),
 *  any order and gaps, repeated index (first wins), the phantom row 99999 left out. A last line
 *  without its line end counts as truncated unless it is a whole row of the same width.
 *  RET_ROWS is always filled; release it with ldc_rows_deinit. */
enum ldc_list_outcome ldc_rows_parse(const char *bytes, size_t n, enum ldc_codepage codepage,
                                     struct ldc_rows *ret_rows);

#endif
