/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/system/clock.h"

struct moment {
    const char *text;
    int64_t wall_ms;
};

Test(clock, formats_rfc_3339)
{
    static const struct moment moments[] = {
        {"1970-01-01T00:00:00.000Z", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2000-02-29T12:00:00.001Z", 951825600001},
        {"2026-11-20T14:28:00.123Z", 1795184880123},
        {"1900-03-01T00:00:00.000Z", -2203891200000},
    };
    char text[CLOCK_RFC3339_SIZE];
    for (size_t i = 0; i < countof(moments); i++) {
        int64_t back = 0;
        clock_format(moments[i].wall_ms, text);
        cr_assert_str_eq(text, moments[i].text);
        cr_assert_eq(clock_parse(text, &back), 0);
        cr_assert_eq(back, moments[i].wall_ms, "%s", text);
    }
}

Test(clock, reads_offsets_and_fractions)
{
    static const struct moment moments[] = {
        {"1970-01-01T01:00:00+01:00", 0},        {"1969-12-31t23:30:00.5-00:30", 500},
        {"1970-01-01 00:00:00.123456789z", 123}, {"1970-01-01T00:00:00.01Z", 10},
        {"2024-02-29T00:00:00Z", 1709164800000},
    };
    for (size_t i = 0; i < countof(moments); i++) {
        int64_t wall_ms = 0;
        cr_assert_eq(clock_parse(moments[i].text, &wall_ms), 0, "%s", moments[i].text);
        cr_assert_eq(wall_ms, moments[i].wall_ms, "%s: %lld", moments[i].text, (long long)wall_ms);
    }
}

Test(clock, refuses_what_is_no_time)
{
    static const char *const bad[] = {
        "",
        "now",
        "2026-11-20",
        "2026-11-20T14:28:00",
        "2026-11-20T14:28Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00Zx",
        "2026-01-01T00:00:00+1:00",
        "2026-01-01T00:00:00+-1:00",
        "2026-01-01T00:00:00+24:00",
        " 026-01-01T00:00:00Z",
        "2026-+1-01T00:00:00Z",
        "2026-01- 1T00:00:00Z",
    };
    int64_t wall_ms;
    for (size_t i = 0; i < countof(bad); i++)
        cr_assert_eq(clock_parse(bad[i], &wall_ms), UV_EINVAL, "\"%s\"", bad[i]);
}

Test(clock, never_runs_backwards)
{
    uint64_t last = clock_mono_ms();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_mono_ms();
        cr_assert_geq(now, last);
        last = now;
    }
}
