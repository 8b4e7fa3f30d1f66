/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>

#include <uv.h>

#include "base/memory/mem.h"
#include "base/text/address.h"

static void expect(const char *text, const char *host, int port, bool is_ipv6)
{
    struct address a;
    cr_assert_eq(address_parse(text, &a), 0, "%s", text);
    cr_expect_str_eq(a.host, host);
    cr_expect_eq(a.port, port, "%s", text);
    cr_expect_eq(a.is_ipv6, is_ipv6, "%s", text);
}

Test(address, what_can_be_connected_to)
{
    expect("127.0.0.1:8765", "127.0.0.1", 8765, false);
    expect("http://127.0.0.1:8765", "127.0.0.1", 8765, false);
    expect("farm-1.example.com:1", "farm-1.example.com", 1, false);
    expect("PC_07:65535", "PC_07", 65535, false);
    expect("[::1]:80", "::1", 80, true);
    expect("http://[fe80::1]:80", "fe80::1", 80, true);
}

Test(address, what_cannot)
{
    static const char *const texts[] = {"",
                                        ":",
                                        ":80",
                                        "host",
                                        "host:",
                                        "host:0",
                                        "host:65536",
                                        "host:-1",
                                        "host: 80",
                                        "host:80/",
                                        "host:80/path",
                                        "http://",
                                        "http://host",
                                        "https://host:80",
                                        "http://user@host:80",
                                        "host name:80",
                                        "h\xc3\xb6st:80",
                                        "host\n:80",
                                        "-host:80",
                                        ".host:80",
                                        "ho..st:80",
                                        "host:000080",
                                        "256.1.1.1:80",
                                        "1.2.3:80",
                                        "::1:80",
                                        "[]:80",
                                        "[:80",
                                        "[::1:80",
                                        "[::1]80",
                                        "[host]:80",
                                        "]:80"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct address a = {.port = 7};
        cr_expect_eq(address_parse(texts[i], &a), UV_EINVAL, "%s", texts[i]);
        cr_expect_eq(a.port, 7);
    }
}

Test(address, a_host_has_room_for_the_longest_name)
{
    struct address a;
    char text[ADDRESS_HOST_SIZE + 10];
    memset(text, 'a', sizeof(text));
    strcpy(text + ADDRESS_HOST_SIZE - 1, ":80");
    cr_assert_eq(address_parse(text, &a), 0);
    cr_assert_eq(strlen(a.host), ADDRESS_HOST_SIZE - 1);
    memset(text, 'a', sizeof(text));
    strcpy(text + ADDRESS_HOST_SIZE, ":80");
    cr_assert_eq(address_parse(text, &a), UV_EINVAL);
}

Test(address, splitting_takes_any_host_and_port_0)
{
    struct address a;
    cr_assert_eq(address_split("*:0", &a), 0);
    cr_assert_str_eq(a.host, "*");
    cr_assert_eq(a.port, 0);
    cr_assert_eq(address_split("[x]:1", &a), 0);
    cr_assert(a.is_ipv6);
    cr_assert_eq(address_split(":1", &a), UV_EINVAL);
}
