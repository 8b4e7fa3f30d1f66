/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_CODEPAGE_H
#define SIMULATOR_CODEPAGE_H

#include "text.h"

/** The UTF-8 text in a code page (a value of the knob "codepage"), as Windows would convert it:
 *  what the code page does not have becomes `?`, once for every UTF-16 unit. */
struct text codepage_encode(const struct text *utf8, const char *codepage);

#endif
