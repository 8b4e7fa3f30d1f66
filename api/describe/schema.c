/* SPDX-License-Identifier: MIT */
#include "api/describe/schema.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "api/describe/event.h"
#include "api/describe/field.h"
#include "api/describe/notation.h"
#include "api/describe/problem.h"
#include "base/memory/cleanup.h"
#include "base/text/json.h"
#include "ldconsole/verbs/settings.h"

/* --- request bodies --- */

static const char title_schema[] =
    "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,\"description\":\"Without control "
    "characters, double quotes, outer spaces, or '-' in front.\"}";
static const char address_schema[] =
    "{\"type\":[\"string\",\"null\"],\"maxLength\":270,\"description\":\"HOST:PORT or "
    "http://HOST:PORT, an IPv6 host in brackets.\"}";
static const char labels_schema[] =
    "{\"type\":\"object\",\"maxProperties\":32,\"propertyNames\":{\"pattern\":\"^[A-Za-z0-9._/-]{1,"
    "63}$\"},\"additionalProperties\":{\"type\":\"string\",\"maxLength\":256}}";

/* The kinds of request fields in the notation; NULL for what is always refused. */
static const char *const kind_types[API_FIELD_KIND_COUNT] = {
    [API_FIELD_TITLE] = title_schema,
    [API_FIELD_SETTINGS] = "Settings",
    [API_FIELD_RESOLUTION] = "Resolution",
    [API_FIELD_LABELS] = labels_schema,
    [API_FIELD_GROUP] = "{\"type\":[\"string\",\"null\"],\"maxLength\":64}",
    [API_FIELD_DESIRED] = "running|stopped?",
    [API_FIELD_REPAIR] = "RepairMode",
    [API_FIELD_QUARANTINE] = "null",
    [API_FIELD_UNTIL] = "running|ready",
    [API_FIELD_WINDOW] = "normal|minimized|hidden",
    [API_FIELD_FORCE] = "bool",
    [API_FIELD_TIMEOUT] = "1..3600",
    [API_FIELD_BEGIN_WITHIN] = "1..86400",
    [API_FIELD_TOKEN_NAME] = "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}",
    [API_FIELD_ROLE] = "viewer|operator|admin",
    [API_FIELD_EXPIRES] = "time?",
    [API_FIELD_ACTION] = "start|stop|restart|remove|modify",
    [API_FIELD_SELECT] = "Selection",
    [API_FIELD_OPTIONS] = "StartRequest|StopRequest|RestartRequest|RemoveOptions|InstanceChange",
    [API_FIELD_WORKSTATION_NAME] = "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}",
    [API_FIELD_ADDRESS] = address_schema,
    [API_FIELD_MAINTENANCE] = "bool",
    [API_FIELD_STAGED] = "uuid",
    [API_FIELD_NOTE] = "text",
    [API_FIELD_CHAOS_KIND] = "latency|hang|error|garbage",
    [API_FIELD_CHAOS_VERB] = "text?",
    [API_FIELD_PERCENT] = "1..100",
    [API_FIELD_LATENCY] = "1..60000",
    [API_FIELD_DURATION] = "1..3600",
};

/* Request bodies. */
static const struct {
    const char *name;
    const struct api_field *fields;
    int min_members;
} bodies[] = {
    {"InstanceCreate", api_fields_create, 0},
    {"InstanceChange", api_fields_change, 1},
    {"StartRequest", api_fields_start, 0},
    {"StopRequest", api_fields_stop, 0},
    {"RestartRequest", api_fields_restart, 0},
    {"CloneRequest", api_fields_clone, 0},
    {"RenameRequest", api_fields_rename, 0},
    {"RemoveOptions", api_fields_remove, 0},
    {"BatchRequest", api_fields_batch, 0},
    {"TokenCreate", api_fields_token, 0},
    {"RestoreRequest", api_fields_restore, 0},
    {"BreakerForce", api_fields_breaker_force, 0},
    {"BreakerDisable", api_fields_breaker_disable, 0},
    {"ChaosRequest", api_fields_chaos, 0},
    {"WorkstationCreate", api_fields_workstation, 0},
    {"WorkstationChange", api_fields_workstation_change, 1},
};

static void append_body(size_t i, struct buf *out)
{
    char more[64];
    struct buf members cleanup(buf_deinit);
    buf_init(&members, 0);
    for (const struct api_field *f = bodies[i].fields; f->name; f++) {
        if (kind_types[f->kind])
            (void)buf_printf(&members, "%s%s%s: %s", members.len ? ", " : "", f->name,
                             f->is_required ? "" : "?", kind_types[f->kind]);
    }
    snprintf(more, sizeof(more), ",\"additionalProperties\":false,\"minProperties\":%d",
             bodies[i].min_members);
    api_notation_append_object(members.data, more, out);
}

/* --- settings --- */

/* No enum: what an instance has already is taken, too. */
static void append_numbers(const struct ldc_setting_info *info, struct buf *out)
{
    (void)buf_append_str(out, "\"type\":\"integer\",\"minimum\":1,\"examples\":[");
    for (const int *n = info->allowed; *n; n++)
        (void)buf_printf(out, "%s%d", n == info->allowed ? "" : ",", *n);
    for (const int *n = info->newer; *n; n++)
        (void)buf_printf(out, ",%d", *n);
    (void)buf_append_str(out, "]");
}

static void append_words(const struct ldc_setting_info *info, struct buf *out)
{
    (void)buf_append_str(out, "\"enum\":[");
    for (const char *const *word = info->words; *word; word++)
        (void)buf_printf(out, "%s\"%s\"", word == info->words ? "" : ",", *word);
    (void)buf_append_str(out, "]");
}

static void append_setting(const struct ldc_setting_info *info, struct buf *out)
{
    (void)buf_printf(out, "\"%s\":{", info->name);
    if (info->type == LDC_SETTING_INT)
        append_numbers(info, out);
    else if (info->type == LDC_SETTING_BOOL)
        (void)buf_append_str(out, "\"type\":\"boolean\"");
    else if (info->words)
        append_words(info, out);
    else if (info->digits)
        (void)buf_printf(out, "\"type\":\"string\",\"pattern\":\"^(auto|[0-9%s]{%u})$\"",
                         info->hex ? "a-fA-F" : "", info->digits);
    else
        (void)buf_printf(out, "\"type\":\"string\",\"minLength\":1,\"maxLength\":%d",
                         LDC_SETTING_TEXT_MAX);
    (void)buf_append_str(out, ",\"description\":");
    json_append_str(out, info->rule);
    (void)buf_append_str(out, "}");
}

/* As they are asked for: only what ldconsole takes. */
static void append_settings(struct buf *out)
{
    (void)buf_append_str(out, "{\"type\":\"object\",\"properties\":{");
    for (size_t i = 0; i < LDC_SETTING_COUNT; i++) {
        if (i > 0)
            (void)buf_append_str(out, ",");
        append_setting(&ldc_setting_table[i], out);
    }
    (void)buf_append_str(out, "},\"additionalProperties\":false}");
}

/* As they are read back: those that the config file has, with whatever it says. */
static void append_actual_settings(struct buf *out)
{
    static const char *const types[] = {
        [LDC_SETTING_INT] = "int", [LDC_SETTING_BOOL] = "bool", [LDC_SETTING_TEXT] = "text"};
    struct buf members cleanup(buf_deinit);
    buf_init(&members, 0);
    for (size_t i = 0; i < LDC_SETTING_COUNT; i++)
        (void)buf_printf(&members, "%s%s?: %s", i ? ", " : "", ldc_setting_table[i].name,
                         types[ldc_setting_table[i].type]);
    api_notation_append_object(members.data, "", out);
}

/* --- events --- */

enum { EVENT_NAME_SIZE = 64 };

/* "operation.timed_out" is OperationTimedOutEvent. */
static const char *write_event_name(const char *type, char out[EVENT_NAME_SIZE])
{
    bool is_start = true;
    size_t n = 0;
    for (; *type && n + sizeof("Event") < EVENT_NAME_SIZE; type++) {
        bool is_gap = strchr("._-", *type) != NULL;
        if (!is_gap)
            out[n++] = (char)(is_start ? toupper((unsigned char)*type) : *type);
        is_start = is_gap;
    }
    strcpy(out + n, "Event");
    return out;
}

static void append_event_type(const struct api_event_type *event, struct buf *out)
{
    char name[EVENT_NAME_SIZE];
    struct buf members cleanup(buf_deinit), more cleanup(buf_deinit);
    buf_init(&members, 0);
    buf_init(&more, 0);
    (void)buf_printf(&members, "seq: count, time: time, type: =%s, data: %s", event->type,
                     event->data);
    (void)buf_append_str(&more, ",\"description\":");
    json_append_str(&more, event->description);
    (void)buf_printf(out, ",\"%s\":", write_event_name(event->type, name));
    api_notation_append_object(members.data, more.data, out);
}

/* One schema for each type, and Event for any of them. */
static void append_events(struct buf *out)
{
    char name[EVENT_NAME_SIZE];
    const char *separator = "";
    struct buf mapping cleanup(buf_deinit);
    buf_init(&mapping, 0);
    (void)buf_append_str(out, ",\"Event\":{\"oneOf\":[");
    for (size_t i = 0; i < api_n_event_types; i++, separator = ",") {
        write_event_name(api_event_types[i].type, name);
        (void)buf_printf(out, "%s{\"$ref\":\"#/components/schemas/%s\"}", separator, name);
        (void)buf_printf(&mapping, "%s\"%s\":\"#/components/schemas/%s\"", separator,
                         api_event_types[i].type, name);
    }
    (void)buf_printf(out, "],\"discriminator\":{\"propertyName\":\"type\",\"mapping\":{%s}}}",
                     mapping.data);
    for (size_t i = 0; i < api_n_event_types; i++)
        append_event_type(&api_event_types[i], out);
}

/* --- all of them --- */

static void append_codes(struct buf *out)
{
    (void)buf_append_str(out, "{\"type\":\"string\",\"enum\":[");
    for (size_t i = 0; i < API_CODE_COUNT; i++)
        (void)buf_printf(out, "%s\"%s\"", i ? "," : "", api_problem_table[i].code);
    (void)buf_append_str(out, "]}");
}

void api_schemas_append(struct buf *out)
{
    (void)buf_append_str(out, "\"Settings\":");
    append_settings(out);
    (void)buf_append_str(out, ",\"InstanceSettings\":");
    append_actual_settings(out);
    (void)buf_append_str(out, ",\"ProblemCode\":");
    append_codes(out);
    for (size_t i = 0; i < countof(bodies); i++) {
        (void)buf_printf(out, ",\"%s\":", bodies[i].name);
        append_body(i, out);
    }
    for (size_t i = 0; i < api_n_schema_rows; i++) {
        if (islower((unsigned char)api_schema_rows[i].name[0]))
            continue;
        (void)buf_printf(out, ",\"%s\":", api_schema_rows[i].name);
        api_notation_append_row(&api_schema_rows[i], out);
    }
    append_events(out);
}
