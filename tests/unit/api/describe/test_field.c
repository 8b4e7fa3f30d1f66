/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "api/describe/field.h"

static struct api_command command;
static struct api_field_errors errors;
static yyjson_doc *doc;

static void begin(void)
{
    api_command_init(&command);
    errors = (struct api_field_errors){0};
}

static void end(void)
{
    api_command_deinit(&command);
    yyjson_doc_free(doc);
    doc = NULL;
}

TestSuite(api_field, .init = begin, .fini = end);

/* Reads JSON, in which single quotes stand for double ones. */
static void read_body(const struct api_field *fields, const char *json, bool has_guest)
{
    char text[4096];
    struct api_field_reader reader = {"", &errors, has_guest, NULL};
    snprintf(text, sizeof(text), "%s", json);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    end();
    begin();
    doc = yyjson_read(text, strlen(text), 0);
    cr_assert_not_null(doc, "%s", text);
    api_command_read(&reader, fields, yyjson_doc_get_root(doc), &command);
}

static void expect_error(const struct api_field *fields, const char *json, const char *field,
                         const char *word)
{
    read_body(fields, json, false);
    cr_assert_eq(errors.n_all, 1, "%s: %zu errors", json, errors.n_all);
    cr_assert_str_eq(errors.items[0].field, field);
    cr_assert_not_null(strstr(errors.items[0].rule, word), "%s", errors.items[0].rule);
}

Test(api_field, reads_everything_a_change_may_say)
{
    read_body(
        api_fields_change,
        "{'name':'雷, two','settings':{'cpu':2,'root':true},'resolution':{'width':1,'height':2,"
        "'dpi':3},'desired_state':'running','labels':{'a/b':'c'},'group':'g','timeout_s':5}",
        false);
    cr_assert_eq(errors.n_all, 0, "%s", errors.items[0].field);
    cr_assert_str_eq(command.name, "雷, two");
    cr_assert(command.has_settings);
    cr_assert_eq(command.settings.values[LDC_SETTING_CPU].number, 2);
    cr_assert_eq(command.settings.height, 2);
    cr_assert_eq(command.desired, CACHE_DESIRED_RUNNING);
    cr_assert_str_eq(command.labels, "{\"a/b\":\"c\"}");
    cr_assert_str_eq(command.group, "g");
    cr_assert_eq(command.timeout_ms, 5000);
}

Test(api_field, tells_what_is_not_said_from_what_is_cleared)
{
    read_body(api_fields_change, "{}", false);
    cr_assert(api_command_is_empty(&command));
    cr_assert_eq(command.desired, -1);
    read_body(api_fields_change, "{'repair':'report'}", false);
    cr_assert_not(api_command_is_empty(&command));
    cr_assert(command.has_repair);
    cr_assert_eq(command.repair, CACHE_REPAIR_REPORT);
    read_body(api_fields_change, "{'quarantine':null}", false);
    cr_assert_not(api_command_is_empty(&command));
    cr_assert(command.ends_quarantine);
    read_body(api_fields_change, "{'desired_state':null,'group':null}", false);
    cr_assert_not(api_command_is_empty(&command));
    cr_assert_eq(command.desired, CACHE_DESIRED_NONE);
    cr_assert(command.has_group);
    cr_assert_str_eq(command.group, "");
}

Test(api_field, refuses_titles)
{
    expect_error(api_fields_rename, "{}", "name", "required");
    expect_error(api_fields_rename, "{'name':5}", "name", "string");
    expect_error(api_fields_rename, "{'name':''}", "name", "empty");
    expect_error(api_fields_rename, "{'name':'-x'}", "name", "'-'");
    expect_error(api_fields_rename, "{'name':'a\\u0000b'}", "name", "control");
    expect_error(api_fields_rename, "{'name':'a\\nb'}", "name", "control");
    expect_error(api_fields_rename, "{'name':'a\\'b'}", "name", "quotes");
}

Test(api_field, refuses_settings_by_their_full_names)
{
    expect_error(api_fields_create, "{'name':'a','settings':{'cpu':9}}", "settings.cpu", "1, 2");
    expect_error(api_fields_create, "{'name':'a','settings':{'cpus':1}}", "settings.cpus",
                 "setting");
    expect_error(api_fields_create, "{'name':'a','settings':[]}", "settings", "object");
    expect_error(api_fields_create,
                 "{'name':'a','resolution':{'width':1,'height':1,'dpi':1,'x':1}}", "resolution.x",
                 "resolution");
    expect_error(api_fields_create, "{'name':'a','resolution':{'width':0,'height':1,'dpi':1}}",
                 "resolution.width", "1 to");
    expect_error(api_fields_create, "{'name':'a','resolution':5}", "resolution", "object");
}

Test(api_field, refuses_labels)
{
    expect_error(api_fields_change, "{'labels':[]}", "labels", "object");
    expect_error(api_fields_change, "{'labels':{'':'x'}}", "labels", "1 to 63");
    expect_error(api_fields_change, "{'labels':{'a b':'x'}}", "labels", "letters");
    expect_error(api_fields_change, "{'labels':{'a':5}}", "labels", "string");
    expect_error(api_fields_change, "{'labels':{'a':'x\\u0000'}}", "labels", "string");
}

Test(api_field, has_room_for_32_labels_of_256_bytes)
{
    char text[2000] = "{'labels':{";
    for (int i = 0; i < 32; i++)
        sprintf(text + strlen(text), "%s'k%d':'v'", i ? "," : "", i);
    strcat(text, "}}");
    read_body(api_fields_change, text, false);
    cr_assert_eq(errors.n_all, 0);
    strcpy(text + strlen(text) - 2, ",'more':'v'}}");
    expect_error(api_fields_change, text, "labels", "32");

    sprintf(text, "{'labels':{'a':'%0256d'}}", 0);
    read_body(api_fields_change, text, false);
    cr_assert_eq(errors.n_all, 0);
    sprintf(text, "{'labels':{'a':'%0257d'}}", 0);
    expect_error(api_fields_change, text, "labels", "256");
    sprintf(text, "{'labels':{'%063d':'x'}}", 0);
    read_body(api_fields_change, text, false);
    cr_assert_eq(errors.n_all, 0);
    sprintf(text, "{'labels':{'%064d':'x'}}", 0);
    expect_error(api_fields_change, text, "labels", "63");
}

Test(api_field, refuses_the_rest)
{
    char text[200];
    sprintf(text, "{'group':'%065d'}", 0);
    expect_error(api_fields_change, text, "group", "64");
    expect_error(api_fields_change, "{'group':'a\\tb'}", "group", "control");
    expect_error(api_fields_change, "{'desired_state':'ready'}", "desired_state", "running");
    expect_error(api_fields_change, "{'repair':'always'}", "repair", "restart");
    expect_error(api_fields_change, "{'repair':null}", "repair", "off");
    expect_error(api_fields_change, "{'quarantine':{'reason':'x'}}", "quarantine", "null");
    expect_error(api_fields_stop, "{'force':1}", "force", "true");
    expect_error(api_fields_stop, "{'timeout_s':0}", "timeout_s", "3600");
    expect_error(api_fields_stop, "{'timeout_s':3601}", "timeout_s", "3600");
    expect_error(api_fields_stop, "{'timeout_s':1.5}", "timeout_s", "whole");
    expect_error(api_fields_start, "{'begin_within_s':0}", "begin_within_s", "86400");
    expect_error(api_fields_start, "{'begin_within_s':86401}", "begin_within_s", "86400");
    expect_error(api_fields_start, "{'begin_within_s':'soon'}", "begin_within_s", "whole");
    expect_error(api_fields_stop, "{'until':'running'}", "until", "not a field");
    expect_error(api_fields_create, "{'name':'a','profile':'p'}", "profile", "not available");
    expect_error(api_fields_start, "[]", "body", "object");
}

Test(api_field, waits_for_the_guest_only_where_it_can_be_asked)
{
    expect_error(api_fields_start, "{'until':'ready'}", "until", "guest tool");
    expect_error(api_fields_start, "{'until':'done'}", "until", "must be");
    read_body(api_fields_start, "{'until':'ready'}", true);
    cr_assert_eq(errors.n_all, 0);
    cr_assert(command.until_ready);
    read_body(api_fields_start, "{'until':'running'}", false);
    cr_assert_eq(errors.n_all, 0);
    cr_assert_not(command.until_ready);
}

Test(api_field, knows_the_ways_to_open_a_window)
{
    expect_error(api_fields_start, "{'window':'mini'}", "window", "minimized");
    expect_error(api_fields_restart, "{'window':true}", "window", "must be");
    read_body(api_fields_start, "{'window':'normal'}", false);
    cr_assert_eq(errors.n_all, 0);
    cr_assert_eq(command.window, LDC_WINDOW_NORMAL);
    read_body(api_fields_start, "{'window':'minimized'}", false);
    cr_assert_eq(command.window, LDC_WINDOW_MINIMIZED);
    read_body(api_fields_restart, "{'window':'hidden'}", false);
    cr_assert_eq(errors.n_all, 0);
    cr_assert_eq(command.window, LDC_WINDOW_HIDDEN);
}

Test(api_field, reads_nothing_as_an_empty_object)
{
    struct api_field_reader reader = {"", &errors, false, NULL};
    api_command_read(&reader, api_fields_start, NULL, &command);
    cr_assert_eq(errors.n_all, 0);
    api_command_read(&reader, api_fields_rename, NULL, &command);
    cr_assert_eq(errors.n_all, 1);
}

Test(api_field, names_fields_under_the_prefix)
{
    struct api_field_reader reader = {"options.", &errors, false, NULL};
    doc = yyjson_read("{\"forc\":true}", 13, 0);
    api_command_read(&reader, api_fields_stop, yyjson_doc_get_root(doc), &command);
    cr_assert_str_eq(errors.items[0].field, "options.forc");
    yyjson_doc_free(doc);
    doc = yyjson_read("5", 1, 0);
    api_command_read(&reader, api_fields_stop, yyjson_doc_get_root(doc), &command);
    cr_assert_str_eq(errors.items[1].field, "options");
}
