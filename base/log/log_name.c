/* SPDX-License-Identifier: MIT */
#include "base/log/log_name.h"

#include <stdio.h>
#include <string.h>

#include "base/system/clock.h"

/* Length of NAME without its ending, which is what follows the last dot. */
static size_t stem_length(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && dot > name ? (size_t)(dot - name) : strlen(name);
}

void log_name_make(const char *name, int64_t wall_ms, unsigned n, char out[LOG_NAME_SIZE])
{
    char when[CLOCK_RFC3339_SIZE], more[12] = "";
    int stem = (int)stem_length(name);
    clock_format(wall_ms, when); /* 2026-11-21T10:15:00.000Z */
    if (n > 0)
        snprintf(more, sizeof(more), "-%u", n);
    snprintf(out, LOG_NAME_SIZE, "%.*s-%.4s%.2s%.2sT%.2s%.2s%.2sZ%s%s", stem, name, when, when + 5,
             when + 8, when + 11, when + 14, when + 17, more, name + stem);
}

int64_t log_name_parse(const char *name, const char *candidate)
{
    char when[CLOCK_RFC3339_SIZE], again[LOG_NAME_SIZE];
    int64_t wall_ms;
    size_t stem = stem_length(name);
    const char *at = candidate + stem + 1;
    if (strncmp(candidate, name, stem) != 0 || candidate[stem] != '-' ||
        strlen(at) < strlen("20261121T101500Z"))
        return -1;
    snprintf(when, sizeof(when), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", at, at + 4, at + 6, at + 9,
             at + 11, at + 13);
    if (clock_parse(when, &wall_ms) < 0)
        return -1;
    /* What makes the same name again is one of them. */
    for (unsigned n = 0; n <= LOG_NAME_MAX_SAME; n++) {
        log_name_make(name, wall_ms, n, again);
        if (strcmp(again, candidate) == 0)
            return wall_ms;
    }
    return -1;
}
