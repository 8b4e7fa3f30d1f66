/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "ldconsole/output/row.h"

#define FFFD "\xef\xbf\xbd"

static const struct {
    const char *bytes;
    enum ldc_codepage codepage;
    const char *text;
} cases[] = {
    {"plain", LDC_CODEPAGE_GBK, "plain"},
    {"雷电", LDC_CODEPAGE_GBK, "雷电"}, /* UTF-8 is kept whatever is configured */
    {"\xc0\xd7\xb5\xe7", LDC_CODEPAGE_GBK, "雷电"},
    {"\xc0\xd7\xb5\xe7", LDC_CODEPAGE_SYSTEM, "雷电"},
    {"a\xc0\xd7"
     "b",
     LDC_CODEPAGE_GBK, "a雷b"},
    {"caf\xe9", LDC_CODEPAGE_1252, "café"},
    {"\x80", LDC_CODEPAGE_1252, "€"},
    {"a\x81"
     "b",
     LDC_CODEPAGE_1252, "a" FFFD "b"}, /* not assigned in 1252 */
    {"a\xff"
     "b",
     LDC_CODEPAGE_GBK, "a" FFFD "b"},
    {"a\xc0", LDC_CODEPAGE_GBK, "a" FFFD}, /* lead byte alone */
    {"\xe9\x9b\xb7\xff\xe9", LDC_CODEPAGE_UTF8, "雷" FFFD FFFD},
};

Test(ldc_text, decodes)
{
    char out[64];
    for (size_t i = 0; i < countof(cases); i++) {
        ldc_text_decode(cases[i].bytes, strlen(cases[i].bytes), cases[i].codepage, out,
                        sizeof(out));
        cr_assert_str_eq(out, cases[i].text, "case %zu: %s", i, out);
    }
}

Test(ldc_text, replaces_nul_bytes)
{
    char out[64];
    ldc_text_decode("a\0b", 3, LDC_CODEPAGE_GBK, out, sizeof(out));
    cr_assert_str_eq(out, "a" FFFD "b");
}

Test(ldc_text, cuts_at_a_character)
{
    char out[6];
    ldc_text_decode("abc雷", 6, LDC_CODEPAGE_UTF8, out, sizeof(out));
    cr_assert_str_eq(out, "abc");
    ldc_text_decode("abc\xc0\xd7\xb5\xe7", 7, LDC_CODEPAGE_GBK, out, sizeof(out));
    cr_assert_str_eq(out, "abc");
    ldc_text_decode("abcdefgh", 8, LDC_CODEPAGE_UTF8, out, sizeof(out));
    cr_assert_str_eq(out, "abcde");
    ldc_text_decode("", 0, LDC_CODEPAGE_UTF8, out, sizeof(out));
    cr_assert_str_eq(out, "");
}

Test(ldc_codepage, reads_its_names)
{
    static const char *const names[] = {"system", "utf8", "gbk", "cp1252"};
    for (size_t i = 0; i < countof(names); i++) {
        enum ldc_codepage codepage = LDC_CODEPAGE_COUNT;
        cr_assert_eq(ldc_codepage_parse(names[i], &codepage), 0);
        cr_assert_eq(codepage, i);
    }
    enum ldc_codepage codepage;
    cr_assert_eq(ldc_codepage_parse("GBK", &codepage), UV_EINVAL);
    cr_assert_eq(ldc_codepage_parse("", &codepage), UV_EINVAL);
}
