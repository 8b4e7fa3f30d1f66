/* SPDX-License-Identifier: MIT */
#include "service/config/nearest.h"

#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 40, TOO_FAR = WORD_MAX };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* Optimal string alignment: rows of the table for the last two letters and this one. */
static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][WORD_MAX + 1];
    size_t n = strlen(a), m = strlen(b);
    if (n > WORD_MAX || m > WORD_MAX)
        return TOO_FAR;
    for (unsigned j = 0; j <= m; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= n; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned j = 1; j <= m; j++) {
            unsigned change = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = min3(above[j] + 1, row[j - 1] + 1, change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = min3(row[j], above2[j - 2] + 1, TOO_FAR);
        }
    }
    return rows[n % 3][m];
}

void svc_nearest_init(struct svc_nearest *n, const char *typed)
{
    size_t allowed = strlen(typed) / 3;
    *n = (struct svc_nearest){.typed = typed};
    n->distance = allowed > 1 ? (unsigned)allowed + 1 : 2;
}

void svc_nearest_offer(struct svc_nearest *n, const char *word)
{
    unsigned d = distance(n->typed, word);
    if (d < n->distance) {
        n->distance = d;
        n->best = word;
    }
}

const char *svc_nearest_hint(const struct svc_nearest *n, const char *prefix, char *out,
                             size_t size)
{
    if (n->best)
        snprintf(out, size, "; did you mean %s%s?", prefix, n->best);
    else
        *out = '\0';
    return out;
}
