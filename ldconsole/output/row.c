/* SPDX-License-Identifier: MIT */
#include "ldconsole/output/row.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "ldconsole/output/banner.h"
#include "ldconsole/output/line.h"

/* How list2 is read: the lines vote for the width of the tail (count_votes, choose_width), then
 * each is read by it (read_line). */

enum { PHANTOM_INDEX = 99999, MIN_FIELDS = 1 + LDC_TAIL_SHORT };

struct list {
    struct ldc_span text;
    struct ldc_decoder decoder;
    ldc_title_fn title_of; /* NULL: no title is known */
    const void *arg;
    size_t width; /* of the tail; 0 when it is not certain */
};

/* Of the lines, by width. */
struct votes {
    size_t n_fitting[LDC_TAIL_MAX + 1]; /* can be a row of it */
    size_t n_sensible[LDC_TAIL_MAX + 1];
    size_t n_named[LDC_TAIL_MAX + 1]; /* have a known title at their beginning, followed by it */
    size_t n_known_titles;
    bool is_cut; /* it is one line without its end: then only widths we know are believed */
};

/* --- default titles (reference 1.3) --- */

static const char *const default_titles[] = {"LDPlayer", "雷电模拟器", "LSPlayer"};

static void write_default(size_t which, int index, char *out, size_t size)
{
    snprintf(out, size, index ? "%s-%d" : "%s", default_titles[which], index);
}

bool ldc_title_is_default(const char *title, int index)
{
    char known[64];
    for (size_t i = 0; i < countof(default_titles); i++) {
        write_default(i, index, known, sizeof(known));
        if (strcmp(title, known) == 0)
            return true;
    }
    return false;
}

/* --- which width --- */

/* Returns the width that is left behind TITLE, or 0 when that is not where the line begins. */
static size_t width_behind(struct list *list, const struct ldc_line *line, const char *title)
{
    char found[LDC_TITLE_SIZE];
    size_t n = 1;
    for (const char *p = title; (p = strchr(p, ',')); p++)
        n++;
    if (line->n_fields <= n || line->n_fields - n > line->n_tail)
        return 0;
    size_t width = line->n_fields - n;
    ldc_line_title(line, width, &list->decoder, found, sizeof(found));
    return strcmp(found, title) == 0 ? width : 0;
}

/* As width_behind, for the title that the line should have (reference 1.3). */
static size_t named_width(struct list *list, const struct ldc_line *line)
{
    char title[64];
    size_t width = 0;
    const char *known = list->title_of ? list->title_of(list->arg, line->index) : NULL;
    if (!known || *known)
        return known ? width_behind(list, line, known) : 0;
    for (size_t i = 0; i < countof(default_titles) && width == 0; i++) {
        write_default(i, line->index, title, sizeof(title));
        width = width_behind(list, line, title);
    }
    return width;
}

static void count_vote(struct list *list, const struct ldc_line *line, struct votes *v)
{
    size_t named = named_width(list, line);
    if (named >= LDC_TAIL_SHORT) {
        v->n_named[named]++;
        v->n_known_titles++;
    }
    for (size_t width = LDC_TAIL_SHORT; width <= line->n_tail; width++) {
        v->n_fitting[width] += ldc_line_fits(line, width);
        v->n_sensible[width] += ldc_line_makes_sense(line, width);
    }
}

/* A line that was cut may be anything: it has a vote only where there is no other. */
static void count_votes(struct list *list, struct votes *ret)
{
    struct ldc_span rest = list->text;
    struct ldc_line line = {0};
    size_t n = 0;
    *ret = (struct votes){0};
    while (ldc_line_next(&rest, &line)) {
        if (!line.is_numbered || !line.is_whole)
            continue;
        count_vote(list, &line, ret);
        n++;
    }
    ret->is_cut = n == 0 && line.is_numbered;
    if (ret->is_cut)
        count_vote(list, &line, ret);
}

/* Where nothing else decides, a title ends in numbers rather than that a new version came. */
static int familiarity(size_t width)
{
    return width == LDC_TAIL_LONG ? 2 : width == LDC_TAIL_SHORT ? 1 : 0;
}

static int compare(const struct votes *v, size_t a, size_t b)
{
    if (v->n_sensible[a] != v->n_sensible[b])
        return v->n_sensible[a] > v->n_sensible[b] ? 1 : -1;
    if (v->n_named[a] != v->n_named[b])
        return v->n_named[a] > v->n_named[b] ? 1 : -1;
    return familiarity(a) - familiarity(b);
}

/* Returns 0 when it is not certain. */
static size_t choose_width(const struct votes *v)
{
    size_t best = 0;
    bool is_tie = false;
    for (size_t width = LDC_TAIL_SHORT; width <= LDC_TAIL_MAX; width++) {
        bool is_eligible = v->n_sensible[width] > 0 && (!v->is_cut || familiarity(width) > 0);
        int order = !is_eligible ? -1 : best ? compare(v, width, best) : 1;
        if (order > 0)
            best = width;
        is_tie = order == 0 || (is_tie && order < 0);
    }
    /* States we do not know, maybe: then by the shape, and only of a version we do know. */
    if (best == 0 && v->n_fitting[LDC_TAIL_LONG] >= v->n_fitting[LDC_TAIL_SHORT])
        best = LDC_TAIL_LONG;
    else if (best == 0)
        best = LDC_TAIL_SHORT;
    bool is_contradicted = v->n_known_titles > 0 && v->n_named[best] == 0;
    return is_tie || is_contradicted || v->n_fitting[best] == 0 ? 0 : best;
}

/* --- the rows --- */

static int clip(int64_t value)
{
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

static void read_row(struct list *list, const struct ldc_line *line, struct ldc_row *row)
{
    size_t width = list->width;
    bool is_long = width >= LDC_TAIL_LONG;
    row->index = line->index;
    ldc_line_title(line, width, &list->decoder, row->title, sizeof(row->title));
    row->top_window = ldc_line_number(line, width, 0);
    row->bind_window = ldc_line_number(line, width, 1);
    row->android = clip(ldc_line_number(line, width, 2));
    row->pid = ldc_line_number(line, width, 3);
    row->vbox_pid = ldc_line_number(line, width, 4);
    row->width = is_long ? clip(ldc_line_number(line, width, 5)) : 0;
    row->height = is_long ? clip(ldc_line_number(line, width, 6)) : 0;
    row->dpi = is_long ? clip(ldc_line_number(line, width, 7)) : 0;
}

bool ldc_row_is_same(const struct ldc_row *a, const struct ldc_row *b)
{
    return a->index == b->index && a->top_window == b->top_window &&
           a->bind_window == b->bind_window && a->android == b->android && a->pid == b->pid &&
           a->vbox_pid == b->vbox_pid && a->width == b->width && a->height == b->height &&
           a->dpi == b->dpi && strcmp(a->title, b->title) == 0;
}

/* Returns false when it contradicts the one before of its index, which counts. */
static bool add_row(struct list *list, const struct ldc_line *line, struct ldc_rows *rows)
{
    struct ldc_row row;
    if (line->index == PHANTOM_INDEX)
        return true;
    make_slot_room(rows);
    uint32_t *slot = slot_of(rows, line->index);
    read_row(list, line, &row);
    if (*slot)
        return ldc_row_is_same(&rows->items[*slot - 1], &row);
    rows->items = mem_grow(rows->items, rows->n_items, &rows->cap, sizeof(*rows->items));
    rows->items[rows->n_items++] = row;
    *slot = (uint32_t)rows->n_items;
    return true;
}

static void quote(struct list *list, const struct ldc_line *line, char *out)
{
    ldc_decoder_text(&list->decoder, line->text.start, (size_t)(line->text.end - line->text.start),
                     out, LDC_QUOTE_SIZE);
}

static void note_bad(struct list *list, const struct ldc_line *line, struct ldc_rows *rows)
{
    /* Long enough for a row, and not understood. */
    bool is_strange = line->is_whole && line->n_fields >= MIN_FIELDS;
    if (rows->n_bad_lines++ == 0 || (is_strange && rows->n_strange_fields == 0))
        quote(list, line, rows->bad);
    if (is_strange && rows->n_strange_fields == 0)
        rows->n_strange_fields = line->n_fields + 1;
}

/* A row that means something at another width only is broken: part of it is missing. */
static bool is_row(const struct list *list, const struct ldc_line *line)
{
    return list->width > 0 && ldc_line_fits(line, list->width) &&
           (ldc_line_makes_sense(line, list->width) ||
            (line->is_whole && !ldc_line_makes_any_sense(line)));
}

/* What is left of a row that was cut within its index. */
static bool is_cut_index(const struct ldc_line *line)
{
    const char *p = line->text.start;
    while (p < line->text.end && *p >= '0' && *p <= '9')
        p++;
    return !line->is_whole && p == line->text.end;
}

/* Returns whether it was a row, also one that is left out. */
static bool read_line(struct list *list, const struct ldc_line *line, struct ldc_rows *rows)
{
    if (ldc_line_is_blank(line->text))
        return false;
    if (is_row(list, line)) {
        if (!add_row(list, line, rows))
            note_bad(list, line, rows);
        return true;
    }
    if (line->is_numbered || is_cut_index(line))
        note_bad(list, line, rows);
    else if (rows->n_noise_lines++ == 0)
        quote(list, line, rows->noise);
    return false;
}

static enum ldc_list_outcome read_lines(struct list *list, struct ldc_rows *rows)
{
    struct ldc_span rest = list->text;
    struct ldc_line line;
    size_t n_rows = 0;
    while (ldc_line_next(&rest, &line))
        n_rows += read_line(list, &line, rows);
    if (n_rows == 0)
        return rows->n_strange_fields > 0 ? LDC_LIST_UNKNOWN_FORMAT : LDC_LIST_GARBAGE;
    rows->columns = (int)list->width + 2;
    return rows->n_bad_lines > 0 ? LDC_LIST_TORN : LDC_LIST_OK;
}

enum ldc_list_outcome ldc_rows_parse(const char *bytes, size_t n, enum ldc_codepage codepage,
                                     ldc_title_fn title_of, const void *arg,
                                     struct ldc_rows *ret_rows)
{
    struct list list = {.text = {bytes, bytes + n}, .title_of = title_of, .arg = arg};
    struct votes votes;
    size_t len;
    *ret_rows = (struct ldc_rows){0};
    if (ldc_line_is_blank(list.text))
        return LDC_LIST_EMPTY;
    if (ldc_banner_find(bytes, n, &len) || ldc_banner_is_phrase(bytes, n, LDC_PHRASE_NO_PLAYER) ||
        ldc_banner_is_phrase(bytes, n, LDC_PHRASE_PARAMETER))
        return LDC_LIST_USAGE;
    ldc_decoder_init(&list.decoder, codepage);
    count_votes(&list, &votes);
    list.width = choose_width(&votes);
    enum ldc_list_outcome outcome = read_lines(&list, ret_rows);
    ldc_decoder_deinit(&list.decoder);
    return outcome;
}

const char *ldc_list_code(enum ldc_list_outcome outcome)
{
    static const char *const codes[] = {
        [LDC_LIST_OK] = "LDCONSOLE_ACCEPTED",
        [LDC_LIST_TORN] = "LDCONSOLE_TORN_LIST",
        [LDC_LIST_EMPTY] = "LDCONSOLE_EMPTY_LIST",
        [LDC_LIST_USAGE] = "LDCONSOLE_UNKNOWN_VERSION",
        [LDC_LIST_GARBAGE] = "LDCONSOLE_GARBAGE",
        [LDC_LIST_UNKNOWN_FORMAT] = "LDCONSOLE_UNKNOWN_VERSION",
    };
    return codes[outcome];
}

enum ldc_fault ldc_list_fault(enum ldc_list_outcome outcome, bool has_instances)
{
    if (outcome == LDC_LIST_OK || (outcome == LDC_LIST_EMPTY && !has_instances))
        return LDC_FAULT_NONE;
    bool is_doubtful = outcome == LDC_LIST_TORN || outcome == LDC_LIST_UNKNOWN_FORMAT;
    return is_doubtful ? LDC_FAULT_UNKNOWN : LDC_FAULT_PARSE;
}

void ldc_rows_deinit(struct ldc_rows *rows)
{
    mem_free(rows->items);
    mem_free(rows->slots);
    *rows = (struct ldc_rows){0};
}
