/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include <yyjson.h>

#include "api/describe/event.h"
#include "api/describe/openapi.h"
#include "api/describe/schema.h"
#include "api/resources/routes.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
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
                                          [HTTP_METHOD_PUT] = "put",
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
        for (const struct api_route_query *const *q = route->query; q && *q; q++)
            cr_assert(declares(operation, "query", (*q)->name, strlen((*q)->name)), "%s",
                      (*q)->name);
    }
}

Test(api_openapi, describes_every_answer)
{
    for (size_t r = 0; r < api_n_routes; r++) {
        yyjson_val *responses = yyjson_obj_get(operation_of(&api_routes[r]), "responses");
        for (const struct api_route_answer *a = api_routes[r].answers; a->status; a++) {
            char status[12];
            snprintf(status, sizeof(status), "%d", a->status);
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
    yyjson_val *cpu = yyjson_obj_get(settings, "cpu");
    cr_assert_null(yyjson_obj_get(cpu, "enum"), "what an instance has is taken, too");
    cr_assert_eq(yyjson_get_int(yyjson_obj_get(cpu, "minimum")), 1);
    cr_assert_eq(yyjson_get_int(yyjson_arr_get_last(yyjson_obj_get(cpu, "examples"))), 8);
    cr_assert_str_eq(yyjson_get_str(yyjson_obj_get(cpu, "description")),
                     ldc_setting_table[LDC_SETTING_CPU].rule);
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
    api_notation_append_type(type, &out);
    cr_assert_str_eq(out.data, schema);
    buf_deinit(&out);
}

Test(api_openapi, reads_the_notation_of_types)
{
    expect_type("count", "{\"type\":\"integer\",\"minimum\":0}");
    expect_type("text?", "{\"type\":[\"string\",\"null\"]}");
    expect_type("1..5", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":5}");
    expect_type("=a", "{\"type\":\"string\",\"const\":\"a\"}");
    expect_type("=true", "{\"type\":\"boolean\",\"const\":true}");
    expect_type("a|b", "{\"type\":\"string\",\"enum\":[\"a\",\"b\"]}");
    expect_type("a|b?", "{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",\"b\",null]}");
    expect_type("Thing", "{\"$ref\":\"#/components/schemas/Thing\"}");
    expect_type("Thing?",
                "{\"anyOf\":[{\"$ref\":\"#/components/schemas/Thing\"},{\"type\":\"null\"}"
                "]}");
    expect_type("Thing|[text]", "{\"anyOf\":[{\"$ref\":\"#/components/schemas/Thing\"},{\"type\":"
                                "\"array\",\"items\":{\"type\":\"string\"}}]}");
    expect_type("[text]", "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}");
    expect_type("{text?}?", "{\"type\":[\"object\",\"null\"],\"additionalProperties\":{\"type\":["
                            "\"string\",\"null\"]}}");
    expect_type("<bool>", "{\"type\":\"object\",\"properties\":{\"from\":{\"type\":\"boolean\"},"
                          "\"to\":{\"type\":\"boolean\"}},\"required\":[\"from\",\"to\"]}");
    expect_type("{\"const\":1}", "{\"const\":1}");
}

Test(api_openapi, reads_the_notation_of_members)
{
    expect_type(
        "{a: [b|c], d?: {e: int}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\",\"items\":{\"type\":"
        "\"string\",\"enum\":[\"b\",\"c\"]}},\"d\":{\"type\":\"object\",\"properties\":{"
        "\"e\":{\"type\":\"integer\"}},\"required\":[\"e\"]}},\"required\":[\"a\"]}");
    expect_type("{...Progress}", "{\"type\":\"object\",\"properties\":{\"percent\":{\"type\":"
                                 "\"integer\",\"minimum\":0,\"maximum\":100},\"step\":{\"type\":["
                                 "\"string\",\"null\"]}},\"required\":[\"percent\",\"step\"]}");
    expect_type(
        "{...Progress?, a: text}",
        "{\"type\":\"object\",\"properties\":{\"percent\":{\"type\":\"integer\",\"minimum\":"
        "0,\"maximum\":100},\"step\":{\"type\":[\"string\",\"null\"]},\"a\":{\"type\":"
        "\"string\"}},\"required\":[\"a\"]}");
}

Test(api_openapi, says_by_which_member_operations_are_told_apart)
{
    yyjson_val *by = follow("#/components/schemas/Operation/discriminator");
    cr_assert_str_eq(yyjson_get_str(yyjson_obj_get(by, "propertyName")), "kind");
    yyjson_val *mapping = yyjson_obj_get(by, "mapping");
    cr_assert_eq(yyjson_obj_size(mapping), 10);
    cr_assert_str_eq(yyjson_get_str(yyjson_obj_get(mapping, "clone")),
                     "#/components/schemas/InstanceOperation");
    cr_assert_str_eq(yyjson_get_str(yyjson_obj_get(mapping, "remove")),
                     "#/components/schemas/RemoveOperation");
}

Test(api_openapi, has_a_schema_for_every_type_of_event)
{
    yyjson_val *mapping = follow("#/components/schemas/Event/discriminator/mapping");
    cr_assert_eq(yyjson_obj_size(mapping), api_n_event_types);
    for (size_t i = 0; i < api_n_event_types; i++) {
        const char *type = api_event_types[i].type;
        yyjson_val *schema = follow(yyjson_get_str(yyjson_obj_get(mapping, type)));
        yyjson_val *constant = yyjson_ptr_get(schema, "/properties/type/const");
        cr_assert_str_eq(yyjson_get_str(constant), type);
    }
}

/* Whether the schema of the body of ROUTE refuses an empty object. */
static bool needs_members(const struct api_route *route)
{
    char ref[100];
    snprintf(ref, sizeof(ref), "#/components/schemas/%s", route->body);
    yyjson_val *schema = follow(ref);
    return yyjson_arr_size(yyjson_obj_get(schema, "required")) > 0 ||
           yyjson_get_int(yyjson_obj_get(schema, "minProperties")) > 0;
}

Test(api_openapi, requires_the_bodies_that_have_required_members)
{
    for (size_t r = 0; r < api_n_routes; r++) {
        if (api_routes[r].body)
            cr_assert_eq(api_routes[r].is_body_required, needs_members(&api_routes[r]), "%s",
                         api_routes[r].id);
    }
}

Test(api_openapi, describes_the_headers_of_answers)
{
    for (size_t r = 0; r < api_n_routes; r++) {
        yyjson_val *responses = yyjson_obj_get(operation_of(&api_routes[r]), "responses");
        yyjson_val *answer = yyjson_obj_get(responses, "200");
        yyjson_val *headers = yyjson_obj_get(answer, "headers");
        bool has_tag = api_routes[r].condition == API_IF_NONE_MATCH;
        cr_assert(!answer || yyjson_obj_get(headers, "X-Request-Id"), "%s", api_routes[r].id);
        cr_assert_eq(has_tag, yyjson_obj_get(responses, "304") != NULL, "%s", api_routes[r].id);
        cr_assert(!has_tag || yyjson_obj_get(headers, "ETag"), "%s", api_routes[r].id);
        cr_assert_eq(api_routes[r].cacheable != NULL, yyjson_obj_get(headers, "X-Cache") != NULL);
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
