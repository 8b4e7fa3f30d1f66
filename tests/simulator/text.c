/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { REPLACEMENT = 0xFFFD };

static void reserve(struct text *text, size_t more)
{
    size_t need = text->len + more + 1;
    size_t capacity = text->capacity ? text->capacity : 256;
    char *data;

    if (need <= text->capacity)
        return;
    while (capacity < need)
        capacity *= 2;
    data = mem_alloc(capacity);
    if (text->len)
        memcpy(data, text->data, text->len);
    text->data = data;
    text->capacity = capacity;
}

void text_add_bytes(struct text *text, const void *bytes, size_t len)
{
    reserve(text, len);
    if (len)
        memcpy(text->data + text->len, bytes, len);
    text->len += len;
    text->data[text->len] = '\0';
}

void text_add(struct text *text, const char *add)
{
    text_add_bytes(text, add, strlen(add));
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_add(text, mem_vprintf(format, args));
    va_end(args);
}

const char *text_str(const struct text *text)
{
    return text->data ? text->data : "";
}

char *text_next_line(const char **cursor)
{
    const char *start = *cursor;
    const char *end;
    size_t len;

    if (!*start)
        return NULL;
    end = strchr(start, '\n');
    len = end ? (size_t)(end - start) : strlen(start);
    *cursor = start + len + (end ? 1 : 0);
    while (len > 0 && start[len - 1] == '\r')
        len--;
    return mem_text_n(start, len);
}

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
    size_t len = strlen(text);
    size_t suffix_len = strlen(suffix);

    return len >= suffix_len && strcmp(text + len - suffix_len, suffix) == 0;
}

bool text_to_int64(const char *text, int64_t *ret_value)
{
    const char *digits = *text == '-' ? text + 1 : text;
    long long value;
    char *end;

    if (*digits < '0' || *digits > '9')
        return false;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno || *end)
        return false;
    *ret_value = value;
    return true;
}

bool text_to_int(const char *text, int *ret_value)
{
    int64_t value;

    if (!text_to_int64(text, &value) || value < INT_MIN || value > INT_MAX)
        return false;
    *ret_value = (int)value;
    return true;
}

bool text_list_has(const char *list, const char *word)
{
    size_t len = strlen(word);
    const char *at = list;

    while (*at) {
        const char *comma = strchr(at, ',');
        size_t part = comma ? (size_t)(comma - at) : strlen(at);

        if (part == len && strncmp(at, word, len) == 0)
            return true;
        at += part + (comma ? 1 : 0);
    }
    return false;
}

/* How many bytes the lead byte announces, the bits it carries and the smallest value allowed. */
static int lead_byte(unsigned char byte, uint32_t *ret_bits, uint32_t *ret_least)
{
    if (byte >= 0xC2 && byte <= 0xDF) {
        *ret_bits = byte & 0x1FU;
        *ret_least = 0x80;
        return 2;
    }
    if (byte >= 0xE0 && byte <= 0xEF) {
        *ret_bits = byte & 0x0FU;
        *ret_least = 0x800;
        return 3;
    }
    if (byte >= 0xF0 && byte <= 0xF4) {
        *ret_bits = byte & 0x07U;
        *ret_least = 0x10000;
        return 4;
    }
    return 0;
}

uint32_t text_next_char(const char **cursor, const char *end)
{
    const unsigned char *at = (const unsigned char *)*cursor;
    uint32_t value = 0;
    uint32_t least = 0;
    int n;

    (*cursor)++;
    if (*at < 0x80)
        return *at;
    n = lead_byte(*at, &value, &least);
    if (n == 0 || end - (const char *)at < n)
        return REPLACEMENT;
    for (int i = 1; i < n; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return REPLACEMENT;
        value = value << 6 | (at[i] & 0x3FU);
    }
    if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return REPLACEMENT;
    *cursor += n - 1;
    return value;
}

void text_add_char(struct text *text, uint32_t c)
{
    char bytes[4];
    size_t n = 0;

    if (c < 0x80) {
        bytes[n++] = (char)c;
    } else if (c < 0x800) {
        bytes[n++] = (char)(0xC0 | c >> 6);
        bytes[n++] = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        bytes[n++] = (char)(0xE0 | c >> 12);
        bytes[n++] = (char)(0x80 | (c >> 6 & 0x3F));
        bytes[n++] = (char)(0x80 | (c & 0x3F));
    } else {
        bytes[n++] = (char)(0xF0 | c >> 18);
        bytes[n++] = (char)(0x80 | (c >> 12 & 0x3F));
        bytes[n++] = (char)(0x80 | (c >> 6 & 0x3F));
        bytes[n++] = (char)(0x80 | (c & 0x3F));
    }
    text_add_bytes(text, bytes, n);
}

char *text_valid_utf8(const char *text)
{
    const char *at = text;
    const char *end = text + strlen(text);
    struct text copy = {0};

    while (at < end)
        text_add_char(&copy, text_next_char(&at, end));
    return mem_text(text_str(&copy));
}
