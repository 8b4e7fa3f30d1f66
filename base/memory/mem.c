/* SPDX-License-Identifier: MIT */
#include "base/memory/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p, size_t n)
{
    if (p)
        return p;
    fprintf(stderr, "ldplayerd: out of memory (%zu bytes wanted); stopping, state is on disk\n", n);
    abort();
}

void *mem_alloc(size_t n)
{
    return mem_calloc(1, n);
}

void *mem_calloc(size_t n, size_t size)
{
    return must(calloc(n ? n : 1, size ? size : 1), n * size);
}

void *mem_realloc(void *p, size_t n)
{
    return must(realloc(p, n ? n : 1), n);
}

char *mem_strdup(const char *s)
{
    return s ? mem_strndup(s, strlen(s)) : NULL;
}

char *mem_strndup(const char *s, size_t n)
{
    if (!s)
        return NULL;
    n = strnlen(s, n);
    char *copy = mem_alloc(n + 1);
    memcpy(copy, s, n);
    return copy;
}

char *mem_printf(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);

    char *text = mem_alloc((size_t)n + 1);
    va_start(args, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, args);
    va_end(args);
    return text;
}

void mem_free(void *p)
{
    free(p);
}

void mem_freep(void *p)
{
    free(*(void **)p);
}

void *mem_grow(void *items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return items;
    *cap = *cap ? *cap * 2 : 8;
    return mem_realloc(items, *cap * size);
}
