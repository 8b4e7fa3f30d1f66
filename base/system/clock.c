/* SPDX-License-Identifier: MIT */
#include "base/system/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

int64_t clock_wall_ms(void)
{
    uv_timeval64_t tv;
    if (uv_gettimeofday(&tv) < 0)
        return 0;
    return tv.tv_sec * 1000 + tv.tv_usec / 1000;
}

/* Days since 1970-01-01 of a civil date and back, proleptic Gregorian: libc's gmtime_r and timegm
 * are not on Windows under these names. Years start in March so that the leap day comes last. */
static int64_t days_from_civil(int64_t y, unsigned m, unsigned d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned yoe = (unsigned)(y - era * 400);
    unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + (int64_t)doe - 719468;
}

static void civil_from_days(int64_t days, int *y, unsigned *m, unsigned *d)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned doe = (unsigned)(days - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    *d = doy - (153 * mp + 2) / 5 + 1;
    *m = mp < 10 ? mp + 3 : mp - 9;
    *y = (int)((int64_t)yoe + era * 400 + (*m <= 2));
}

/* VALUE as N digits and then END; returns what follows. */
static char *put_digits(char *to, int64_t value, int n, char end)
{
    for (int i = n - 1; i >= 0; i--) {
        to[i] = (char)('0' + value % 10);
        value /= 10;
    }
    to[n] = end;
    return to + n + 1;
}

/* Every answer has a time in it, so this does without printf. */
void clock_format(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE])
{
    int64_t days = wall_ms / 86400000;
    int64_t ms = wall_ms % 86400000;
    if (ms < 0) {
        ms += 86400000;
        days--;
    }
    int y;
    unsigned m, d;
    civil_from_days(days, &y, &m, &d);
    out = put_digits(out, y, 4, '-');
    out = put_digits(out, m, 2, '-');
    out = put_digits(out, d, 2, 'T');
    out = put_digits(out, ms / 3600000, 2, ':');
    out = put_digits(out, ms / 60000 % 60, 2, ':');
    out = put_digits(out, ms / 1000 % 60, 2, '.');
    out = put_digits(out, ms % 1000, 3, 'Z');
    *out = '\0';
}

/* Each of these moves *TEXT behind what it took, or leaves it and returns false. */

static bool take_digits(const char **text, int n, int *ret)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        char c = (*text)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *text += n;
    *ret = value;
    return true;
}

static bool take_one_of(const char **text, const char *set)
{
    if (**text == '\0' || !strchr(set, **text))
        return false;
    ++*text;
    return true;
}

static bool is_leap(int y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static bool is_day(int y, int m, int d)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return m >= 1 && m <= 12 && d >= 1 && d <= days[m - 1] + (m == 2 && is_leap(y));
}

static bool take_date(const char **text, int64_t *ret_days)
{
    int y, m, d;
    if (!take_digits(text, 4, &y) || !take_one_of(text, "-") || !take_digits(text, 2, &m) ||
        !take_one_of(text, "-") || !take_digits(text, 2, &d) || !is_day(y, m, d))
        return false;
    *ret_days = days_from_civil(y, (unsigned)m, (unsigned)d);
    return true;
}

static bool take_time(const char **text, int *ret_seconds)
{
    int h, m, s;
    if (!take_digits(text, 2, &h) || !take_one_of(text, ":") || !take_digits(text, 2, &m) ||
        !take_one_of(text, ":") || !take_digits(text, 2, &s) || h > 23 || m > 59 || s > 60)
        return false;
    *ret_seconds = h * 3600 + m * 60 + s;
    return true;
}

static bool take_fraction(const char **text, int *ret_ms)
{
    int digit, scale = 100;
    *ret_ms = 0;
    if (!take_one_of(text, "."))
        return true;
    if (!take_digits(text, 1, &digit))
        return false;
    do {
        *ret_ms += digit * scale;
        scale /= 10;
    } while (take_digits(text, 1, &digit));
    return true;
}

static bool take_offset(const char **text, int *ret_minutes)
{
    int h, m, sign = **text == '-' ? -1 : 1;
    *ret_minutes = 0;
    if (take_one_of(text, "Zz"))
        return true;
    if (!take_one_of(text, "+-") || !take_digits(text, 2, &h) || !take_one_of(text, ":") ||
        !take_digits(text, 2, &m) || h > 23 || m > 59)
        return false;
    *ret_minutes = sign * (h * 60 + m);
    return true;
}

int clock_parse(const char *text, int64_t *ret_wall_ms)
{
    int64_t days;
    int seconds, ms, offset;
    if (!take_date(&text, &days) || !take_one_of(&text, "Tt ") || !take_time(&text, &seconds) ||
        !take_fraction(&text, &ms) || !take_offset(&text, &offset) || *text)
        return UV_EINVAL;
    *ret_wall_ms = (days * 86400 + seconds - (int64_t)offset * 60) * 1000 + ms;
    return 0;
}

void clock_stamp(int64_t wall_ms, char out[CLOCK_STAMP_SIZE])
{
    char when[CLOCK_RFC3339_SIZE];
    size_t n = 0;
    clock_format(wall_ms, when);
    for (const char *p = when; *p && *p != '.'; p++) {
        if (*p != '-' && *p != ':')
            out[n++] = *p;
    }
    out[n++] = 'Z';
    out[n] = '\0';
}

int clock_stamp_parse(const char *text, int64_t *ret_wall_ms)
{
    char when[CLOCK_RFC3339_SIZE];
    if (strlen(text) != CLOCK_STAMP_SIZE - 1)
        return UV_EINVAL;
    snprintf(when, sizeof(when), "%.4s-%.2s-%.5s:%.2s:%.3s", text, text + 4, text + 6, text + 11,
             text + 13);
    return clock_parse(when, ret_wall_ms);
}
