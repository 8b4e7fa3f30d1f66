/* SPDX-License-Identifier: MIT */
#include "ldconsole/output/banner.h"

#include <string.h>

static bool contains(const char *line, size_t n, const char *phrase)
{
    size_t m = strlen(phrase);
    for (size_t i = 0; i + m <= n; i++) {
        if (line[i] == phrase[0] && memcmp(line + i, phrase, m) == 0)
            return true;
    }
    return false;
}

/* 12,... is a row of list2: the index and the comma behind it. */
static bool is_row(const char *line, size_t n)
{
    size_t i = 0;
    while (i < n && line[i] >= '0' && line[i] <= '9')
        i++;
    return i > 0 && i < n && line[i] == ',';
}

const char *ldc_banner_find(const char *text, size_t n, size_t *ret_len)
{
    const char *end = text + n, *found = NULL;
    while (text < end) {
        const char *eol = memchr(text, '\n', (size_t)(end - text));
        size_t len = (size_t)((eol ? eol : end) - text);
        if (is_row(text, len))
            return NULL;
        if (!found && contains(text, len, "Command Line Management Interface")) {
            *ret_len = len;
            found = text;
        }
        text = eol ? eol + 1 : end;
    }
    return found;
}

bool ldc_banner_is_phrase(const char *text, size_t n, const char *phrase)
{
    while (n > 0 && strchr(" \t\r\n", text[0])) {
        text++;
        n--;
    }
    while (n > 0 && strchr(" \t\r\n", text[n - 1]))
        n--;
    return n == strlen(phrase) && memcmp(text, phrase, n) == 0;
}
