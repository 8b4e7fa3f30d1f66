/* SPDX-License-Identifier: MIT */
#include "base/system/random.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/system/clock.h"

void random_bytes(void *out, size_t n)
{
    /* Repeatable and cheap after the first call. */
    if (sodium_init() < 0)
        abort();
    randombytes_buf(out, n);
}

static void format_uuid(uint8_t b[16], unsigned version, char out[UUID_SIZE])
{
    b[6] = (uint8_t)((b[6] & 0x0f) | (version << 4));
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(out, UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
}

void random_uuid(char out[UUID_SIZE])
{
    uint8_t b[16];
    random_bytes(b, sizeof(b));
    format_uuid(b, 4, out);
}

void random_uuid_by_time(char out[UUID_SIZE])
{
    /* A counter in the bits behind the milliseconds keeps the order within one millisecond. */
    static uint64_t last_ms;
    static unsigned counter;

    uint8_t b[16];
    random_bytes(b, sizeof(b));
    uint64_t ms = (uint64_t)clock_wall_ms();
    counter = ms > last_ms ? 0 : counter + 1;
    last_ms = ms > last_ms ? ms : last_ms;
    if (counter > 0xfff) {
        counter = 0;
        last_ms++;
    }
    for (int i = 0; i < 6; i++)
        b[i] = (uint8_t)(last_ms >> (40 - 8 * i));
    b[6] = (uint8_t)(counter >> 8);
    b[7] = (uint8_t)counter;
    format_uuid(b, 7, out);
}

bool random_is_uuid(const char *text)
{
    static const char pattern[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (!text || strlen(text) != UUID_SIZE - 1)
        return false;
    for (size_t i = 0; pattern[i]; i++) {
        if (!strchr(pattern[i] == '-' ? "-" : "0123456789abcdef", text[i]))
            return false;
    }
    return true;
}
