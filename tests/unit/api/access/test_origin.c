/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>

#include <uv.h>

#include "api/access/origin.h"

Test(api_origin, knows_what_a_host_header_may_be)
{
    static const char *const good[] = {"localhost", "127.0.0.1:80", "[::1]",
                                       "[::1]:80",  "a_b-c.d",      "host:"};
    static const char *const bad[] = {"",       ":80", "a b", "a:b",       "a:99999", "[::1",
                                      "[x]:80", "::1", "a/b", "user@host", "[::1]80", "a,b"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        cr_assert(api_origin_is_host(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        cr_assert_not(api_origin_is_host(bad[i]), "%s", bad[i]);
}

Test(api_origin, loopback_names_are_ours)
{
    static const char *const hosts[] = {"localhost", "LOCALHOST:1", "127.0.0.1", "127.9.8.7:80",
                                        "[::1]:80"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
        cr_assert(api_origin_is_our_host(hosts[i], "127.0.0.1"), "%s", hosts[i]);
}

Test(api_origin, other_names_are_not)
{
    static const char *const hosts[] = {"evil.example", "localhost.evil.example",
                                        "128.0.0.1",    "127.0.0.1.evil.com",
                                        "192.168.1.2",  "[::2]",
                                        "localhost.",   "127.1"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
        cr_assert_not(api_origin_is_our_host(hosts[i], "127.0.0.1"), "%s", hosts[i]);
}

Test(api_origin, the_bound_address_is_ours)
{
    cr_assert(api_origin_is_our_host("192.168.1.2:8765", "192.168.1.2"));
    cr_assert_not(api_origin_is_our_host("192.168.1.3:8765", "192.168.1.2"));
}

Test(api_origin, a_server_at_every_address_takes_addresses_and_its_own_name)
{
    char name[256], with_port[300];
    size_t size = sizeof(name);
    cr_assert_eq(uv_os_gethostname(name, &size), 0);
    snprintf(with_port, sizeof(with_port), "%s:8765", name);
    cr_assert(api_origin_is_our_host(with_port, "0.0.0.0"));
    cr_assert(api_origin_is_our_host("10.1.2.3", "0.0.0.0"));
    cr_assert(api_origin_is_our_host("[fe80::1]:1", "::"));
    cr_assert_not(api_origin_is_our_host("evil.example", "0.0.0.0"));
}

Test(api_origin, a_page_is_ours_when_it_came_from_here)
{
    cr_assert(api_origin_is_own("http://localhost:8765", "localhost:8765"));
    cr_assert_not(api_origin_is_own("https://localhost:8765", "localhost:8765"));
    cr_assert_not(api_origin_is_own("http://localhost:8766", "localhost:8765"));
    cr_assert_not(api_origin_is_own("http://127.0.0.1:8765", "localhost:8765"));
    cr_assert_not(api_origin_is_own("null", "localhost:8765"));
    cr_assert_not(api_origin_is_own("", "localhost:8765"));
}
