/* SPDX-License-Identifier: MIT */
#include "ldconsole/output/text.h"

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"

int ldc_codepage_parse(const char *name, enum ldc_codepage *ret)
{
    static const char *const names[LDC_CODEPAGE_COUNT] = {
        [LDC_CODEPAGE_SYSTEM] = "system",
        [LDC_CODEPAGE_UTF8] = "utf8",
        [LDC_CODEPAGE_GBK] = "gbk",
        [LDC_CODEPAGE_1252] = "cp1252",
    };
    for (size_t i = 0; i < countof(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum ldc_codepage)i;
            return 0;
        }
    }
    return UV_EINVAL;
}

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* Length of the valid UTF-8 character at BYTES, or 0. */
static size_t utf8_character(const char *bytes, size_t n)
{
    for (size_t len = 1; len <= 4 && len <= n; len++) {
        if (str_is_utf8(bytes, len))
            return len;
    }
    return 0;
}

/* One character of the input as UTF-8 in CHARACTER; returns how many bytes of the input it took. */
static size_t decode_one(struct ldc_codepage_converter *converter, const char *bytes, size_t n,
                         char character[8])
{
    size_t len =
        converter ? ldc_codepage_convert(converter, bytes, n, character) : utf8_character(bytes, n);
    if (len == 0 || bytes[0] == '\0') {
        memcpy(character, replacement, sizeof(replacement));
        return 1;
    }
    if (!converter) {
        memcpy(character, bytes, len);
        character[len] = '\0';
    }
    return len;
}

static void decode_all(struct ldc_codepage_converter *converter, const char *bytes, size_t n,
                       char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < n;) {
        char character[8];
        i += decode_one(converter, bytes + i, n - i, character);
        size_t len = strlen(character);
        if (used + len >= size)
            break;
        memcpy(out + used, character, len);
        used += len;
    }
    out[used] = '\0';
}

void ldc_decoder_init(struct ldc_decoder *decoder, enum ldc_codepage codepage)
{
    *decoder = (struct ldc_decoder){.codepage = codepage};
}

void ldc_decoder_deinit(struct ldc_decoder *decoder)
{
    ldc_codepage_close(decoder->converter);
}

void ldc_decoder_text(struct ldc_decoder *decoder, const char *bytes, size_t n, char *out,
                      size_t size)
{
    if (!memchr(bytes, '\0', n) && str_is_utf8(bytes, n)) {
        if (n >= size) {
            decode_all(NULL, bytes, n, out, size);
            return;
        }
        memcpy(out, bytes, n);
        out[n] = '\0';
        return;
    }
    if (!decoder->is_open && decoder->codepage != LDC_CODEPAGE_UTF8)
        decoder->converter = ldc_codepage_open(decoder->codepage);
    decoder->is_open = true;
    decode_all(decoder->converter, bytes, n, out, size);
}

void ldc_text_decode(const char *bytes, size_t n, enum ldc_codepage codepage, char *out,
                     size_t size)
{
    struct ldc_decoder decoder;
    ldc_decoder_init(&decoder, codepage);
    ldc_decoder_text(&decoder, bytes, n, out, size);
    ldc_decoder_deinit(&decoder);
}
