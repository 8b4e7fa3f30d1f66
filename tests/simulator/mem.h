/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_MEM_H
#define SIMULATOR_MEM_H

#include <stdarg.h>
#include <stddef.h>

/* One pool for the whole program.  The programs of the simulator live for one command, so nothing
 * is freed one by one: memory comes from the pool and goes back when the program ends, or, in the
 * two that run for long, when a turn of their loop ends.  Running out of memory ends the program.
 * Single thread only. */

#if defined(__MINGW_PRINTF_FORMAT)
#define MEM_PRINTF(format_at, args_at)                                                             \
    __attribute__((format(__MINGW_PRINTF_FORMAT, format_at, args_at)))
#else
#define MEM_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#endif

/** A point in the life of the pool; what was allocated after it can be released at once. */
struct mem_mark {
    void *block;
    size_t used;
};

/** Zeroed memory, aligned for any type.  Never returns NULL. */
void *mem_alloc(size_t size);

/** A copy of the text, or of its first `len` bytes; always ends in NUL. */
char *mem_text(const char *text);
char *mem_text_n(const char *text, size_t len);

/** Formatted text in the pool. */
char *mem_printf(const char *format, ...) MEM_PRINTF(1, 2) __attribute__((nonnull(1)));
char *mem_vprintf(const char *format, va_list args) MEM_PRINTF(1, 0) __attribute__((nonnull(1)));

struct mem_mark mem_mark(void);

/** Give back everything allocated since the mark was taken. */
void mem_release(struct mem_mark mark);

#endif
