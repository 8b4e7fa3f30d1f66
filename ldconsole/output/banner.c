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

const char *ldc_banner_find(const char *text, size_t n, size_t *ret_len)
{
    const char *end = text + n;
    while (text < end) {
        const char *eol = memchr(text, '\n', (size_t)(end - text));
        size_t len = (size_t)((eol ? eol : end) - text);
        bool is_row = *text >= '0' && *text <= '9';
        if (!is_row && contains(text, len, "Command Line Management Interface")) {
            *ret_len = len;
            return text;
        }
        text = eol ? eol + 1 : end;
    }
    return NULL;
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
