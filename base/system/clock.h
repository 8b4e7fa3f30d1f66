/* SPDX-License-Identifier: MIT */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

enum { CLOCK_RFC3339_SIZE = 25, CLOCK_STAMP_SIZE = 17 };

/** Milliseconds that only go forward, and stand still while the computer sleeps; for ages,
 * deadlines and waits. Any thread. */
uint64_t clock_mono_ms(void);
/** Milliseconds since 1970 UTC; for what people and disks are told. Any thread. */
int64_t clock_wall_ms(void);
/** "2026-11-20T14:28:00.123Z". */
void clock_format(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE]);
/** Reads RFC 3339 with Z or an offset, with or without fraction. Returns 0 or UV_EINVAL. */
int clock_parse(const char *text, int64_t *ret_wall_ms);
/** "20261120T142800Z", for names of files. */
void clock_stamp(int64_t wall_ms, char out[CLOCK_STAMP_SIZE]);
/** Reads such a stamp. Returns 0 or UV_EINVAL. */
int clock_stamp_parse(const char *text, int64_t *ret_wall_ms);

#endif
