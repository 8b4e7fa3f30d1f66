/* SPDX-License-Identifier: MIT */
#include "base/system/random.h"

#include <stdlib.h>
#include <sys/random.h>

void random_bytes(void *out, size_t n)
{
    if (getrandom(out, n, 0) != (ssize_t)n)
        abort();
}
