/* SPDX-License-Identifier: MIT */
#ifndef LDC_TEXT_H
#define LDC_TEXT_H

#include <stddef.h>

#include "ldconsole/output/codepage.h"

/** What ldconsole prints as UTF-8, whatever the code page (reference 0.9). One thread. */

/** "system", "utf8", "gbk", "cp1252"; returns 0 or UV_EINVAL. */
int ldc_codepage_parse(const char *name, enum ldc_codepage *ret);
/** N bytes as they came into OUT (SIZE bytes, always terminated, valid UTF-8): kept when they are
 *  valid UTF-8, else decoded from CODEPAGE (system = the ANSI code page on Windows, GBK
 *  elsewhere); bytes that fit neither become U+FFFD. */
void ldc_text_decode(const char *bytes, size_t n, enum ldc_codepage codepage, char *out,
                     size_t size);

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
