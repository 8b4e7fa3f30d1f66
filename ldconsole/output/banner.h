/* SPDX-License-Identifier: MIT */
#ifndef LDC_BANNER_H
#define LDC_BANNER_H

#include <stdbool.h>
#include <stddef.h>

/** The vendor's fixed texts, recognised (reference 0.3, 2.1). Private to ldconsole/. */

/** The line of the usage text that names the program, e.g. "dnplayer v14.0.25.1 Command Line
 *  Management Interface", and its length; NULL when TEXT is no usage text: with a row of list2
 *  in it, it is a list whose title quotes the banner, or something that printed it before. */
const char *ldc_banner_find(const char *text, size_t n, size_t *ret_len);
/** Whether TEXT is PHRASE, apart from white space around it. */
bool ldc_banner_is_phrase(const char *text, size_t n, const char *phrase);

#define LDC_PHRASE_NO_PLAYER "player don't exist!"
#define LDC_PHRASE_PARAMETER "parameter error!"

#endif
