/* SPDX-License-Identifier: MIT */
#include "ldconsole/output/codepage.h"

#include <windows.h>

#include "base/memory/mem.h"

struct ldc_codepage_converter {
    UINT page;
};

struct ldc_codepage_converter *ldc_codepage_open(enum ldc_codepage codepage)
{
    UINT page = codepage == LDC_CODEPAGE_GBK    ? 936
                : codepage == LDC_CODEPAGE_1252 ? 1252
                                                : GetACP();
    /* A system whose ANSI code page is UTF-8 needs no conversion, only replacement. */
    if (page == CP_UTF8 || !IsValidCodePage(page))
        return NULL;
    struct ldc_codepage_converter *converter = mem_new(struct ldc_codepage_converter);
    converter->page = page;
    return converter;
}

size_t ldc_codepage_convert(struct ldc_codepage_converter *converter, const char *bytes, size_t n,
                            char out[8])
{
    size_t len = IsDBCSLeadByteEx(converter->page, (BYTE)bytes[0]) ? 2 : 1;
    WCHAR wide[4];
    if (len > n)
        return 0;
    int n_wide =
        MultiByteToWideChar(converter->page, MB_ERR_INVALID_CHARS, bytes, (int)len, wide, 4);
    if (n_wide <= 0)
        return 0;
    int n_out = WideCharToMultiByte(CP_UTF8, 0, wide, n_wide, out, 7, NULL, NULL);
    if (n_out <= 0)
        return 0;
    out[n_out] = '\0';
    return len;
}

void ldc_codepage_close(struct ldc_codepage_converter *converter)
{
    mem_free(converter);
}
