/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <uv.h>

#include "base/memory/cleanup.h"
#include "service/commands/expiry.h"

static const int64_t now = 1700000000000; /* 2023-11-14T22:13:20Z */

Test(svc_expiry, adds_a_span_to_now)
{
    int64_t at;
    cr_assert_eq(svc_expiry_parse("30d", now, &at), 0);
    cr_assert_eq(at, now + (int64_t)30 * 86400000);
    cr_assert_eq(svc_expiry_parse("12h", now, &at), 0);
    cr_assert_eq(at, now + 12 * 3600000);
    cr_assert_eq(svc_expiry_parse("15m", now, &at), 0);
    cr_assert_eq(at, now + 15 * 60000);
}

Test(svc_expiry, takes_a_time)
{
    int64_t at;
    cr_assert_eq(svc_expiry_parse("2023-11-14T23:13:20Z", now, &at), 0);
    cr_assert_eq(at, now + 3600000);
    cr_assert_eq(svc_expiry_parse("2023-11-15T00:13:20+01:00", now, &at), 0);
    cr_assert_eq(at, now + 3600000);
}

Test(svc_expiry, refuses_what_is_past_or_too_far)
{
    static const char *const texts[] = {"0d",
                                        "36601d",
                                        "99999999999999d",
                                        "2023-11-14T22:13:20Z",
                                        "1999-01-01T00:00:00Z",
                                        "2199-01-01T00:00:00Z"};
    int64_t at;
    for (size_t i = 0; i < countof(texts); i++)
        cr_assert_eq(svc_expiry_parse(texts[i], now, &at), UV_ERANGE, "%s", texts[i]);
}

Test(svc_expiry, refuses_what_is_neither)
{
    static const char *const texts[] = {"",
                                        "d",
                                        "30",
                                        "30s",
                                        "-1d",
                                        "1.5d",
                                        " 30d",
                                        "30d ",
                                        "tomorrow",
                                        "2030-01-31",
                                        "2030-13-31T00:00:00Z"};
    int64_t at;
    for (size_t i = 0; i < countof(texts); i++)
        cr_assert_eq(svc_expiry_parse(texts[i], now, &at), UV_EINVAL, "%s", texts[i]);
}
