/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "api/http/parser.h"

static struct http_request r;
static struct http_parser p;

static void begin(void)
{
    http_request_init(&r, 16384, 100);
    http_parser_start(&p, &r, 16384, 100);
}

static void end(void)
{
    http_request_deinit(&r);
}

TestSuite(http_parser, .init = begin, .fini = end);

static enum http_parse feed(const char *text, size_t *ret_used)
{
    return http_parser_feed(&p, text, strlen(text), ret_used);
}

static void expect_head(const char *text)
{
    size_t used;
    cr_assert_eq(feed(text, &used), HTTP_PARSE_HEAD, "%s", p.detail);
    cr_assert_eq(used, strlen(text));
}

static void expect_refusal(const char *text, enum http_fault fault)
{
    size_t used;
    enum http_parse outcome = feed(text, &used);
    if (outcome == HTTP_PARSE_HEAD)
        outcome = feed(text + used, &used);
    cr_assert_eq(outcome, HTTP_PARSE_BAD, "%s", text);
    cr_assert_eq(p.fault, fault, "%s: %s", text, p.detail);
    cr_assert_neq(p.detail[0], '\0');
}

Test(http_parser, stops_behind_the_head_and_behind_the_message)
{
    static const char text[] = "POST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\nabGET";
    size_t used, body;
    cr_assert_eq(feed(text, &used), HTTP_PARSE_HEAD);
    cr_assert_str_eq(text + used, "abGET");
    cr_assert_eq(feed(text + used, &body), HTTP_PARSE_DONE);
    cr_assert_eq(body, 2);
    cr_assert_str_eq(r.body.data, "ab");
    cr_assert_eq(r.method, HTTP_METHOD_POST);
    cr_assert_eq(r.content_length, 2);
    cr_assert(r.is_keep_alive);
}

Test(http_parser, gives_the_same_for_every_way_of_cutting)
{
    static const char text[] = "POST /a?b HTTP/1.1\r\nX-Unknown: value\r\nHost: here\r\n"
                               "If-Match: \"a\"\r\nIf-Match: \"b\"\r\nTransfer-Encoding: "
                               "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
        size_t at = 0, n_text = sizeof(text) - 1;
        enum http_parse last = HTTP_PARSE_MORE;
        http_request_reset(&r);
        http_parser_start(&p, &r, 16384, 100);
        while (last != HTTP_PARSE_DONE) {
            size_t used, n = at < cut ? cut - at : n_text - at;
            last = http_parser_feed(&p, text + at, n, &used);
            cr_assert_neq(last, HTTP_PARSE_BAD, "cut at %zu: %s", cut, p.detail);
            at += used;
        }
        cr_assert_eq(at, n_text);
        cr_assert_str_eq(r.head.data + r.target, "/a?b");
        cr_assert_str_eq(http_request_header(&r, HTTP_HEADER_HOST), "here");
        cr_assert_str_eq(http_request_header(&r, HTTP_HEADER_IF_MATCH), "\"a\", \"b\"");
        cr_assert_null(http_request_header(&r, HTTP_HEADER_ORIGIN));
        cr_assert_str_eq(r.body.data, "abc");
    }
}

Test(http_parser, notices_headers_that_may_stand_once)
{
    expect_head("GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n");
    cr_assert(r.has_repeated_header);
    cr_assert_str_eq(http_request_header(&r, HTTP_HEADER_HOST), "a");
}

Test(http_parser, keeps_empty_values)
{
    expect_head("GET / HTTP/1.1\r\nHost:\r\nOrigin: \r\nX-Request-Id:x\r\n\r\n");
    cr_assert_str_eq(http_request_header(&r, HTTP_HEADER_HOST), "");
    cr_assert_str_eq(http_request_header(&r, HTTP_HEADER_ORIGIN), "");
    cr_assert_str_eq(http_request_header(&r, HTTP_HEADER_X_REQUEST_ID), "x");
}

Test(http_parser, does_not_take_trailers_for_headers)
{
    size_t used;
    expect_head("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    cr_assert_eq(feed("0\r\nHost: evil\r\n\r\n", &used), HTTP_PARSE_DONE);
    cr_assert_null(http_request_header(&r, HTTP_HEADER_HOST));
    cr_assert_not(r.has_repeated_header);
}

Test(http_parser, says_when_a_connection_is_to_end)
{
    expect_head("GET / HTTP/1.0\r\n\r\n");
    cr_assert_not(r.is_keep_alive);
    cr_assert(r.is_http10);
}

Test(http_parser, refuses_by_what_is_wrong)
{
    static const struct {
        const char *text;
        enum http_fault fault;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", HTTP_FAULT_BAD_REQUEST},
        {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", HTTP_FAULT_BAD_REQUEST},
        {"GET / HTTP/1.1\nHost: a\n\n", HTTP_FAULT_VERSION},
        {"GET / HTTP/9.9\r\n\r\n", HTTP_FAULT_VERSION},
        {"GET / HTTP/2.0\r\n\r\n", HTTP_FAULT_VERSION},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HTTP_FAULT_VERSION},
        {"get / HTTP/1.1\r\n\r\n", HTTP_FAULT_METHOD_UNKNOWN},
        {"BREW / HTTP/1.1\r\n\r\n", HTTP_FAULT_METHOD_UNKNOWN},
        {"SETUP / HTTP/1.1\r\n\r\n", HTTP_FAULT_METHOD_UNKNOWN},
        {"\x16\x03\x01\r\n", HTTP_FAULT_BAD_REQUEST},
        {"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", HTTP_FAULT_BAD_REQUEST},
        {"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", HTTP_FAULT_BAD_REQUEST},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", HTTP_FAULT_BAD_REQUEST},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
         HTTP_FAULT_BAD_REQUEST},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        http_request_reset(&r);
        http_parser_start(&p, &r, 16384, 100);
        expect_refusal(rows[i].text, rows[i].fault);
    }
}
