/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "service/config/address.h"

static const struct row {
    const char *text, *host;
    int port;
    bool is_ipv6, is_loopback;
} good[] = {
    {"127.0.0.1:8765", "127.0.0.1", 8765, false, true},
    {"127.1.2.3:0", "127.1.2.3", 0, false, true},
    {"localhost:1", "127.0.0.1", 1, false, true},
    {"[::1]:65535", "::1", 65535, true, true},
    {"0.0.0.0:80", "0.0.0.0", 80, false, false},
    {"[::]:80", "::", 80, true, false},
    {"[::ffff:127.0.0.1]:80", "::ffff:127.0.0.1", 80, true, false},
    {"192.168.1.2:80", "192.168.1.2", 80, false, false},
};

Test(svc_address, reads_numeric_addresses)
{
    for (size_t i = 0; i < countof(good); i++) {
        const struct row *row = &good[i];
        struct svc_address a;
        cr_assert_eq(svc_address_parse(row->text, &a), 0, "%s", row->text);
        cr_assert_str_eq(a.host, row->host, "%s", row->text);
        cr_assert_eq(a.port, row->port, "%s", row->text);
        cr_assert_eq(a.is_ipv6, row->is_ipv6, "%s", row->text);
        cr_assert_eq(a.is_loopback, row->is_loopback, "%s", row->text);
    }
}

Test(svc_address, refuses_everything_else)
{
    static const char *const bad[] = {
        "",       ":80",        "127.0.0.1",    "127.0.0.1:", "127.0.0.1:65536",
        "::1:80", "[::1:80",    "[]:80",        "example:80", "127.0.0.1:8a",
        "8765",   "127.0.0:80", "127.0.0.1:-1", "[::1]80",    "127.0.0.1.evil.test:80",
        "]:80",
    };
    struct svc_address a;
    for (size_t i = 0; i < countof(bad); i++)
        cr_assert_lt(svc_address_parse(bad[i], &a), 0, "%s", bad[i]);
}
