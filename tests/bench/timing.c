/* SPDX-License-Identifier: MIT */
#include "tests/bench/timing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t timing_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t timing_thread_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double timing_median(double *items, size_t n)
{
    qsort(items, n, sizeof(*items), compare);
    return n % 2 ? items[n / 2] : (items[n / 2 - 1] + items[n / 2]) / 2;
}

unsigned timing_read_number(const char *text, const char *what, unsigned max)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || end == text || *end || value < 1 || value > max) {
        fprintf(stderr, "%s: \"%s\" is not a number from 1 to %u\n", what, text, max);
        exit(2);
    }
    return (unsigned)value;
}

_Noreturn void timing_fail(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    exit(1);
}
