/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TIMING_H
#define BENCH_TIMING_H

#include <stddef.h>
#include <stdint.h>

/** What the programs of the benchmark share. They use nothing of the product unless they say so:
 *  some of them are what it is compared with. */

/** Nanoseconds that only go forward. */
uint64_t timing_now_ns(void);
/** Nanoseconds that this thread has been computing. */
uint64_t timing_thread_ns(void);
/** Middle of N values (N > 0); sorts them. */
double timing_median(double *items, size_t n);
/** A whole number from 1 to MAX in TEXT; anything else ends the program with a message that names
 *  WHAT. */
unsigned timing_read_number(const char *text, const char *what, unsigned max);
/** Says "PROGRAM: WHAT: reason of errno" and ends the program. */
_Noreturn void timing_fail(const char *what);

#endif
