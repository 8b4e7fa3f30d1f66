/* SPDX-License-Identifier: MIT */
#ifndef LDC_LINE_H
#define LDC_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ldconsole/output/text.h"

/** One line of what list2 prints (reference 2.3), before it is known which columns there are. A row
 *  is `index,title,` and then a tail: five numbers (LDPlayer 3, old 4), eight, or eight with
 *  further fields behind them. The title stands raw, commas included, so a width of the tail is
 *  needed to tell them apart. Private to this folder. */

enum { LDC_TAIL_SHORT = 5, LDC_TAIL_LONG = 8, LDC_TAIL_MAX = 24 };

struct ldc_span {
    const char *start, *end;
};

struct ldc_line {
    struct ldc_span text; /* without its end */
    bool is_whole;        /* its end was printed */
    bool is_numbered;     /* it begins with a number and a comma: what follows is set */
    int index;
    const char *title; /* where the title begins */
    size_t n_fields;   /* from there on */
    size_t n_tail;     /* how many of them may be the tail; at most LDC_TAIL_MAX */
    /* Those, [0] being the last one of the line: where it begins, and its number or LDC_NO_NUMBER.
     */
    const char *starts[LDC_TAIL_MAX];
    int64_t numbers[LDC_TAIL_MAX];
};

#define LDC_NO_NUMBER INT64_MIN

/** Takes the next line from REST; false when nothing is left. */
bool ldc_line_next(struct ldc_span *rest, struct ldc_line *ret);
bool ldc_line_is_blank(struct ldc_span text);
/** The number in field I (0 = the first) of a tail of WIDTH that fits. */
int64_t ldc_line_number(const struct ldc_line *line, size_t width, size_t i);
/** Whether a tail of WIDTH can be here: numbers wherever we know that there are some. */
bool ldc_line_fits(const struct ldc_line *line, size_t width);
/** Whether it also means something: a state, processes and a screen that there can be. The same
 * line at another width puts a window where the state is, or -1 where the screen is. */
bool ldc_line_makes_sense(const struct ldc_line *line, size_t width);
/** Whether it makes sense at any width. */
bool ldc_line_makes_any_sense(const struct ldc_line *line);
/** The title at WIDTH as UTF-8 in OUT (SIZE bytes). */
void ldc_line_title(const struct ldc_line *line, size_t width, struct ldc_decoder *decoder,
                    char *out, size_t size);

#endif
