/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <uv.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "ldconsole/codepage.h"

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

/* Appends one character of the input to OUT as UTF-8 and says how many bytes it was. */
static size_t decode_one(struct ldc_codepage_converter *converter, const char *bytes, size_t n,
                         struct buf *out)
{
    char character[8];
    size_t len = converter ? ldc_codepage_convert(converter, bytes, n, character)
                           : utf8_character(bytes, n);
    if (len == 0 || bytes[0] == '\0') {
        (void)buf_append_str(out, replacement);
        return 1;
    }
    if (converter)
        (void)buf_append_str(out, character);
    else
        (void)buf_append(out, bytes, len);
    return len;
}

void ldc_text_decode(const char *bytes, size_t n, enum ldc_codepage codepage, char *out,
                     size_t size)
{
    if (!memchr(bytes, '\0', n) && str_is_utf8(bytes, n)) {
        if (n < size) {
            memcpy(out, bytes, n);
            out[n] = '\0';
            return;
        }
        codepage = LDC_CODEPAGE_UTF8;
    }
    struct ldc_codepage_converter *converter =
        codepage == LDC_CODEPAGE_UTF8 ? NULL : ldc_codepage_open(codepage);
    struct buf text;
    buf_init(&text, 0);
    for (size_t i = 0; i < n && text.len < size;)
        i += decode_one(converter, bytes + i, n - i, &text);
    ldc_codepage_close(converter);
    str_copy(out, size, text.data ? text.data : "");
    buf_deinit(&text);
}
