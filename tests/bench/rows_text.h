/* SPDX-License-Identifier: MIT */
#ifndef BENCH_ROWS_TEXT_H
#define BENCH_ROWS_TEXT_H

#include <stddef.h>

/** What list2 prints for N instances, owned by the caller (free). One instance in a hundred has
 *  another title in each of the two variants (0 and 1), and the rest is the same, so reading them
 *  in turn is a survey that finds one percent changed. */
char *rows_text_make(unsigned n, int variant, size_t *ret_len);

#endif
