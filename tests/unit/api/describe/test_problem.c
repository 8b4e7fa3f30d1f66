/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include <yyjson.h>

#include "api/describe/problem.h"
#include "api/http/response.h"

static yyjson_doc *write(const struct api_problem *p)
{
    struct buf out;
    buf_init(&out, 0);
    api_problem_append(p, "req-1", &out);
    yyjson_doc *doc = yyjson_read(out.data, out.len, 0);
    cr_assert_not_null(doc, "%s", out.data);
    buf_deinit(&out);
    return doc;
}

static yyjson_val *get(yyjson_doc *doc, const char *name)
{
    return yyjson_obj_get(yyjson_doc_get_root(doc), name);
}

Test(api_problem, has_a_complete_row_for_every_code)
{
    for (int i = 0; i < API_CODE_COUNT; i++) {
        const struct api_problem_row *row = &api_problem_table[i];
        cr_assert_not_null(row->code, "row %d", i);
        cr_assert_not_null(row->title, "%s", row->code);
        cr_assert(row->status >= 400 && row->status <= 599, "%s", row->code);
        cr_assert_str_neq(http_response_reason(row->status), "Status", "%s", row->code);
        cr_assert_eq(strspn(row->code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), strlen(row->code));
        for (int k = 0; k < i; k++)
            cr_assert_str_neq(api_problem_table[k].code, row->code);
    }
}

Test(api_problem, writes_the_document_of_the_contract)
{
    struct api_problem p;
    api_problem_init(&p, API_BREAKER_OPEN, "say \"no\"\n");
    p.retry_ms = 1500;
    yyjson_doc *doc = write(&p);
    cr_assert_str_eq(yyjson_get_str(get(doc, "code")), "BREAKER_OPEN");
    cr_assert_str_eq(yyjson_get_str(get(doc, "detail")), "say \"no\"\n");
    cr_assert_str_eq(yyjson_get_str(get(doc, "request_id")), "req-1");
    cr_assert_str_eq(yyjson_get_str(get(doc, "type")), "/api/docs#BREAKER_OPEN");
    cr_assert_eq(yyjson_get_int(get(doc, "status")), 503);
    cr_assert_eq(yyjson_get_int(get(doc, "retry_after_ms")), 1500);
    cr_assert(yyjson_is_true(get(doc, "retryable")));
    cr_assert_not_null(yyjson_get_str(get(doc, "title")));
    cr_assert_null(get(doc, "errors"));
    yyjson_doc_free(doc);
}

Test(api_problem, leaves_out_a_time_that_is_not_known)
{
    struct api_problem p;
    api_problem_init(&p, API_NOT_FOUND, "no");
    yyjson_doc *doc = write(&p);
    cr_assert_null(get(doc, "retry_after_ms"));
    cr_assert(yyjson_is_false(get(doc, "retryable")));
    yyjson_doc_free(doc);
}

Test(api_problem, lists_the_refused_fields_and_counts_the_rest)
{
    struct api_field_errors errors = {0};
    for (int i = 0; i < API_MAX_FIELD_ERRORS + 3; i++)
        api_field_errors_add(&errors, "settings.cpu", "must be %d", i);
    cr_assert_eq(errors.n_all, API_MAX_FIELD_ERRORS + 3);
    struct api_problem p;
    api_problem_init(&p, API_VALIDATION_FAILED, "no");
    p.errors = &errors;
    yyjson_doc *doc = write(&p);
    yyjson_val *list = get(doc, "errors");
    cr_assert_eq(yyjson_arr_size(list), API_MAX_FIELD_ERRORS);
    yyjson_val *second = yyjson_arr_get(list, 1);
    cr_assert_str_eq(yyjson_get_str(yyjson_obj_get(second, "field")), "settings.cpu");
    cr_assert_str_eq(yyjson_get_str(yyjson_obj_get(second, "rule")), "must be 1");
    yyjson_doc_free(doc);
}

Test(api_problem, cuts_long_names_between_characters)
{
    char name[300];
    for (size_t i = 0; i < 99; i++)
        memcpy(name + 3 * i, "雷", 4);
    struct api_field_errors errors = {0};
    api_field_errors_add(&errors, name, "is unknown");
    struct api_problem p;
    api_problem_init(&p, API_VALIDATION_FAILED, "no");
    p.errors = &errors;
    yyjson_doc *doc = write(&p);
    cr_assert_eq(yyjson_arr_size(get(doc, "errors")), 1);
    yyjson_doc_free(doc);
}

Test(api_problem, knows_codes_of_other_layers_by_their_status)
{
    struct api_problem p;
    api_problem_foreign(&p, 504, "LDCONSOLE_TIMED_OUT", "late");
    cr_assert_str_eq(p.title, api_problem_table[API_LDCONSOLE_TIMED_OUT].title);
    api_problem_foreign(&p, 409, "SOMETHING_NEW", "no");
    cr_assert_str_eq(p.title, "Conflict");
    cr_assert_not(p.is_retryable);
    api_problem_foreign(&p, 503, "SOMETHING_NEW", "no");
    cr_assert(p.is_retryable);
}
