/* SPDX-License-Identifier: MIT */
#include "service/commands/expiry.h"

#include <string.h>

#include <uv.h>

#include "base/system/clock.h"
#include "base/text/str.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS };
static const int64_t longest_ms = (int64_t)100 * 366 * DAY_MS;

static int64_t unit_ms(char unit)
{
    switch (unit) {
    case 'd':
        return DAY_MS;
    case 'h':
        return HOUR_MS;
    case 'm':
        return MINUTE_MS;
    default:
        return 0;
    }
}

static int parse_span(const char *text, int64_t *ret_ms)
{
    char digits[16];
    uint64_t count;
    size_t n = strlen(text);
    int64_t unit = n > 1 ? unit_ms(text[n - 1]) : 0;
    if (unit == 0 || n > sizeof(digits))
        return UV_EINVAL;
    memcpy(digits, text, n - 1);
    digits[n - 1] = '\0';
    int r = str_parse_u64(digits, (uint64_t)(longest_ms / unit), &count);
    if (r == 0)
        *ret_ms = (int64_t)count * unit;
    return r;
}

int svc_expiry_parse(const char *text, int64_t now_wall_ms, int64_t *ret_wall_ms)
{
    int64_t at;
    int r = parse_span(text, &at);
    if (r == 0)
        at += now_wall_ms;
    else if (r == UV_EINVAL)
        r = clock_parse(text, &at);
    if (r < 0)
        return r;
    if (at <= now_wall_ms || at - now_wall_ms > longest_ms)
        return UV_ERANGE;
    *ret_wall_ms = at;
    return 0;
}
