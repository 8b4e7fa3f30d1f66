/* SPDX-License-Identifier: MIT */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Decimal digits only (no sign, no space), at most MAX. Returns 0, UV_EINVAL or UV_ERANGE. */
int str_parse_u64(const char *s, uint64_t max, uint64_t *ret);
/** Decimal with an optional minus sign over exactly N bytes. Returns 0, UV_EINVAL or UV_ERANGE. */
int str_parse_i64n(const char *s, size_t n, int64_t *ret);
/** Well-formed UTF-8: shortest form, no surrogates, at most U+10FFFF. */
bool str_is_utf8(const char *s, size_t n);
/** Puts '?' in place of every byte that is no part of well-formed UTF-8: text that was cut in the
 *  middle of a character, or came from a program. */
void str_make_utf8(char *s);
/** Number of code points in valid UTF-8. */
size_t str_utf8_length(const char *s);
bool str_has_prefix(const char *s, const char *prefix);
bool str_has_suffix(const char *s, const char *suffix);
/** Whether S has a control character: U+0001 to U+001F, U+007F to U+009F. They break a line, a
 * header or a terminal. */
bool str_has_controls(const char *s);
/** Equal when both are NULL or both are the same text. */
bool str_is_equal(const char *a, const char *b);
/** ASCII case-insensitive equality. */
bool str_is_equal_nocase(const char *a, const char *b);
/** Copies at most SIZE - 1 bytes and always terminates; cuts at a UTF-8 boundary. */
void str_copy(char *out, size_t size, const char *s);

#endif
