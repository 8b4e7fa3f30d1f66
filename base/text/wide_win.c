/* SPDX-License-Identifier: MIT */
#include "base/text/wide_win.h"

#include <windows.h>

#include "base/memory/mem.h"

char *wide_to_utf8(const wchar_t *text, int n)
{
    if (n < 0)
        n = (int)wcslen(text);
    int size = n > 0 ? WideCharToMultiByte(CP_UTF8, 0, text, n, NULL, 0, NULL, NULL) : 0;
    char *out = mem_alloc((size_t)size + 1);
    if (size > 0)
        WideCharToMultiByte(CP_UTF8, 0, text, n, out, size, NULL, NULL);
    return out;
}

wchar_t *wide_from_utf8(const char *text)
{
    int size = MultiByteToWideChar(CP_UTF8, 0, text, -1, NULL, 0);
    wchar_t *out = mem_calloc((size_t)size + 1, sizeof(*out));
    MultiByteToWideChar(CP_UTF8, 0, text, -1, out, size);
    return out;
}
