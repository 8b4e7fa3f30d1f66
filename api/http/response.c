/* SPDX-License-Identifier: MIT */
#include "api/http/response.h"

#include <stdio.h>
#include <string.h>

#include "api/describe/problem.h"
#include "base/system/clock.h"

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
    const char *reason = api_status_reason(status);
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
    } else if (length == API_LENGTH_CHUNKED) {
        put_text(out, "\r\nTransfer-Encoding: chunked");
    }
}

void api_response_append(const struct api_response *r, struct buf *out)
{
    (void)buf_reserve(out, 384 + r->lines->len);
    put_status(out, r->status);
    put(out, r->date, API_DATE_SIZE - 1);
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

void api_response_format_date(int64_t wall_ms, char out[API_DATE_SIZE])
{
    static const char days[] = "ThuFriSatSunMonTueWed";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char iso[CLOCK_RFC3339_SIZE], text[64];
    clock_format(wall_ms, iso);
    int64_t day = wall_ms / 86400000;
    int month = (iso[5] - '0') * 10 + iso[6] - '0';
    snprintf(text, sizeof(text), "%.3s, %.2s %.3s %.4s %.8s GMT", days + day % 7 * 3, iso + 8,
             months + (month - 1) * 3, iso, iso + 11);
    memcpy(out, text, API_DATE_SIZE - 1);
    out[API_DATE_SIZE - 1] = '\0';
}
