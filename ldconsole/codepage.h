/* SPDX-License-Identifier: MIT */
#ifndef LDC_CODEPAGE_H
#define LDC_CODEPAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "ldconsole/row.h"

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

/** Decodes many texts by the rules of ldc_text_decode; finds its converter when the first text
 *  needs one. */
struct ldc_decoder {
    enum ldc_codepage codepage;
    struct ldc_codepage_converter *converter;
    bool is_open;
};

void ldc_decoder_init(struct ldc_decoder *decoder, enum ldc_codepage codepage);
void ldc_decoder_deinit(struct ldc_decoder *decoder);
void ldc_decoder_text(struct ldc_decoder *decoder, const char *bytes, size_t n, char *out,
                      size_t size);

#endif
