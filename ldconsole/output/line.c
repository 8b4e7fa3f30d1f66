/* SPDX-License-Identifier: MIT */
#include "ldconsole/output/line.h"

#include <string.h>

enum { MAX_DIGITS = 18, MAX_INDEX_DIGITS = 9 };

/* The numbers of a tail, from its first. */
enum { ANDROID = 2, PID = 3, VBOX_PID = 4, WIDTH = 5, DPI = 7 };

/* Decimal, or LDC_NO_NUMBER. */
static int64_t read_number(const char *p, const char *end)
{
    bool is_negative = p < end && *p == '-';
    int64_t value = 0;
    p += is_negative;
    if (p == end || end - p > MAX_DIGITS)
        return LDC_NO_NUMBER;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return LDC_NO_NUMBER;
        value = value * 10 + (*p - '0');
    }
    return is_negative ? -value : value;
}

/* Splits at the commas, from the right; the first field behind the index is always the title's. */
static void take_apart(struct ldc_line *line)
{
    const char *end = line->text.end;
    const char *comma = memchr(line->text.start, ',', (size_t)(end - line->text.start));
    const char *start = line->text.start;
    int64_t index = comma && *start != '-' && comma - start <= MAX_INDEX_DIGITS
                        ? read_number(start, comma)
                        : LDC_NO_NUMBER;
    line->is_numbered = index != LDC_NO_NUMBER;
    if (!line->is_numbered)
        return;
    line->index = (int)index;
    line->title = comma + 1;
    line->n_fields = 1;
    line->n_tail = 0;
    for (const char *p = end; p > line->title; p--) {
        if (p[-1] != ',')
            continue;
        if (line->n_tail < LDC_TAIL_MAX) {
            line->starts[line->n_tail] = p;
            line->numbers[line->n_tail++] = read_number(p, end);
        }
        line->n_fields++;
        end = p - 1;
    }
}

bool ldc_line_next(struct ldc_span *rest, struct ldc_line *ret)
{
    static const char bom[] = "\xef\xbb\xbf";
    if (rest->start == rest->end)
        return false;
    const char *eol = memchr(rest->start, '\n', (size_t)(rest->end - rest->start));
    ret->text = (struct ldc_span){rest->start, eol ? eol : rest->end};
    ret->is_whole = eol != NULL;
    rest->start = eol ? eol + 1 : rest->end;
    /* Not only at the very start: something else may have printed before. */
    if (ret->text.end - ret->text.start >= 3 && memcmp(ret->text.start, bom, 3) == 0)
        ret->text.start += 3;
    while (ret->text.end > ret->text.start && ret->text.end[-1] == '\r')
        ret->text.end--;
    take_apart(ret);
    return true;
}

bool ldc_line_is_blank(struct ldc_span text)
{
    while (text.start < text.end && strchr(" \t\r\n", *text.start))
        text.start++;
    return text.start == text.end;
}

int64_t ldc_line_number(const struct ldc_line *line, size_t width, size_t i)
{
    return line->numbers[width - 1 - i];
}

static size_t n_known(size_t width)
{
    return width >= LDC_TAIL_LONG ? LDC_TAIL_LONG : LDC_TAIL_SHORT;
}

bool ldc_line_fits(const struct ldc_line *line, size_t width)
{
    if (!line->is_numbered || width < LDC_TAIL_SHORT || width > line->n_tail)
        return false;
    for (size_t i = 0; i < n_known(width); i++) {
        if (ldc_line_number(line, width, i) == LDC_NO_NUMBER)
            return false;
    }
    return true;
}

bool ldc_line_makes_sense(const struct ldc_line *line, size_t width)
{
    if (!ldc_line_fits(line, width))
        return false;
    int64_t android = ldc_line_number(line, width, ANDROID);
    if (android < 0 || android > 2 || ldc_line_number(line, width, PID) < -1 ||
        ldc_line_number(line, width, VBOX_PID) < -1)
        return false;
    for (size_t i = WIDTH; i <= DPI && n_known(width) == LDC_TAIL_LONG; i++) {
        if (ldc_line_number(line, width, i) < 0)
            return false;
    }
    return true;
}

bool ldc_line_makes_any_sense(const struct ldc_line *line)
{
    for (size_t width = LDC_TAIL_SHORT; line->is_numbered && width <= line->n_tail; width++) {
        if (ldc_line_makes_sense(line, width))
            return true;
    }
    return false;
}

void ldc_line_title(const struct ldc_line *line, size_t width, struct ldc_decoder *decoder,
                    char *out, size_t size)
{
    const char *end = line->starts[width - 1] - 1;
    ldc_decoder_text(decoder, line->title, (size_t)(end - line->title), out, size);
}
