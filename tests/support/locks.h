/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_LOCKS_H
#define TESTS_SUPPORT_LOCKS_H

#include <stdbool.h>

/** What programs made of a few sources of the product have in place of libuv and libsodium, which
 *  are built for the other sanitizers: uv_mutex_* of locks.c, or of no_locks.c where they do
 *  nothing; and random_bytes of plain_random.c. */
extern const bool has_locks;

#endif
