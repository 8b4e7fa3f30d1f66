/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"

Test(str, parses_numbers_up_to_the_maximum)
{
    uint64_t value;
    cr_assert_eq(str_parse_u64("0", 0, &value), 0);
    cr_assert_eq(value, 0);
    cr_assert_eq(str_parse_u64("65535", 65535, &value), 0);
    cr_assert_eq(value, 65535);
    cr_assert_eq(str_parse_u64("65536", 65535, &value), UV_ERANGE);
    cr_assert_eq(str_parse_u64("7", 5, &value), UV_ERANGE);
    cr_assert_eq(str_parse_u64("18446744073709551615", UINT64_MAX, &value), 0);
    cr_assert_eq(value, UINT64_MAX);
    cr_assert_eq(str_parse_u64("18446744073709551616", UINT64_MAX, &value), UV_ERANGE);
}

Test(str, refuses_what_is_no_plain_number)
{
    static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "0x10", "1.0", "1e3"};
    uint64_t value;
    for (size_t i = 0; i < countof(bad); i++)
        cr_assert_eq(str_parse_u64(bad[i], 100, &value), UV_EINVAL, "\"%s\"", bad[i]);
}

Test(str, parses_signed_numbers_over_a_given_length)
{
    int64_t value;
    cr_assert_eq(str_parse_i64n("-1,5", 2, &value), 0);
    cr_assert_eq(value, -1);
    cr_assert_eq(str_parse_i64n("9223372036854775807", 19, &value), 0);
    cr_assert_eq(value, INT64_MAX);
    cr_assert_eq(str_parse_i64n("9223372036854775808", 19, &value), UV_ERANGE);
    cr_assert_eq(str_parse_i64n("1000000000000000000000000000", 28, &value), UV_ERANGE);
    cr_assert_eq(str_parse_i64n("", 0, &value), UV_EINVAL);
    cr_assert_eq(str_parse_i64n("-", 1, &value), UV_EINVAL);
    cr_assert_eq(str_parse_i64n("--1", 3, &value), UV_EINVAL);
    cr_assert_eq(str_parse_i64n("1\0002", 3, &value), UV_EINVAL);
}

Test(str, knows_well_formed_utf8)
{
    static const char *const good[] = {"",
                                       "abc",
                                       "\xc2\x80",
                                       "\xe9\x9b\xb7\xe7\x94\xb5",
                                       "\xf0\x9f\x98\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "\xef\xbf\xbf"};
    for (size_t i = 0; i < countof(good); i++)
        cr_assert(str_is_utf8(good[i], strlen(good[i])), "good[%zu]", i);
}

Test(str, knows_ill_formed_utf8)
{
    static const char *const bad[] = {
        "\x80",             /* continuation alone */
        "\xc0\xaf",         /* overlong '/' */
        "\xe0\x9f\xbf",     /* overlong, three bytes */
        "\xf0\x8f\xbf\xbf", /* overlong, four bytes */
        "\xed\xa0\x80",     /* surrogate */
        "\xf4\x90\x80\x80", /* beyond U+10FFFF */
        "\xf5\x80\x80\x80",
        "\xe9\x9b", /* cut */
        "\xc3(",
        "\xff",
    };
    for (size_t i = 0; i < countof(bad); i++)
        cr_assert_not(str_is_utf8(bad[i], strlen(bad[i])), "bad[%zu]", i);
}

Test(str, makes_utf8_of_any_bytes_and_leaves_what_is_utf8)
{
    static const char *const rows[][2] = {
        {"plain", "plain"},
        {"\xe9\x9b\xb7\xf0\x9f\x98\x80", "\xe9\x9b\xb7\xf0\x9f\x98\x80"},
        {"\xc0\xd7\xb5\xe7", "?\xd7\xb5?"},
        {"a\xe9\x9b", "a??"},
        {"\xe9\xe9\x9b\xb7", "?\xe9\x9b\xb7"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char text[16];
        strcpy(text, rows[i][0]);
        str_make_utf8(text);
        cr_assert_str_eq(text, rows[i][1]);
        cr_assert(str_is_utf8(text, strlen(text)));
    }
}

Test(str, counts_code_points_not_bytes)
{
    cr_assert_eq(str_utf8_length("a\xe9\x9b\xb7\xf0\x9f\x98\x80"), 3);
}

Test(str, finds_prefixes_and_suffixes)
{
    cr_assert(str_has_prefix("leidian3.config", "leidian"));
    cr_assert_not(str_has_prefix("lei", "leidian"));
    cr_assert(str_has_suffix("leidian3.config", ".config"));
    cr_assert_not(str_has_suffix("g", ".config"));
}

Test(str, compares_with_null_and_without_case)
{
    cr_assert(str_is_equal(NULL, NULL));
    cr_assert_not(str_is_equal(NULL, "a"));
    cr_assert(str_is_equal("a", "a"));
    cr_assert(str_is_equal_nocase("DNPlayer", "dnplayer"));
    cr_assert_not(str_is_equal_nocase("dnplayer", "dnplayer2"));
    cr_assert_not(str_is_equal_nocase("[", "{"), "only letters have case");
}

Test(str, copies_whole_characters_only)
{
    char out[6];
    str_copy(out, sizeof(out), "abcde");
    cr_assert_str_eq(out, "abcde");
    str_copy(out, sizeof(out), "abcdef");
    cr_assert_str_eq(out, "abcde");
    str_copy(out, sizeof(out), "abc\xe9\x9b\xb7");
    cr_assert_str_eq(out, "abc");
    str_copy(out, sizeof(out), "ab\xe9\x9b\xb7");
    cr_assert_str_eq(out, "ab\xe9\x9b\xb7");
}

Test(str, control_characters_are_found_wherever_they_are)
{
    static const char *const with[] = {"\x01",     "a\nb",      "ab\x1f",          "\x7f",
                                       "\xc2\x80", "a\xc2\x9f", "\xc2\xa0\xc2\x85"};
    static const char *const without[] = {
        "", " ~", "\xc2\xa0", "\xe9\x9b\xb7", "\xc3\x80\xc2", "\xe2\x80\x9f"};
    for (size_t i = 0; i < countof(with); i++)
        cr_expect(str_has_controls(with[i]), "row %zu", i);
    for (size_t i = 0; i < countof(without); i++)
        cr_expect_not(str_has_controls(without[i]), "row %zu", i);
}
