/* SPDX-License-Identifier: MIT */
#ifndef LDC_ABILITIES_H
#define LDC_ABILITIES_H

#include <stdbool.h>

/** What the installed ldconsole can do. Versions differ (reference 1.9), flags that a version does
 *  not know are ignored without a word, and only its usage text tells which it knows. */
struct ldc_abilities {
    bool is_known;    /* the usage text was read */
    char version[32]; /* of the banner; "" where the banner has none */
    bool has_root;    /* modify knows --root */
};

/** Reads the usage text as it was printed. RET stays unknown when TEXT is none. */
void ldc_abilities_read(const char *text, struct ldc_abilities *ret);

#endif
