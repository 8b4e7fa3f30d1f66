/* SPDX-License-Identifier: MIT */
#include "api/http/response.h"

#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/system/clock.h"

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *http_response_reason(int status)
{
    for (size_t i = 0; i < countof(reasons); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Status";
}

/* This runs for every request, so it copies pieces instead of formatting. */
static void put(struct buf *out, const char *s, size_t n)
{
    (void)buf_append(out, s, n);
}

#define put_text(out, literal) put(out, literal, sizeof(literal) - 1)

static void put_status(struct buf *out, int status)
{
    if (status == 200) {
        put_text(out, "HTTP/1.1 200 OK\r\nDate: ");
        return;
    }
    const char *reason = http_response_reason(status);
    put_text(out, "HTTP/1.1 ");
    (void)buf_append_u64(out, (uint64_t)status);
    put_text(out, " ");
    put(out, reason, strlen(reason));
    put_text(out, "\r\nDate: ");
}

static void put_length(struct buf *out, int64_t length)
{
    if (length >= 0) {
        put_text(out, "\r\nContent-Length: ");
        (void)buf_append_u64(out, (uint64_t)length);
    } else if (length == HTTP_LENGTH_CHUNKED) {
        put_text(out, "\r\nTransfer-Encoding: chunked");
    }
}

void http_response_append(const struct http_response *r, struct buf *out)
{
    (void)buf_reserve(out, 384 + r->lines->len);
    put_status(out, r->status);
    put(out, r->date, HTTP_DATE_SIZE - 1);
    if (r->type) {
        put_text(out, "\r\nContent-Type: ");
        put(out, r->type, strlen(r->type));
    }
    put_length(out, r->length);
    put_text(out, "\r\nX-Request-Id: ");
    put(out, r->request_id, strlen(r->request_id));
    put_text(out, "\r\n");
    if (r->lines->len)
        put(out, r->lines->data, r->lines->len);
    if (r->is_closing)
        put_text(out, "Connection: close\r\n\r\n");
    else if (r->is_http10)
        put_text(out, "Connection: keep-alive\r\n\r\n");
    else
        put_text(out, "\r\n");
}

void http_response_format_date(int64_t wall_ms, char out[HTTP_DATE_SIZE])
{
    static const char days[] = "ThuFriSatSunMonTueWed";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char iso[CLOCK_RFC3339_SIZE], text[64];
    clock_format(wall_ms, iso);
    int64_t day = wall_ms / 86400000;
    int month = (iso[5] - '0') * 10 + iso[6] - '0';
    snprintf(text, sizeof(text), "%.3s, %.2s %.3s %.4s %.8s GMT", days + day % 7 * 3, iso + 8,
             months + (month - 1) * 3, iso, iso + 11);
    memcpy(out, text, HTTP_DATE_SIZE - 1);
    out[HTTP_DATE_SIZE - 1] = '\0';
}
