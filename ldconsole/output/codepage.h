/* SPDX-License-Identifier: MIT */
#ifndef LDC_CODEPAGE_H
#define LDC_CODEPAGE_H

#include <stdbool.h>
#include <stddef.h>

/** Code page of ldconsole's output. */
enum ldc_codepage {
    LDC_CODEPAGE_SYSTEM,
    LDC_CODEPAGE_UTF8,
    LDC_CODEPAGE_GBK,
    LDC_CODEPAGE_1252,
    LDC_CODEPAGE_COUNT
};

/** The part of text decoding that differs between systems. Private to this folder; one thread. */

/** What CODEPAGE needs to convert, or NULL when the system does not know it or it is UTF-8. SYSTEM
 *  means the ANSI code page on Windows and GBK elsewhere. Never asked for LDC_CODEPAGE_UTF8. */
struct ldc_codepage_converter *ldc_codepage_open(enum ldc_codepage codepage);
/** Converts the one character at the start of the N bytes (N > 0) to UTF-8 in OUT, terminated.
 *  Returns how many bytes it took, or 0 when they are no character. */
size_t ldc_codepage_convert(struct ldc_codepage_converter *converter, const char *bytes, size_t n,
                            char out[8]);
/** Accepts NULL. */
void ldc_codepage_close(struct ldc_codepage_converter *converter);

#endif
