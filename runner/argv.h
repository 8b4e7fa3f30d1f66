/* SPDX-License-Identifier: MIT */
#ifndef ARGV_H
#define ARGV_H

#include <stddef.h>

/** An argument vector under construction; NULL-terminated at every moment, as uv_spawn wants it. */
struct argv {
    char **items;
    size_t n_items, cap;
};

void argv_init(struct argv *argv);
void argv_deinit(struct argv *argv);
/** Appends a copy. */
void argv_add(struct argv *argv, const char *item);
void argv_add_number(struct argv *argv, long long number);
/** The items separated by spaces, quoted where needed, for people to read. Owned by the caller. */
char *argv_format(const struct argv *argv);

#endif
