/* SPDX-License-Identifier: MIT */
#include "api/exchange/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>
#include <uv.h>

#include "api/http/respond.h"
#include "base/text/json.h"
#include "base/text/str.h"

#define PROBLEM_JSON "application/problem+json; charset=utf-8"

/* A read without a tag of its own gets one from the bytes. Returns whether the client has them
 * already. */
static bool is_unchanged(struct api_exchange *x, int status, const char *type, const char *body,
                         size_t n)
{
    enum http_method method = x->http.request.method;
    unsigned char digest[16];
    char etag[2 * sizeof(digest) + 3];
    if (status != 200 || x->http.has_etag || strcmp(type, API_JSON) != 0 ||
        (method != HTTP_METHOD_GET && method != HTTP_METHOD_HEAD))
        return false;
    crypto_generichash(digest, sizeof(digest), (const unsigned char *)body, n, NULL, 0);
    etag[0] = '"';
    sodium_bin2hex(etag + 1, sizeof(etag) - 1, digest, sizeof(digest));
    memcpy(etag + sizeof(etag) - 2, "\"", 2);
    return api_exchange_matches(x, etag);
}

void api_respond_blob(struct api_exchange *x, int status, const char *type, struct blob *body)
{
    if (is_unchanged(x, status, type, body->data, body->len))
        status = 304;
    http_respond_blob(&x->http, status, type, body);
}

void api_respond_reply(struct api_exchange *x, int status, const char *type)
{
    if (is_unchanged(x, status, type, x->http.reply.data, x->http.reply.len))
        status = 304;
    http_respond_reply(&x->http, status, type);
}

void api_respond_doc(struct api_exchange *x, int status, const yyjson_mut_doc *doc)
{
    api_respond_blob(x, status, API_JSON, json_write_blob(doc));
}

void api_respond_empty(struct api_exchange *x, int status)
{
    http_respond_empty(&x->http, status);
}

void api_respond_problem(struct api_exchange *x, const struct api_problem *problem)
{
    if (problem->retry_ms)
        api_exchange_header_number(x, "Retry-After", (problem->retry_ms + 999) / 1000);
    else if (problem->status == 429 || problem->status == 503)
        api_exchange_header(x, "Retry-After", "1");
    buf_clear(&x->http.reply);
    api_problem_append(problem, http_exchange_id(&x->http), &x->http.reply);
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
        api_respond_code(x, API_DISK_FULL, "The database cannot grow (%s): %s.",
                         cache_sql_strerror(status), cache_sql_advice(status));
    else
        api_respond_code(x, API_STORE_UNAVAILABLE, "The database answered %s: %s.",
                         cache_sql_strerror(status), cache_sql_advice(status));
}
