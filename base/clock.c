/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

uint64_t clock_mono_ms(void)
{
    return uv_hrtime() / 1000000;
}

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
    char text[64];
    snprintf(text, sizeof(text), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", y, m, d,
             (int)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));
    memcpy(out, text, CLOCK_RFC3339_SIZE - 1);
    out[CLOCK_RFC3339_SIZE - 1] = '\0';
}

static int parse_offset(const char *text, int *ret_minutes)
{
    int h, m, used = 0;
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
        *ret_minutes = 0;
        return 0;
    }
    if ((*text != '+' && *text != '-') || sscanf(text + 1, "%2d:%2d%n", &h, &m, &used) != 2 ||
        used != 5 || text[6] != '\0' || h > 23 || m > 59)
        return UV_EINVAL;
    *ret_minutes = (*text == '-' ? -1 : 1) * (h * 60 + m);
    return 0;
}

static const char *parse_fraction(const char *text, int *ret_ms)
{
    *ret_ms = 0;
    if (*text != '.')
        return text;
    int scale = 100;
    for (text++; *text >= '0' && *text <= '9'; text++, scale /= 10)
        *ret_ms += (*text - '0') * scale;
    return text;
}

int clock_parse(const char *text, int64_t *ret_wall_ms)
{
    int y, used = 0, ms, offset;
    unsigned mo, d, h, mi, s;
    if (sscanf(text, "%4d-%2u-%2u%*1[Tt ]%2u:%2u:%2u%n", &y, &mo, &d, &h, &mi, &s, &used) != 6 ||
        used != 19 || mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || s > 60)
        return UV_EINVAL;
    if (parse_offset(parse_fraction(text + used, &ms), &offset) < 0)
        return UV_EINVAL;
    int64_t seconds = days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + s - offset * 60;
    *ret_wall_ms = seconds * 1000 + ms;
    return 0;
}
