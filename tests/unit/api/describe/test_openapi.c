/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include <yyjson.h>

#include "api/describe/openapi.h"
#include "api/resources/routes.h"
#include "api/describe/schema.h"
#include "base/memory/cleanup.h"
#include "base/system/fs.h"
#include "base/memory/mem.h"
#include "ldconsole/verbs/settings.h"

static yyjson_doc *doc;
static yyjson_val *root;

static void begin(void)
{
    struct buf text;
    buf_init(&text, 0);
    api_openapi_append(api_routes, api_n_routes, "1.2.3", &text);
    yyjson_read_err err;
    doc = yyjson_read_opts(text.data, text.len, 0, NULL, &err);
    cr_assert_not_null(doc, "%s at %zu: %.60s", err.msg, err.pos, text.data + err.pos);
    root = yyjson_doc_get_root(doc);
    buf_deinit(&text);
}

static void end(void)
{
    yyjson_doc_free(doc);
}

TestSuite(api_openapi, .init = begin, .fini = end);

static const char *const method_keys[] = {[HTTP_METHOD_GET] = "get",
                                          [HTTP_METHOD_POST] = "post",
                                          [HTTP_METHOD_PATCH] = "patch",
                                          [HTTP_METHOD_DELETE] = "delete"};

static yyjson_val *operation_of(const struct api_route *route)
{
    yyjson_val *path = yyjson_obj_get(yyjson_obj_get(root, "paths"), route->path);
    return yyjson_obj_get(path, method_keys[route->method]);
}

/* Whether OPERATION declares the parameter NAME that stands IN a place. */
static bool declares(yyjson_val *operation, const char *in, const char *name, size_t n)
{
    size_t i, max;
    yyjson_val *p;
    yyjson_arr_foreach(yyjson_obj_get(operation, "parameters"), i, max, p) {
        const char *is = yyjson_get_str(yyjson_obj_get(p, "name"));
        if (yyjson_equals_str(yyjson_obj_get(p, "in"), in) && strlen(is) == n &&
            strncmp(is, name, n) == 0)
            return true;
    }
    return false;
}

Test(api_openapi, says_what_it_is)
{
    cr_assert_str_eq(yyjson_get_str(yyjson_obj_get(root, "openapi")), "3.1.0");
    yyjson_val *info = yyjson_obj_get(root, "info");
    cr_assert_str_eq(yyjson_get_str(yyjson_obj_get(info, "version")), "1.2.3");
}

Test(api_openapi, has_every_route_and_no_other)
{
    size_t n = 0, i, max, k, max_k;
    yyjson_val *key, *path, *method, *operation;
    for (size_t r = 0; r < api_n_routes; r++) {
        yyjson_val *found = operation_of(&api_routes[r]);
        cr_assert_not_null(found, "%s", api_routes[r].path);
        cr_assert_str_eq(yyjson_get_str(yyjson_obj_get(found, "operationId")), api_routes[r].id);
    }
    yyjson_obj_foreach(yyjson_obj_get(root, "paths"), i, max, key, path) {
        yyjson_obj_foreach(path, k, max_k, method, operation)
            n++;
    }
    cr_assert_eq(n, api_n_routes);
}

Test(api_openapi, declares_every_parameter)
{
    for (size_t r = 0; r < api_n_routes; r++) {
        const struct api_route *route = &api_routes[r];
        yyjson_val *operation = operation_of(route);
        for (const char *p = strchr(route->path, '{'); p; p = strchr(p + 1, '{'))
            cr_assert(declares(operation, "path", p + 1, strcspn(p + 1, "}")), "%s", route->path);
        for (const struct api_route_query *q = route->query; q && q->name; q++)
            cr_assert(declares(operation, "query", q->name, strlen(q->name)), "%s", q->name);
    }
}

Test(api_openapi, describes_every_answer)
{
    for (size_t r = 0; r < api_n_routes; r++) {
        yyjson_val *responses = yyjson_obj_get(operation_of(&api_routes[r]), "responses");
        for (size_t i = 0; i < API_ROUTE_MAX_ANSWERS && api_routes[r].answers[i].status; i++) {
            char status[12];
            snprintf(status, sizeof(status), "%d", api_routes[r].answers[i].status);
            yyjson_val *answer = yyjson_obj_get(responses, status);
            cr_assert_not_null(yyjson_obj_get(answer, "description"), "%s %s", api_routes[r].path,
                               status);
        }
        cr_assert_not_null(yyjson_obj_get(responses, "default"));
    }
}

/* Follows "#/a/b" from the root. */
static yyjson_val *follow(const char *ref)
{
    char pointer[200];
    cr_assert_eq(strncmp(ref, "#/", 2), 0, "%s", ref);
    snprintf(pointer, sizeof(pointer), "%s", ref + 1);
    return yyjson_ptr_get(root, pointer);
}

static unsigned check_refs(yyjson_val *value)
{
    size_t i, max;
    yyjson_val *key, *child;
    unsigned n = 0;
    if (yyjson_is_arr(value)) {
        yyjson_arr_foreach(value, i, max, child)
            n += check_refs(child);
    }
    if (yyjson_is_obj(value)) {
        yyjson_obj_foreach(value, i, max, key, child) {
            if (yyjson_equals_str(key, "$ref")) {
                cr_assert_not_null(follow(yyjson_get_str(child)), "%s", yyjson_get_str(child));
                n++;
            }
            n += check_refs(child);
        }
    }
    return n;
}

Test(api_openapi, resolves_every_reference)
{
    cr_assert_gt(check_refs(root), 100);
}

Test(api_openapi, takes_the_settings_from_the_table_that_checks_them)
{
    yyjson_val *settings = follow("#/components/schemas/Settings/properties");
    cr_assert_eq(yyjson_obj_size(settings), LDC_SETTING_COUNT);
    yyjson_val *cpu = yyjson_obj_get(yyjson_obj_get(settings, "cpu"), "enum");
    cr_assert_eq(yyjson_arr_size(cpu), 4);
    cr_assert_eq(yyjson_get_int(yyjson_arr_get_last(cpu)), 4);
    yyjson_val *mac = yyjson_obj_get(settings, "mac");
    cr_assert_str_eq(yyjson_get_str(yyjson_obj_get(mac, "pattern")), "^(auto|[0-9a-fA-F]{12})$");
}

Test(api_openapi, names_the_role_and_the_security_of_a_route)
{
    for (size_t r = 0; r < api_n_routes; r++) {
        yyjson_val *operation = operation_of(&api_routes[r]);
        bool is_open = api_routes[r].role == CACHE_ROLE_NONE;
        cr_assert_eq(yyjson_arr_size(yyjson_obj_get(operation, "security")), is_open ? 0 : 1);
        cr_assert_not_null(yyjson_get_str(yyjson_obj_get(operation, "x-role")));
    }
}

static void expect_type(const char *type, const char *schema)
{
    struct buf out;
    buf_init(&out, 0);
    api_schema_append_type(type, &out);
    cr_assert_str_eq(out.data, schema);
    buf_deinit(&out);
}

Test(api_openapi, reads_the_notation_of_types)
{
    expect_type("count", "{\"type\":\"integer\",\"minimum\":0}");
    expect_type("1..5", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":5}");
    expect_type("a|b", "{\"enum\":[\"a\",\"b\"]}");
    expect_type("a|b?", "{\"enum\":[\"a\",\"b\",null]}");
    expect_type("Thing", "{\"$ref\":\"#/components/schemas/Thing\"}");
    expect_type("[text]", "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}");
    expect_type("{text?}", "{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[{\"type\":"
                           "\"string\"},{\"type\":\"null\"}]}}");
    expect_type("{\"const\":1}", "{\"const\":1}");
}

/* A name, or one in brackets for a list. */
static bool is_schema(const char *type)
{
    size_t n = strlen(type);
    if (type[0] == '[' && type[n - 1] == ']') {
        type++;
        n -= 2;
    }
    for (size_t i = 0; i < api_schema_count(); i++) {
        if (strlen(api_schema_name(i)) == n && strncmp(api_schema_name(i), type, n) == 0)
            return true;
    }
    return false;
}

Test(api_openapi, knows_every_schema_that_a_route_names)
{
    for (size_t r = 0; r < api_n_routes; r++) {
        cr_assert(!api_routes[r].body || is_schema(api_routes[r].body));
        for (size_t i = 0; i < API_ROUTE_MAX_ANSWERS && api_routes[r].answers[i].status; i++) {
            const char *schema = api_routes[r].answers[i].schema;
            cr_assert(!schema || is_schema(schema), "%s", schema);
        }
    }
}

Test(api_openapi, writes_a_section_for_every_route)
{
    struct buf text;
    buf_init(&text, 0);
    api_routes_markdown(&text);
    for (size_t r = 0; r < api_n_routes; r++) {
        char anchor[80];
        snprintf(anchor, sizeof(anchor), "<a id=\"%s\"></a>", api_routes[r].id);
        cr_assert_not_null(strstr(text.data, anchor), "%s", anchor);
    }
    cr_assert_not_null(strstr(text.data, "## POST /api/instances/{ref}/start\n\nStart an instance. "
                                         "Role: operator."));
    buf_deinit(&text);
}

Test(api_openapi, renders_a_page_to_read)
{
    struct buf text;
    buf_init(&text, 0);
    api_docs_append(api_routes, api_n_routes, "<1&2>", &text);
    cr_assert_not_null(strstr(text.data, "&lt;1&amp;2>"));
    cr_assert_null(strstr(text.data, "<script"));
    for (size_t r = 0; r < api_n_routes; r++)
        cr_assert_not_null(strstr(text.data, api_routes[r].path), "%s", api_routes[r].path);
    cr_assert_not_null(strstr(text.data, "id=\"BREAKER_OPEN\""));
    buf_deinit(&text);
}
