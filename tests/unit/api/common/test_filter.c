/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "api/common/filter.h"
#include "base/memory/mem.h"

static struct http_request r;
static struct api_filter filter;
static struct api_field_errors errors;
static struct cache_instance instance;

static void begin(void)
{
    http_request_init(&r, 16384, 100);
    cache_instance_init(&instance);
    strcpy(instance.name, "one");
    strcpy(instance.group, "blue");
    instance.state = CACHE_STATE_RUNNING;
    mem_free(instance.labels);
    instance.labels = mem_strdup("{\"env\":\"prod\",\"a=b\":\"c\",\"empty\":\"\"}");
}

static void end(void)
{
    http_request_deinit(&r);
    cache_instance_deinit(&instance);
}

TestSuite(api_filter, .init = begin, .fini = end);

static void read_query(const char *query)
{
    const char *why;
    http_request_reset(&r);
    errors = (struct api_field_errors){0};
    (void)buf_append_str(&r.head, "/x?");
    (void)buf_append(&r.head, query, strlen(query) + 1);
    cr_assert_eq(http_request_parse_target(&r, &why), 0);
    api_filter_from_query(&r, &filter, &errors);
}

static bool matches(const char *query)
{
    read_query(query);
    cr_assert_eq(errors.n_all, 0, "%s", query);
    return api_filter_matches(&filter, &instance);
}

Test(api_filter, without_conditions_matches_everything)
{
    cr_assert(matches(""));
    cr_assert(matches("limit=5"));
}

Test(api_filter, states)
{
    cr_assert(matches("state=running"));
    cr_assert(matches("state=stopped,running"));
    cr_assert(matches("state=stopped&state=running"));
    cr_assert_not(matches("state=stopped"));
}

Test(api_filter, names_and_groups_are_exact)
{
    cr_assert(matches("name=one"));
    cr_assert_not(matches("name=on"));
    cr_assert(matches("group=blue"));
    cr_assert_not(matches("group="));
    instance.group[0] = '\0';
    cr_assert(matches("group="));
}

Test(api_filter, labels)
{
    cr_assert(matches("label=env"));
    cr_assert(matches("label=env=prod"));
    cr_assert_not(matches("label=env=test"));
    cr_assert_not(matches("label=other"));
    cr_assert(matches("label=empty="));
    cr_assert_not(matches("label=env="));
    cr_assert_not(matches("label=env&label=other"));
}

Test(api_filter, conditions_hold_together)
{
    cr_assert(matches("state=running&name=one&group=blue&label=env"));
    cr_assert_not(matches("state=running&name=two&group=blue&label=env"));
}

Test(api_filter, refuses_what_it_does_not_know)
{
    static const char *const queries[] = {"state=flying", "state=", "state=running,,",
                                          "label=", "label==x"};
    for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
        read_query(queries[i]);
        cr_assert_gt(errors.n_all, 0, "%s", queries[i]);
    }
}

static bool selects(const char *json)
{
    yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
    errors = (struct api_field_errors){0};
    api_filter_from_json(yyjson_doc_get_root(doc), &filter, &errors);
    bool is_match = api_filter_matches(&filter, &instance);
    yyjson_doc_free(doc);
    return is_match && errors.n_all == 0;
}

Test(api_filter, reads_a_selection)
{
    cr_assert(selects("{\"state\":\"running\"}"));
    cr_assert(selects("{\"state\":[\"stopped\",\"running\"],\"group\":\"blue\"}"));
    cr_assert_not(selects("{\"state\":[\"stopped\"]}"));
    cr_assert(selects("{\"labels\":{\"env\":\"prod\",\"empty\":null}}"));
    cr_assert_not(selects("{\"labels\":{\"env\":\"test\"}}"));
    cr_assert(selects("{\"labels\":{\"a=b\":\"c\"}}"));
}

Test(api_filter, refuses_selections_that_say_nothing)
{
    static const char *const texts[] = {"{\"state\":[]}",    "{\"state\":5}",
                                        "{\"state\":\"x\"}", "{\"group\":\"\"}",
                                        "{\"labels\":{}}",   "{\"labels\":{\"a\":5}}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        (void)selects(texts[i]);
        cr_assert_gt(errors.n_all, 0, "%s", texts[i]);
    }
}
