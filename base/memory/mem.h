/* SPDX-License-Identifier: MIT */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/** Allocation that cannot fail: when memory runs out the process prints one line and aborts.
 *  Everything acknowledged to a client is durable by then and a restart settles it, so a half
 *  handled out-of-memory would be the greater risk. Sizes that outsiders choose never reach these
 *  functions unchecked: they grow in a `struct buf`, which has a maximum. Any thread. */

/** N zeroed bytes, to be released with `mem_free`. */
void *mem_alloc(size_t n);
/** N * SIZE zeroed bytes; aborts when the product overflows. */
void *mem_calloc(size_t n, size_t size);
/** Like realloc; the added part is not zeroed. */
void *mem_realloc(void *p, size_t n);
/** Copies of a string, of at most N bytes of it; NULL gives NULL. */
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);
/** Formatted string owned by the caller. */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** Accepts NULL. */
void mem_free(void *p);
/** For `cleanup(mem_freep)` on a pointer local. */
void mem_freep(void *p);

/** Makes room for one more element in a growing array of SIZE-byte elements. *CAP doubles. */
void *mem_grow(void *items, size_t n, size_t *cap, size_t size);

#define mem_new(type) ((type *)mem_alloc(sizeof(type)))

#endif
