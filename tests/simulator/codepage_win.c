/* SPDX-License-Identifier: MIT */
#include "codepage.h"

#include "wide_win.h"

#include <windows.h>

#include <string.h>

static UINT number_of(const char *codepage)
{
    if (strcmp(codepage, "gbk") == 0)
        return 936;
    return strcmp(codepage, "cp850") == 0 ? 850 : 1252;
}

struct text codepage_encode(const struct text *utf8, const char *codepage)
{
    struct text out = {0};
    wchar_t *wide;
    char *bytes;
    int n;

    if (strcmp(codepage, "utf8") == 0 || utf8->len == 0)
        return *utf8;
    wide = wide_from_utf8(utf8->data);
    n = WideCharToMultiByte(number_of(codepage), WC_NO_BEST_FIT_CHARS, wide, -1, NULL, 0, "?",
                            NULL);
    bytes = mem_alloc((size_t)n + 1);
    WideCharToMultiByte(number_of(codepage), WC_NO_BEST_FIT_CHARS, wide, -1, bytes, n, "?", NULL);
    text_add(&out, bytes);
    return out;
}
