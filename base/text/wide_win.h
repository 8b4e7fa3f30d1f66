/* SPDX-License-Identifier: MIT */
#ifndef BASE_WIDE_WIN_H
#define BASE_WIDE_WIN_H

#include <wchar.h>

/** UTF-16 as Windows speaks it. Results are owned by the caller; what is not well-formed becomes
 *  U+FFFD. */

/** N counts units; -1 means that TEXT is terminated. */
char *wide_to_utf8(const wchar_t *text, int n);
wchar_t *wide_from_utf8(const char *text);

#endif
