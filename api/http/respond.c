/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "api/access/audit.h"
#include "api/http/conn.h"
#include "api/http/exchange.h"
#include "api/http/response.h"
#include "api/http/server_state.h"
#include "base/text/json.h"
#include "base/text/str.h"

enum { SMALL_BODY = 4096 };

#define PROBLEM_JSON "application/problem+json; charset=utf-8"

static void count(struct api_exchange *x, int status)
{
    x->server->stats.n_requests[status / 100]++;
}

/* Reads without a tag of their own get one from the bytes. */
static bool is_unchanged(struct api_exchange *x, const char *body, size_t n)
{
    unsigned char digest[16];
    char etag[2 * sizeof(digest) + 3];
    crypto_generichash(digest, sizeof(digest), (const unsigned char *)body, n, NULL, 0);
    etag[0] = '"';
    sodium_bin2hex(etag + 1, sizeof(etag) - 1, digest, sizeof(digest));
    memcpy(etag + sizeof(etag) - 2, "\"", 2);
    return api_exchange_matches(x, etag);
}

static bool needs_etag(const struct api_exchange *x, int status, const char *type)
{
    enum api_method method = x->request.method;
    return status == 200 && !x->has_etag && type && strcmp(type, API_JSON) == 0 &&
           (method == API_METHOD_GET || method == API_METHOD_HEAD);
}

static void send_answer(struct api_exchange *x, int status, const char *type, const char *body,
                        size_t n)
{
    if (needs_etag(x, status, type) && is_unchanged(x, body, n)) {
        status = 304;
        type = NULL;
        n = 0;
    }
    if (!x->request_id[0])
        api_exchange_name(x);
    count(x, status);
    api_audit(x, status);
    x->on_time = x->on_gone = NULL;
    if (!x->conn) {
        api_exchange_release(x);
        return;
    }
    bool has_body = status != 204 && status != 304;
    struct api_response head = {
        .status = status,
        .type = type,
        .length = has_body ? (int64_t)n : API_LENGTH_NONE,
        .date = api_server_date(x->server),
        .request_id = x->request_id,
        .lines = &x->lines,
        .is_closing = api_conn_is_last(x->conn),
        .is_http10 = x->request.is_http10,
    };
    api_response_append(&head, &x->out);
    if (x->request.method == API_METHOD_HEAD)
        n = 0;
    /* One short piece costs the kernel less than two. */
    if (n > 0 && n <= SMALL_BODY) {
        (void)buf_append(&x->out, body, n);
        n = 0;
    }
    api_conn_send(x->conn, uv_buf_init(x->out.data, (unsigned)x->out.len),
                  uv_buf_init((char *)body, (unsigned)n));
}

void api_respond_blob(struct api_exchange *x, int status, const char *type, struct blob *body)
{
    x->blob = body;
    send_answer(x, status, type, body->data, body->len);
}

void api_respond_reply(struct api_exchange *x, int status, const char *type)
{
    send_answer(x, status, type, x->reply.data, x->reply.len);
}

void api_respond_doc(struct api_exchange *x, int status, const yyjson_mut_doc *doc)
{
    api_respond_blob(x, status, API_JSON, json_write_blob(doc));
}

void api_respond_empty(struct api_exchange *x, int status)
{
    send_answer(x, status, NULL, NULL, 0);
}

void api_respond_problem(struct api_exchange *x, const struct api_problem *problem)
{
    if (!x->request_id[0])
        api_exchange_name(x);
    if (problem->retry_ms)
        api_exchange_header_number(x, "Retry-After", (problem->retry_ms + 999) / 1000);
    else if (problem->status == 429 || problem->status == 503)
        api_exchange_header(x, "Retry-After", "1");
    buf_clear(&x->reply);
    api_problem_append(problem, x->request_id, &x->reply);
    api_respond_reply(x, problem->status, PROBLEM_JSON);
}

void api_respond_code(struct api_exchange *x, enum api_code code, const char *fmt, ...)
{
    /* The larger buffer takes the text, the copy cuts it between characters. */
    char text[1024], detail[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    str_copy(detail, sizeof(detail), text);
    struct api_problem problem;
    api_problem_init(&problem, code, detail);
    api_respond_problem(x, &problem);
}

void api_respond_errors(struct api_exchange *x, const struct api_field_errors *errors)
{
    char detail[320];
    const struct api_field_error *first = &errors->items[0];
    snprintf(detail, sizeof(detail), "%s: %s%s", first->field, first->rule,
             errors->n_all > 1 ? " (and more, see errors)" : "");
    struct api_problem problem;
    api_problem_init(&problem, API_VALIDATION_FAILED, detail);
    problem.errors = errors;
    api_respond_problem(x, &problem);
}

void api_respond_field(struct api_exchange *x, const char *field, const char *fmt, ...)
{
    char rule[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(rule, sizeof(rule), fmt, args);
    va_end(args);
    struct api_field_errors errors = {0};
    api_field_errors_add(&errors, field, "%s", rule);
    api_respond_errors(x, &errors);
}

void api_respond_store_error(struct api_exchange *x, int status)
{
    if (status == UV_ENOSPC)
        api_respond_code(x, API_DISK_FULL, "The database cannot grow: %s.", uv_strerror(status));
    else
        api_respond_code(x, API_STORE_UNAVAILABLE, "The database answered: %s.",
                         uv_strerror(status));
}
