/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include <uv.h>

#include "api/http/request.h"

static struct http_request r;
static const char *why;

static void begin(void)
{
    http_request_init(&r, 16384, 1024);
}

static void end(void)
{
    http_request_deinit(&r);
}

TestSuite(http_request, .init = begin, .fini = end);

/* Reads TARGET as the parser leaves it. */
static int parse(const char *target)
{
    http_request_reset(&r);
    (void)buf_append(&r.head, target, strlen(target) + 1);
    return http_request_parse_target(&r, &why);
}

Test(http_request, splits_a_path)
{
    cr_assert_eq(parse("/api/instances/7"), 0);
    cr_assert_eq(r.n_segments, 3);
    cr_assert_str_eq(r.segments[0], "api");
    cr_assert_str_eq(r.segments[2], "7");
    cr_assert_eq(r.n_query, 0);
}

Test(http_request, keeps_empty_segments)
{
    cr_assert_eq(parse("/"), 0);
    cr_assert_eq(r.n_segments, 1);
    cr_assert_str_eq(r.segments[0], "");
    cr_assert_eq(parse("//api"), 0);
    cr_assert_eq(r.n_segments, 2);
    cr_assert_eq(parse("/api/"), 0);
    cr_assert_eq(r.n_segments, 2);
}

Test(http_request, decodes_a_segment_after_splitting)
{
    cr_assert_eq(parse("/a%2Fb/%e9%9b%b7+x"), 0);
    cr_assert_eq(r.n_segments, 2);
    cr_assert_str_eq(r.segments[0], "a/b");
    cr_assert_str_eq(r.segments[1], "雷+x");
}

Test(http_request, decodes_a_query)
{
    cr_assert_eq(parse("/x?a=1&b=two+words&&c&d=%26%3D&a=2&e="), 0);
    cr_assert_eq(r.n_query, 6);
    cr_assert_str_eq(http_request_query(&r, "a"), "1", "the first of two");
    cr_assert_str_eq(http_request_query(&r, "b"), "two words");
    cr_assert_str_eq(http_request_query(&r, "c"), "");
    cr_assert_str_eq(http_request_query(&r, "d"), "&=");
    cr_assert_str_eq(http_request_query(&r, "e"), "");
    cr_assert_null(http_request_query(&r, "f"));
}

Test(http_request, refuses_what_cannot_be_decoded)
{
    static const char *const targets[] = {"/%",        "/%4",
                                          "/%zz",      "/%00",
                                          "/%ff",      "/x?a=%",
                                          "/x?%00=1",  "/%c0%af",
                                          "/x#y",      "x",
                                          "",          "https://localhost/x",
                                          "http:///x", "http://localhost"};
    for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
        why = NULL;
        cr_assert_eq(parse(targets[i]), UV_EINVAL, "%s", targets[i]);
        cr_assert_not_null(why, "%s", targets[i]);
    }
}

Test(http_request, takes_an_absolute_target_apart)
{
    cr_assert_eq(parse("http://127.0.0.1:8765/api/x?y=1"), 0);
    cr_assert_str_eq(r.authority, "127.0.0.1:8765");
    cr_assert_eq(r.n_segments, 2);
    cr_assert_str_eq(r.segments[0], "api");
    cr_assert_str_eq(http_request_query(&r, "y"), "1");
}

Test(http_request, knows_the_asterisk_for_options_only)
{
    cr_assert_eq(parse("*"), UV_EINVAL);
    http_request_reset(&r);
    r.method = HTTP_METHOD_OPTIONS;
    (void)buf_append(&r.head, "*", 2);
    cr_assert_eq(http_request_parse_target(&r, &why), 0);
    cr_assert(r.is_asterisk);
}

Test(http_request, has_room_for_so_many_segments_and_parameters)
{
    cr_assert_eq(parse("/1/2/3/4/5/6/7/8"), 0);
    cr_assert_eq(r.n_segments, HTTP_MAX_SEGMENTS);
    cr_assert_eq(parse("/1/2/3/4/5/6/7/8/9/10"), 0);
    cr_assert_eq(r.n_segments, HTTP_MAX_SEGMENTS + 1);

    char target[200] = "/x?a";
    for (int i = 1; i < HTTP_MAX_QUERY; i++)
        strcat(target, "&a");
    cr_assert_eq(parse(target), 0);
    cr_assert_eq(r.n_query, HTTP_MAX_QUERY);
    strcat(target, "&a");
    cr_assert_eq(parse(target), UV_EINVAL);
}

Test(http_request, finds_headers_in_any_case)
{
    cr_assert_eq(http_request_header_find("Content-TYPE", 12), HTTP_HEADER_CONTENT_TYPE);
    cr_assert_eq(http_request_header_find("host", 4), HTTP_HEADER_HOST);
    cr_assert_eq(http_request_header_find("hos", 3), -1);
    cr_assert_eq(http_request_header_find("hostx", 5), -1);
    cr_assert_eq(http_request_header_find("", 0), -1);
    cr_assert_eq(http_request_header_find("content\0type", 12), -1);
}

Test(http_request, gives_back_large_buffers_when_reset)
{
    char *room = buf_reserve(&r.head, 10000);
    cr_assert_not_null(room);
    http_request_reset(&r);
    cr_assert_eq(r.head.cap, 0);
    (void)buf_append(&r.head, "abc", 3);
    http_request_reset(&r);
    cr_assert_gt(r.head.cap, 0);
    cr_assert_eq(r.head.len, 0);
}
