/* SPDX-License-Identifier: MIT */
#include "tests/bench/rows_text.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_BYTES = 128, CHANGED_ONE_IN = 100 };

char *rows_text_make(unsigned n, int variant, size_t *ret_len)
{
    size_t size = (size_t)n * LINE_MAX_BYTES, len = 0;
    char *text = malloc(size);
    for (unsigned i = 0; i < n; i++) {
        unsigned changes = i % CHANGED_ONE_IN == 0 && variant ? 1 : 0;
        len += (size_t)snprintf(text + len, size - len,
                                "%u,Farm %u, rack %u,0,0,0,-1,-1,1280,720,240\r\n", i, i, changes);
    }
    *ret_len = len;
    return text;
}
