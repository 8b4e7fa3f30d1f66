/* SPDX-License-Identifier: MIT */
#include "wide_win.h"

#include "mem.h"

#include <windows.h>

wchar_t *wide_from_utf8(const char *text)
{
    int n = MultiByteToWideChar(CP_UTF8, 0, text, -1, NULL, 0);
    wchar_t *ret = mem_alloc(((size_t)n + 1) * sizeof(wchar_t));

    MultiByteToWideChar(CP_UTF8, 0, text, -1, ret, n);
    return ret;
}

char *wide_to_utf8(const wchar_t *text)
{
    int n = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    char *ret = mem_alloc((size_t)n + 1);

    WideCharToMultiByte(CP_UTF8, 0, text, -1, ret, n, NULL, NULL);
    return ret;
}
