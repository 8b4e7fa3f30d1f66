/* SPDX-License-Identifier: MIT */
#include "base/memory/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include <uv.h>

#include "base/memory/mem.h"

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_deinit(struct buf *b)
{
    mem_free(b->data);
    buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

static void grow(struct buf *b, size_t n)
{
    size_t cap = b->cap ? b->cap : 64;
    while (cap < b->len + n + 1)
        cap *= 2;
    if (b->max && cap > b->max + 1)
        cap = b->max + 1;
    b->data = mem_realloc(b->data, cap);
    b->cap = cap;
}

int buf_make_room(struct buf *b, size_t n)
{
    if (b->max && (n > b->max || b->len > b->max - n))
        return UV_ENOBUFS;
    if (b->len + n + 1 > b->cap)
        grow(b, n);
    return 0;
}

char *buf_reserve(struct buf *b, size_t n)
{
    return buf_make_room(b, n) < 0 ? NULL : b->data + b->len;
}

int buf_append_u64(struct buf *b, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return buf_append(b, digits + at, sizeof(digits) - at);
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);

    char *room = buf_reserve(b, (size_t)n);
    if (!room)
        return UV_ENOBUFS;
    va_start(args, fmt);
    vsnprintf(room, (size_t)n + 1, fmt, args);
    va_end(args);
    b->len += (size_t)n;
    return 0;
}

void buf_consume(struct buf *b, size_t n)
{
    if (n == 0)
        return;
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
    b->data[b->len] = '\0';
}

char *buf_take(struct buf *b, size_t *ret_len)
{
    (void)buf_reserve(b, 0);
    char *data = b->data;
    data[b->len] = '\0';
    if (ret_len)
        *ret_len = b->len;
    buf_init(b, b->max);
    return data;
}
