/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_TEXT_H
#define SIMULATOR_TEXT_H

#include "mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing run of bytes in the pool (mem.h) and small questions about text.  Start from {0};
 * `data` is NULL until something was added and ends in NUL ever after. */
struct text {
    char *data;
    size_t len;
    size_t capacity;
};

void text_add(struct text *text, const char *add);
void text_add_bytes(struct text *text, const void *bytes, size_t len);
void text_printf(struct text *text, const char *format, ...) MEM_PRINTF(2, 3);

/** The bytes as a C string, "" when nothing was added. */
const char *text_str(const struct text *text);

/** Next line of the text at *cursor, without CR and LF, as a copy; NULL at the end. */
char *text_next_line(const char **cursor);

bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);

/** True when the text is one whole decimal number that fits. */
bool text_to_int(const char *text, int *ret_value);
bool text_to_int64(const char *text, int64_t *ret_value);

/** True when `word` is one of the comma-separated words of `list`. */
bool text_list_has(const char *list, const char *word);

/** Decode one UTF-8 character and step over it; a byte that is no UTF-8 comes back as U+FFFD. */
uint32_t text_next_char(const char **cursor, const char *end);
void text_add_char(struct text *text, uint32_t code_point);

/** A copy in which every byte that is no UTF-8 became U+FFFD. */
char *text_valid_utf8(const char *text);

#endif
