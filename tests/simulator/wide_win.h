/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_WIDE_WIN_H
#define SIMULATOR_WIDE_WIN_H

#include <stddef.h>
#include <wchar.h>

/* UTF-8 to UTF-16 and back, in the pool; what cannot be expressed becomes U+FFFD. */

wchar_t *wide_from_utf8(const char *text);
char *wide_to_utf8(const wchar_t *text);

#endif
