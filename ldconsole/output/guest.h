/* SPDX-License-Identifier: MIT */
#ifndef LDC_GUEST_H
#define LDC_GUEST_H

#include <stdbool.h>
#include <stddef.h>

/** What a guest says of itself: one question to its shell, and the answer as values. Pure. */

/** For `ld` or `adb shell`. The last thing that it asks is answered by Android's system server and
 *  never returns where that hangs (reference 5.2). */
extern const char ldc_guest_question[];

struct ldc_guest {
    bool has_shell;      /* it answered at all, though it may not have got to the end */
    bool is_booted;      /* sys.boot_completed */
    bool has_server;     /* the system server answered */
    char mac[13];        /* of wlan0: 12 hexadecimal digits; "" = not readable */
    char android_id[17]; /* up to 16 hexadecimal digits; "" = not readable */
    char serial[65];     /* ro.serialno; "" = not readable */
};

/** Reads what was printed, all of it or the beginning; an echo of the question in front of it
 *  (reference 2.4) and lines that are no answers count for nothing. */
void ldc_guest_read(const char *output, struct ldc_guest *ret);

#endif
