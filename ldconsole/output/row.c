/* SPDX-License-Identifier: MIT */
#include "ldconsole/output/row.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/text/str.h"
#include "ldconsole/output/banner.h"

/* How list2 is read. A row is `index,title,` and then five (LDPlayer 3, old 4) or eight numbers.
 * Titles are printed raw, commas included, so the numbers are counted from the right. A title that
 * ends like numbers makes one row of five look like one of eight: which of both widths a version
 * prints is therefore decided by the majority of the lines, before any is taken apart. */

enum { TAIL_SHORT = 5, TAIL_LONG = 8, PHANTOM_INDEX = 99999 };

struct span {
    const char *start, *end;
};

/* A line taken apart: the numbers behind the title, from the right. */
struct split {
    struct span index, title;
    struct span tail[TAIL_LONG]; /* tail[0] is the last one of the line */
    int n_tail;
};

static bool is_number(struct span s)
{
    s.start += s.start < s.end && *s.start == '-';
    if (s.start == s.end || s.end - s.start > 18)
        return false;
    for (; s.start < s.end; s.start++) {
        if (*s.start < '0' || *s.start > '9')
            return false;
    }
    return true;
}

/* Takes numbers from the right while they are numbers, at most MAX and never the title. Returns
 * false when the line cannot be a row of any width. */
static bool split_line(struct span line, int max, struct split *ret)
{
    const char *comma = memchr(line.start, ',', (size_t)(line.end - line.start));
    if (!comma || *line.start == '-' || comma - line.start > 9)
        return false;
    ret->index = (struct span){line.start, comma};
    ret->n_tail = 0;
    const char *end = line.end;
    while (ret->n_tail < max) {
        const char *start = end;
        while (start > comma + 1 && start[-1] != ',')
            start--;
        if (start == comma + 1 || !is_number((struct span){start, end}))
            break;
        ret->tail[ret->n_tail++] = (struct span){start, end};
        end = start - 1;
    }
    ret->title = (struct span){comma + 1, end};
    return ret->n_tail >= TAIL_SHORT && is_number(ret->index);
}

/* The next line of REST without its end; false when nothing is left. */
static bool next_line(struct span *rest, struct span *ret_line, bool *ret_is_whole)
{
    if (rest->start == rest->end)
        return false;
    const char *eol = memchr(rest->start, '\n', (size_t)(rest->end - rest->start));
    *ret_line = (struct span){rest->start, eol ? eol : rest->end};
    *ret_is_whole = eol != NULL;
    rest->start = eol ? eol + 1 : rest->end;
    while (ret_line->end > ret_line->start && ret_line->end[-1] == '\r')
        ret_line->end--;
    return true;
}

static int choose_tail(struct span text)
{
    struct span line;
    struct split split;
    size_t n_long = 0, n_short = 0, n_torn_long = 0;
    bool is_whole;
    while (next_line(&text, &line, &is_whole)) {
        if (!split_line(line, TAIL_LONG, &split))
            continue;
        if (!is_whole)
            n_torn_long = split.n_tail == TAIL_LONG;
        else if (split.n_tail == TAIL_LONG)
            n_long++;
        else
            n_short++;
    }
    /* The torn last line only speaks when there is no other. */
    if (n_long + n_short == 0)
        n_long = n_torn_long;
    return n_long > 0 && n_long >= n_short ? TAIL_LONG : TAIL_SHORT;
}

static int64_t number(struct span s)
{
    int64_t value = 0;
    (void)str_parse_i64n(s.start, (size_t)(s.end - s.start), &value);
    return value;
}

static int small_number(struct span s)
{
    int64_t value = number(s);
    return value > INT_MAX ? INT_MAX : value < INT_MIN ? INT_MIN : (int)value;
}

static uint32_t *slot_of(const struct ldc_rows *rows, int index)
{
    uint32_t hash = (uint32_t)index * 2654435769u;
    size_t i = (hash ^ hash >> 16) & (rows->n_slots - 1);
    while (rows->slots[i] && rows->items[rows->slots[i] - 1].index != index)
        i = (i + 1) & (rows->n_slots - 1);
    return &rows->slots[i];
}

/* Keeps the table at most half full. */
static void make_slot_room(struct ldc_rows *rows)
{
    if ((rows->n_items + 1) * 2 <= rows->n_slots)
        return;
    mem_free(rows->slots);
    rows->n_slots = rows->n_slots ? rows->n_slots * 2 : 64;
    rows->slots = mem_calloc(rows->n_slots, sizeof(*rows->slots));
    for (size_t i = 0; i < rows->n_items; i++)
        *slot_of(rows, rows->items[i].index) = (uint32_t)i + 1;
}

static void add_row(struct ldc_rows *rows, const struct split *split, struct ldc_decoder *decoder)
{
    int index = small_number(split->index);
    make_slot_room(rows);
    uint32_t *slot = slot_of(rows, index);
    if (*slot || index == PHANTOM_INDEX)
        return;
    rows->items = mem_grow(rows->items, rows->n_items, &rows->cap, sizeof(*rows->items));
    struct ldc_row *row = &rows->items[rows->n_items++];
    *slot = (uint32_t)rows->n_items;

    const struct span *tail = split->tail + split->n_tail - TAIL_SHORT;
    bool is_long = split->n_tail == TAIL_LONG;
    row->index = index;
    ldc_decoder_text(decoder, split->title.start, (size_t)(split->title.end - split->title.start),
                     row->title, sizeof(row->title));
    row->top_window = number(tail[4]);
    row->bind_window = number(tail[3]);
    row->android = small_number(tail[2]);
    row->pid = number(tail[1]);
    row->vbox_pid = number(tail[0]);
    row->width = is_long ? small_number(split->tail[2]) : 0;
    row->height = is_long ? small_number(split->tail[1]) : 0;
    row->dpi = is_long ? small_number(split->tail[0]) : 0;
}

/* Returns how many lines were rows, the left out ones included. */
static size_t read_rows(struct span text, struct ldc_decoder *decoder, struct ldc_rows *rows)
{
    int wanted = choose_tail(text);
    struct span line;
    struct split split;
    size_t n_rows = 0;
    bool is_whole;
    while (next_line(&text, &line, &is_whole)) {
        if (line.start == line.end)
            continue;
        if (!split_line(line, wanted, &split) || split.n_tail != wanted) {
            rows->n_bad_lines++;
            continue;
        }
        add_row(rows, &split, decoder);
        n_rows++;
    }
    if (n_rows > 0)
        rows->columns = wanted + 2;
    return n_rows;
}

static bool is_blank(struct span text)
{
    while (text.start < text.end && strchr(" \t\r\n", *text.start))
        text.start++;
    return text.start == text.end;
}

enum ldc_list_outcome ldc_rows_parse(const char *bytes, size_t n, enum ldc_codepage codepage,
                                     struct ldc_rows *ret_rows)
{
    size_t len;
    *ret_rows = (struct ldc_rows){0};
    if (n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        bytes += 3;
        n -= 3;
    }
    struct span text = {bytes, bytes + n};
    if (is_blank(text))
        return LDC_LIST_EMPTY;
    if (ldc_banner_find(bytes, n, &len) || ldc_banner_is_phrase(bytes, n, LDC_PHRASE_NO_PLAYER) ||
        ldc_banner_is_phrase(bytes, n, LDC_PHRASE_PARAMETER))
        return LDC_LIST_USAGE;
    struct ldc_decoder decoder;
    ldc_decoder_init(&decoder, codepage);
    size_t n_rows = read_rows(text, &decoder, ret_rows);
    ldc_decoder_deinit(&decoder);
    return n_rows > 0 ? LDC_LIST_OK : LDC_LIST_GARBAGE;
}

void ldc_rows_deinit(struct ldc_rows *rows)
{
    mem_free(rows->items);
    mem_free(rows->slots);
    *rows = (struct ldc_rows){0};
}

const struct ldc_row *ldc_rows_find(const struct ldc_rows *rows, int index)
{
    if (rows->n_slots == 0)
        return NULL;
    uint32_t slot = *slot_of(rows, index);
    return slot ? &rows->items[slot - 1] : NULL;
}
