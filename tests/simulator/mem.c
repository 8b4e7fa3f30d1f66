/* SPDX-License-Identifier: MIT */
#include "mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 8192, ALIGNMENT = 16 };

struct block {
    struct block *below;
    size_t size;
    size_t used;
    size_t padding; /* keeps the bytes aligned on 64-bit machines */
    unsigned char bytes[];
};

static struct block *top;

static struct block *push_block(size_t at_least)
{
    size_t size = at_least > BLOCK_SIZE ? at_least : BLOCK_SIZE;
    struct block *block = malloc(sizeof(*block) + size);

    if (!block) {
        fputs("simulator: out of memory\n", stderr);
        abort();
    }
    block->below = top;
    block->size = size;
    block->used = 0;
    top = block;
    return block;
}

void *mem_alloc(size_t size)
{
    struct block *block = top;
    size_t need = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    void *ret;

    if (!block || block->size - block->used < need)
        block = push_block(need);
    ret = block->bytes + block->used;
    block->used += need;
    return memset(ret, 0, need);
}

char *mem_text_n(const char *text, size_t len)
{
    char *ret = mem_alloc(len + 1);

    memcpy(ret, text, len);
    return ret;
}

char *mem_text(const char *text)
{
    return mem_text_n(text, strlen(text));
}

char *mem_vprintf(const char *format, va_list args)
{
    va_list again;
    char *ret;
    int len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (len < 0)
        abort();
    ret = mem_alloc((size_t)len + 1);
    vsnprintf(ret, (size_t)len + 1, format, args);
    return ret;
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    char *ret;

    va_start(args, format);
    ret = mem_vprintf(format, args);
    va_end(args);
    return ret;
}

struct mem_mark mem_mark(void)
{
    return (struct mem_mark){.block = top, .used = top ? top->used : 0};
}

void mem_release(struct mem_mark mark)
{
    while (top && top != mark.block) {
        struct block *below = top->below;

        free(top);
        top = below;
    }
    if (top)
        top->used = mark.used;
}
