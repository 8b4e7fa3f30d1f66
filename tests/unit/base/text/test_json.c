/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include <uv.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/json.h"
#include "base/text/str.h"

static void assert_refused(const char *text, size_t n, const char *part)
{
    yyjson_doc *doc = NULL;
    const char *error = NULL;
    cr_assert_eq(json_parse(text, n, &doc, &error), UV_EINVAL, "%.60s", text);
    cr_assert_not_null(error);
    cr_assert(strstr(error, part), "\"%s\" should mention \"%s\"", error, part);
    cr_assert(str_is_utf8(error, strlen(error)), "the sentence goes into a document");
}

Test(json, parses_what_is_right)
{
    static const char text[] = "{\"a\": [1, {\"b\": null}], \"c\": \"\\u96f7\"}";
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    const char *error;
    cr_assert_eq(json_parse(text, strlen(text), &doc, &error), 0);
    cr_assert_str_eq(yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), "c")), "\xe9\x9b\xb7");
}

Test(json, refuses_broken_text_and_says_where)
{
    static const char *const bad[] = {"",      "{",        "{\"a\":1,}",    "{\"a\":1} x", "{a:1}",
                                      "[1 2]", "\"\xff\"", "{\"a\":1e999}", "/**/1",       "NaN"};
    for (size_t i = 0; i < countof(bad); i++)
        assert_refused(bad[i], strlen(bad[i]), i ? "at byte" : "");
}

static size_t nested(char *text, int depth)
{
    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    return (size_t)depth * 2;
}

Test(json, refuses_more_levels_than_the_limit)
{
    char text[100000];
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    const char *error;
    cr_assert_eq(json_parse(text, nested(text, JSON_MAX_DEPTH), &doc, &error), 0);
    assert_refused(text, nested(text, JSON_MAX_DEPTH + 1), "nested deeper");
    assert_refused(text, nested(text, 40000), "nested deeper");
}

static char *object_with_keys(int n)
{
    struct buf text;
    buf_init(&text, 0);
    for (int i = 0; i < n; i++)
        (void)buf_printf(&text, "%s\"k%d\":%d", i ? "," : "{", i, i);
    (void)buf_append_str(&text, "}");
    return buf_take(&text, NULL);
}

Test(json, refuses_more_keys_than_the_limit)
{
    char *most cleanup(mem_freep) = object_with_keys(JSON_MAX_KEYS);
    char *more cleanup(mem_freep) = object_with_keys(JSON_MAX_KEYS + 1);
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    const char *error;
    cr_assert_eq(json_parse(most, strlen(most), &doc, &error), 0);
    assert_refused(more, strlen(more), "keys");
}

Test(json, refuses_a_repeated_key_and_names_it)
{
    static const char flat[] = "{\"name\":1,\"x\":2,\"name\":3}";
    static const char deep[] = "[{\"a\":{\"b\":1,\"b\":1}}]";
    static const char escaped[] = "{\"name\":1,\"\\u006eame\":3}";
    assert_refused(flat, strlen(flat), "\"name\"");
    assert_refused(deep, strlen(deep), "\"b\"");
    assert_refused(escaped, strlen(escaped), "\"name\"");
}

Test(json, cuts_a_long_repeated_key_at_a_character)
{
    struct buf text cleanup(buf_deinit);
    buf_init(&text, 0);
    (void)buf_append_str(&text, "{\"a");
    for (int i = 0; i < 40; i++)
        (void)buf_append_str(&text, "\xe9\x9b\xb7");
    size_t n = text.len;
    (void)buf_append_str(&text, "\":1,");
    char *key cleanup(mem_freep) = mem_strndup(text.data + 1, n - 1);
    (void)buf_printf(&text, "%s\":2}", key);
    assert_refused(text.data, text.len, "stands twice");
}

Test(json, writes_strings_that_read_back_the_same)
{
    static const char text[] = "a\"b\\c\n\t\x01\x7f \xe9\x9b\xb7 \xf0\x9f\x98\x80";
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    json_append_str(&out, text);
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    const char *error;
    cr_assert_eq(json_parse(out.data, out.len, &doc, &error), 0, "%s", out.data);
    cr_assert_str_eq(yyjson_get_str(yyjson_doc_get_root(doc)), text);
}

Test(json, adds_null_for_what_is_not_there)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    json_add_str(doc, root, "s", NULL);
    json_add_str(doc, root, "t", "x");
    json_add_time(doc, root, "u", 0);
    json_add_time(doc, root, "v", 1);
    json_add_raw(doc, root, "w", NULL);
    json_add_raw(doc, root, "x", "[1]");
    char *text cleanup(mem_freep) = json_write(doc);
    cr_assert_str_eq(text, "{\"s\":null,\"t\":\"x\",\"u\":null,\"v\":\"1970-01-01T00:00:00.001Z\","
                           "\"w\":null,\"x\":[1]}");
    struct blob *blob cleanup(blob_unrefp) = json_write_blob(doc);
    cr_assert_eq(blob->len, strlen(text));
    cr_assert_arr_eq(blob->data, text, blob->len);
}

Test(json, makes_no_invalid_document_of_text_that_is_no_utf8)
{
    static const char text[] = "\xe9\x9b\xb7 \xc0\xd7 \xe9\x9b";
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    json_append_str(&out, text);
    cr_assert_str_eq(out.data, "\"\xe9\x9b\xb7 ?? ??\"");

    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    json_add_str(doc, root, "s", text);
    char *written cleanup(mem_freep) = json_write(doc);
    cr_assert_str_eq(written, "{\"s\":\"\xe9\x9b\xb7 ?? ??\"}");
}
