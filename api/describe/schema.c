/* SPDX-License-Identifier: MIT */
#include "api/describe/schema.h"

#include <string.h>

#include "api/describe/field.h"
#include "base/memory/cleanup.h"
#include "base/text/json.h"
#include "base/memory/mem.h"
#include "ldconsole/verbs/settings.h"

static const struct {
    const char *word, *schema;
} words[] = {
    {"text", "\"type\":\"string\""},
    {"uuid", "\"type\":\"string\",\"format\":\"uuid\""},
    {"time", "\"type\":\"string\",\"format\":\"date-time\""},
    {"int", "\"type\":\"integer\""},
    {"count", "\"type\":\"integer\",\"minimum\":0"},
    {"percent", "\"type\":\"integer\",\"minimum\":0,\"maximum\":100"},
    {"bool", "\"type\":\"boolean\""},
    {"object", "\"type\":\"object\""},
};

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
    [API_FIELD_UNTIL] = "running|ready",
    [API_FIELD_FORCE] = "bool",
    [API_FIELD_TIMEOUT] = "1..3600",
    [API_FIELD_TOKEN_NAME] = "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}",
    [API_FIELD_ROLE] = "viewer|operator|admin",
    [API_FIELD_EXPIRES] = "time?",
    [API_FIELD_ACTION] = "start|stop|restart|remove|modify",
    [API_FIELD_SELECT] = "Selection",
    [API_FIELD_OPTIONS] = "BatchOptions",
    [API_FIELD_WORKSTATION_NAME] = "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}",
    [API_FIELD_ADDRESS] = address_schema,
    [API_FIELD_MAINTENANCE] = "bool",
};

/* Request bodies. */
static const struct {
    const char *name;
    const struct api_field *fields;
} bodies[] = {
    {"InstanceCreate", api_fields_create},
    {"InstanceChange", api_fields_change},
    {"StartRequest", api_fields_start},
    {"StopRequest", api_fields_stop},
    {"RestartRequest", api_fields_restart},
    {"CloneRequest", api_fields_clone},
    {"RenameRequest", api_fields_rename},
    {"RemoveOptions", api_fields_remove},
    {"BatchRequest", api_fields_batch},
    {"TokenCreate", api_fields_token},
    {"WorkstationCreate", api_fields_workstation},
    {"WorkstationChange", api_fields_workstation_change},
};

/* What the options of a batch may be, by its action. */
static const char *const batch_options[] = {"StartRequest", "StopRequest", "RestartRequest",
                                            "RemoveOptions", "InstanceChange"};

enum { SETTINGS_AT, BATCH_OPTIONS_AT, BODIES_AT, OBJECTS_AT = BODIES_AT + countof(bodies) };

size_t api_schema_count(void)
{
    return OBJECTS_AT + api_n_schema_objects;
}

const char *api_schema_name(size_t i)
{
    if (i == SETTINGS_AT)
        return "Settings";
    if (i == BATCH_OPTIONS_AT)
        return "BatchOptions";
    return i < OBJECTS_AT ? bodies[i - BODIES_AT].name : api_schema_objects[i - OBJECTS_AT].name;
}

static void append_enum(const char *type, bool is_nullable, struct buf *out)
{
    (void)buf_append_str(out, "{\"enum\":[");
    while (*type) {
        size_t n = strcspn(type, "|");
        (void)buf_printf(out, "\"%.*s\"", (int)n, type);
        type += n + (type[n] == '|');
        if (*type)
            (void)buf_append_str(out, ",");
    }
    (void)buf_append_str(out, is_nullable ? ",null]}" : "]}");
}

static void append_range(const char *type, struct buf *out)
{
    size_t n = strcspn(type, ".");
    (void)buf_printf(out, "{\"type\":\"integer\",\"minimum\":%.*s,\"maximum\":%s}", (int)n, type,
                     type + n + 2);
}

static void append_word(const char *type, struct buf *out)
{
    for (size_t i = 0; i < countof(words); i++) {
        if (strcmp(words[i].word, type) == 0) {
            (void)buf_printf(out, "{%s}", words[i].schema);
            return;
        }
    }
    (void)buf_printf(out, "{\"$ref\":\"#/components/schemas/%s\"}", type);
}

/* A type that may be taken apart: its last character has been looked at. */
static void append_plain(char *type, bool is_nullable, struct buf *out)
{
    size_t n = strlen(type);
    if (type[0] == '[' || type[0] == '{') {
        bool is_list = type[0] == '[';
        type[n - 1] = '\0';
        (void)buf_append_str(out, is_list ? "{\"type\":\"array\",\"items\":"
                                          : "{\"type\":\"object\",\"additionalProperties\":");
        api_schema_append_type(type + 1, out);
        (void)buf_append_str(out, "}");
    } else if (strchr(type, '|')) {
        append_enum(type, is_nullable, out);
    } else if (strstr(type, "..")) {
        append_range(type, out);
    } else {
        append_word(type, out);
    }
}

void api_schema_append_type(const char *type, struct buf *out)
{
    char *copy cleanup(mem_freep) = mem_strdup(type);
    size_t n = strlen(copy);
    bool is_nullable = copy[n - 1] == '?';
    if (is_nullable)
        copy[n - 1] = '\0';
    if (copy[0] == '{' && copy[1] == '"') {
        (void)buf_append_str(out, copy);
    } else if (is_nullable && !strchr(copy, '|')) {
        (void)buf_append_str(out, "{\"anyOf\":[");
        append_plain(copy, false, out);
        (void)buf_append_str(out, ",{\"type\":\"null\"}]}");
    } else {
        append_plain(copy, is_nullable, out);
    }
}

/* An object under construction. */
struct object {
    struct buf *out, required;
    bool has_members;
};

static void begin_object(struct object *o, struct buf *out)
{
    o->out = out;
    o->has_members = false;
    buf_init(&o->required, 0);
    (void)buf_append_str(out, "{\"type\":\"object\",\"properties\":{");
}

static void add_member(struct object *o, const char *name, const char *type, bool is_required)
{
    (void)buf_printf(o->out, "%s\"%s\":", o->has_members ? "," : "", name);
    api_schema_append_type(type, o->out);
    o->has_members = true;
    if (is_required)
        (void)buf_printf(&o->required, "%s\"%s\"", o->required.len ? "," : "", name);
}

static void end_object(struct object *o, bool is_closed)
{
    (void)buf_append_str(o->out, "}");
    if (o->required.len)
        (void)buf_printf(o->out, ",\"required\":[%s]", o->required.data);
    (void)buf_append_str(o->out, is_closed ? ",\"additionalProperties\":false}" : "}");
    buf_deinit(&o->required);
}

static void append_body(const struct api_field *fields, struct buf *out)
{
    struct object o;
    begin_object(&o, out);
    for (; fields->name; fields++) {
        if (kind_types[fields->kind])
            add_member(&o, fields->name, kind_types[fields->kind], fields->is_required);
    }
    end_object(&o, true);
}

static void append_object(const struct api_schema_member *members, struct buf *out)
{
    struct object o;
    begin_object(&o, out);
    for (; members->name; members++)
        add_member(&o, members->name, members->type, members->is_required);
    end_object(&o, false);
}

static void append_numbers(const int *allowed, struct buf *out)
{
    (void)buf_append_str(out, "\"type\":\"integer\",\"enum\":[");
    for (const int *n = allowed; *n; n++)
        (void)buf_printf(out, "%s%d", n == allowed ? "" : ",", *n);
    (void)buf_append_str(out, "]");
}

static void append_setting(const struct ldc_setting_info *info, struct buf *out)
{
    (void)buf_printf(out, "\"%s\":{", info->name);
    if (info->type == LDC_SETTING_INT)
        append_numbers(info->allowed, out);
    else if (info->type == LDC_SETTING_BOOL)
        (void)buf_append_str(out, "\"type\":\"boolean\"");
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

static void append_batch_options(struct buf *out)
{
    (void)buf_append_str(out, "{\"anyOf\":[");
    for (size_t i = 0; i < countof(batch_options); i++) {
        if (i > 0)
            (void)buf_append_str(out, ",");
        api_schema_append_type(batch_options[i], out);
    }
    (void)buf_append_str(out, "]}");
}

void api_schema_append(size_t i, struct buf *out)
{
    if (i == SETTINGS_AT)
        append_settings(out);
    else if (i == BATCH_OPTIONS_AT)
        append_batch_options(out);
    else if (i < OBJECTS_AT)
        append_body(bodies[i - BODIES_AT].fields, out);
    else
        append_object(api_schema_objects[i - OBJECTS_AT].members, out);
}
