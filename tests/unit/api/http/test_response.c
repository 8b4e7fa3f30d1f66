/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "api/http/response.h"

static void expect(struct http_response *r, const char *text)
{
    struct buf out, lines = {0};
    buf_init(&out, 0);
    if (!r->lines)
        r->lines = &lines;
    r->date = "Fri, 20 Nov 2026 14:28:00 GMT";
    r->request_id = "id";
    http_response_append(r, &out);
    cr_assert_str_eq(out.data, text);
    buf_deinit(&out);
}

Test(http_response, writes_a_head)
{
    struct http_response r = {.status = 200, .type = "application/json", .length = 12};
    expect(&r, "HTTP/1.1 200 OK\r\nDate: Fri, 20 Nov 2026 14:28:00 GMT\r\n"
               "Content-Type: application/json\r\nContent-Length: 12\r\nX-Request-Id: id\r\n\r\n");
}

Test(http_response, writes_other_statuses_and_headers)
{
    struct buf lines;
    buf_init(&lines, 0);
    (void)buf_append_str(&lines, "Allow: GET\r\n");
    struct http_response r = {
        .status = 204, .length = HTTP_LENGTH_NONE, .lines = &lines, .is_closing = true};
    expect(&r, "HTTP/1.1 204 No Content\r\nDate: Fri, 20 Nov 2026 14:28:00 GMT\r\n"
               "X-Request-Id: id\r\nAllow: GET\r\nConnection: close\r\n\r\n");
    buf_deinit(&lines);
}

Test(http_response, says_how_a_stream_ends)
{
    struct http_response r = {.status = 200, .type = "t", .length = HTTP_LENGTH_CHUNKED};
    expect(&r, "HTTP/1.1 200 OK\r\nDate: Fri, 20 Nov 2026 14:28:00 GMT\r\nContent-Type: t\r\n"
               "Transfer-Encoding: chunked\r\nX-Request-Id: id\r\n\r\n");
    r.length = HTTP_LENGTH_CLOSE;
    r.is_closing = true;
    expect(&r, "HTTP/1.1 200 OK\r\nDate: Fri, 20 Nov 2026 14:28:00 GMT\r\nContent-Type: t\r\n"
               "X-Request-Id: id\r\nConnection: close\r\n\r\n");
}

Test(http_response, says_that_an_old_connection_stays)
{
    struct http_response r = {.status = 200, .type = "t", .length = 0, .is_http10 = true};
    expect(&r, "HTTP/1.1 200 OK\r\nDate: Fri, 20 Nov 2026 14:28:00 GMT\r\nContent-Type: t\r\n"
               "Content-Length: 0\r\nX-Request-Id: id\r\nConnection: keep-alive\r\n\r\n");
}

Test(http_response, formats_dates)
{
    char date[HTTP_DATE_SIZE];
    http_response_format_date(0, date);
    cr_assert_str_eq(date, "Thu, 01 Jan 1970 00:00:00 GMT");
    http_response_format_date(784111777999, date);
    cr_assert_str_eq(date, "Sun, 06 Nov 1994 08:49:37 GMT");
    http_response_format_date(1709164800000, date);
    cr_assert_str_eq(date, "Thu, 29 Feb 2024 00:00:00 GMT");
}
