/* SPDX-License-Identifier: MIT */
#include "base/text/str.h"

#include <string.h>

#include <uv.h>

int str_parse_u64(const char *s, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    if (!*s)
        return UV_EINVAL;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return UV_EINVAL;
        uint64_t digit = (uint64_t)(*s - '0');
        if (value > (max - digit) / 10 || digit > max)
            return UV_ERANGE;
        value = value * 10 + digit;
    }
    *ret = value;
    return 0;
}

int str_parse_i64n(const char *s, size_t n, int64_t *ret)
{
    char digits[24];
    bool negative = n > 0 && *s == '-';
    s += negative;
    n -= negative;
    if (n == 0 || memchr(s, '\0', n))
        return UV_EINVAL;
    if (n >= sizeof(digits))
        return UV_ERANGE;
    memcpy(digits, s, n);
    digits[n] = '\0';

    uint64_t value;
    int r = str_parse_u64(digits, INT64_MAX, &value);
    if (r < 0)
        return r;
    *ret = negative ? -(int64_t)value : (int64_t)value;
    return 0;
}

/* Length of the well-formed sequence at S (at most N bytes), or 0. */
static size_t utf8_sequence(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80)
        return 1;
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return len;
}

bool str_is_utf8(const char *s, size_t n)
{
    size_t i = 0;
    /* Most text begins with ASCII: eight bytes at a time. */
    for (uint64_t word; n - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, s + i, sizeof(word));
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    while (i < n) {
        size_t len = utf8_sequence((const unsigned char *)s + i, n - i);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

void str_make_utf8(char *s)
{
    for (size_t n = strlen(s); n > 0;) {
        size_t len = utf8_sequence((const unsigned char *)s, n);
        if (len == 0) {
            *s = '?';
            len = 1;
        }
        s += len;
        n -= len;
    }
}

size_t str_utf8_length(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

/* U+0080 to U+009F are C2 80 to C2 9F. */
bool str_has_controls(const char *s)
{
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
            return true;
    }
    return false;
}

bool str_has_prefix(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool str_is_equal(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool str_is_equal_nocase(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

void str_copy(char *out, size_t size, const char *s)
{
    size_t n = strlen(s);
    if (n >= size) {
        n = size - 1;
        while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
            n--;
    }
    memcpy(out, s, n);
    out[n] = '\0';
}
