/* SPDX-License-Identifier: MIT */
#include "codepage.h"

#include <iconv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *iconv_name(const char *codepage)
{
    if (strcmp(codepage, "gbk") == 0)
        return "CP936";
    return strcmp(codepage, "cp850") == 0 ? "CP850" : "CP1252";
}

static bool is_ascii(const struct text *text)
{
    for (size_t i = 0; i < text->len; i++)
        if ((unsigned char)text->data[i] >= 0x80)
            return false;
    return true;
}

static void add_char(struct text *out, iconv_t converter, uint32_t code_point)
{
    struct text one = {0};
    char bytes[8];
    char *in;
    char *to = bytes;
    size_t in_left;
    size_t to_left = sizeof(bytes);

    text_add_char(&one, code_point);
    in = one.data;
    in_left = one.len;
    if (iconv(converter, &in, &in_left, &to, &to_left) == (size_t)-1) {
        iconv(converter, NULL, NULL, NULL, NULL);
        text_add(out, code_point >= 0x10000 ? "??" : "?");
        return;
    }
    text_add_bytes(out, bytes, sizeof(bytes) - to_left);
}

struct text codepage_encode(const struct text *utf8, const char *codepage)
{
    const char *at = text_str(utf8);
    const char *end = at + utf8->len;
    struct text out = {0};
    iconv_t converter;

    if (strcmp(codepage, "utf8") == 0 || is_ascii(utf8))
        return *utf8;
    converter = iconv_open(iconv_name(codepage), "UTF-8");
    if (converter == (iconv_t)-1)
        abort(); /* the C library lacks one of its standard tables */
    while (at < end) {
        uint32_t code_point = text_next_char(&at, end);

        if (code_point < 0x80)
            text_add_bytes(&out, at - 1, 1);
        else
            add_char(&out, converter, code_point);
    }
    iconv_close(converter);
    return out;
}
