/* SPDX-License-Identifier: MIT */
#ifndef LDC_ROW_H
#define LDC_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ldconsole/output/fault.h"
#include "ldconsole/output/text.h"

enum {
    LDC_TITLE_SIZE = 257, /* bytes with the NUL; longer titles are cut at a code point */
    LDC_QUOTE_SIZE = 121  /* of a line that is quoted in a message */
};

/** One row of list2 (reference 2.3). A value type. */
struct ldc_row {
    int index;
    char title[LDC_TITLE_SIZE]; /* UTF-8 */
    int64_t top_window, bind_window;
    int android;            /* 0 stopped, 1 up, 2 starting; anything else as it came */
    int64_t pid;            /* dnplayer; -1 when there is none */
    int64_t vbox_pid;       /* headless VM; -1 when there is none */
    int width, height, dpi; /* 0 when the version prints no more than 7 columns */
};

struct ldc_rows {
    struct ldc_row *items;
    size_t n_items, cap;
    int columns;                /* 7, 10 or what a later version prints; 0 without rows */
    size_t n_bad_lines;         /* lines that begin as a row and are no whole one, or contradict the
                                   one before of their index */
    size_t n_noise_lines;       /* lines that are no part of the list: something else prints, too */
    char noise[LDC_QUOTE_SIZE]; /* the first of them, UTF-8, cut; "" when there is none */
    char bad[LDC_QUOTE_SIZE];   /* the first bad line, rather one that is long enough for a row */
    size_t n_strange_fields;    /* how many fields that has; 0 = none is long enough */
    uint32_t *slots;            /* private: hash of index -> position + 1 in items */
    size_t n_slots;
};

void ldc_rows_deinit(struct ldc_rows *rows);

/** What an answer to list2 is worth. */
enum ldc_list_outcome {
    LDC_LIST_OK = 0,
    LDC_LIST_TORN,           /* rows, and at least one broken: proves presence, not absence */
    LDC_LIST_EMPTY,          /* nothing printed: happens although instances exist (reference 2.3) */
    LDC_LIST_USAGE,          /* the usage text or an error text instead of rows */
    LDC_LIST_GARBAGE,        /* not one line is a row */
    LDC_LIST_UNKNOWN_FORMAT, /* rows, but not certain which of their columns are which */
};

/** HAS_INSTANCES: there are config files of some, so an empty list is not the truth. */
enum ldc_fault ldc_list_fault(enum ldc_list_outcome outcome, bool has_instances);

/** The code for problem documents of an outcome that is no list: "LDCONSOLE_GARBAGE", ... */
const char *ldc_list_code(enum ldc_list_outcome outcome);

bool ldc_row_is_same(const struct ldc_row *a, const struct ldc_row *b);

/** Whether TITLE is the one that LDPlayer gives INDEX by itself. */
bool ldc_title_is_default(const char *title, int index);

/** The title that INDEX has by its config file; "" when that has none, and the default title is in
 *  use; NULL when nothing is known. */
typedef const char *(*ldc_title_fn)(const void *arg, int index);

/** Reads list2's bytes: CRLF or LF, titles with commas, any order and gaps, an index that is
 *  repeated (the first counts, and where another row of it is not the same the list is torn), the
 *  phantom row 99999 left out. A line that does not begin with a number and a comma is
 *  noise, and otherwise ignored. A last line without its end counts as broken unless it is a whole
 *  row of the same width.
 *
 *  Where the title ends is decided once for all rows: at the width at which most of them mean
 *  something (a state, processes, a screen), and, where TITLE_OF (may be NULL) knows titles, at
 *  which a known title stands in its place. What follows behind the columns we know is ignored. Two
 *  new widths that are equally good, or titles that contradict, are UNKNOWN_FORMAT.
 *
 *  RET_ROWS is always filled, with items only when OK or TORN; release it with ldc_rows_deinit. */
enum ldc_list_outcome ldc_rows_parse(const char *bytes, size_t n, enum ldc_codepage codepage,
                                     ldc_title_fn title_of, const void *arg,
                                     struct ldc_rows *ret_rows);

#endif
