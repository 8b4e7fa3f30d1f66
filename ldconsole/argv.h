/* SPDX-License-Identifier: MIT */
#ifndef LDC_ARGV_H
#define LDC_ARGV_H

#include <stddef.h>

/** An argument vector under construction; NULL-terminated at every moment, as uv_spawn wants it. */
struct ldc_argv {
    char **items;
    size_t n_items, cap;
};

void ldc_argv_init(struct ldc_argv *argv);
void ldc_argv_deinit(struct ldc_argv *argv);
/** Appends a copy. */
void ldc_argv_add(struct ldc_argv *argv, const char *item);
void ldc_argv_add_number(struct ldc_argv *argv, long long number);
/** The items separated by spaces, quoted where needed, for people to read. Owned by the caller. */
char *ldc_argv_format(const struct ldc_argv *argv);

#endif
