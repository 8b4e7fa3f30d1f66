/* SPDX-License-Identifier: MIT */
#include "api/describe/field.h"

#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/json.h"
#include "base/text/str.h"

const struct api_field api_fields_create[] = {{"name", API_FIELD_TITLE, true},
                                              {"settings", API_FIELD_SETTINGS, false},
                                              {"resolution", API_FIELD_RESOLUTION, false},
                                              {"labels", API_FIELD_LABELS, false},
                                              {"group", API_FIELD_GROUP, false},
                                              {"profile", API_FIELD_PROFILE, false},
                                              {"timeout_s", API_FIELD_TIMEOUT, false},
                                              {"begin_within_s", API_FIELD_BEGIN_WITHIN, false},
                                              {0}};
const struct api_field api_fields_change[] = {{"name", API_FIELD_TITLE, false},
                                              {"settings", API_FIELD_SETTINGS, false},
                                              {"resolution", API_FIELD_RESOLUTION, false},
                                              {"desired_state", API_FIELD_DESIRED, false},
                                              {"repair", API_FIELD_REPAIR, false},
                                              {"quarantine", API_FIELD_QUARANTINE, false},
                                              {"labels", API_FIELD_LABELS, false},
                                              {"group", API_FIELD_GROUP, false},
                                              {"timeout_s", API_FIELD_TIMEOUT, false},
                                              {"begin_within_s", API_FIELD_BEGIN_WITHIN, false},
                                              {0}};
const struct api_field api_fields_start[] = {{"until", API_FIELD_UNTIL, false},
                                             {"window", API_FIELD_WINDOW, false},
                                             {"force", API_FIELD_FORCE, false},
                                             {"timeout_s", API_FIELD_TIMEOUT, false},
                                             {"begin_within_s", API_FIELD_BEGIN_WITHIN, false},
                                             {0}};
const struct api_field api_fields_stop[] = {{"force", API_FIELD_FORCE, false},
                                            {"timeout_s", API_FIELD_TIMEOUT, false},
                                            {"begin_within_s", API_FIELD_BEGIN_WITHIN, false},
                                            {0}};
const struct api_field api_fields_restart[] = {{"until", API_FIELD_UNTIL, false},
                                               {"window", API_FIELD_WINDOW, false},
                                               {"force", API_FIELD_FORCE, false},
                                               {"timeout_s", API_FIELD_TIMEOUT, false},
                                               {"begin_within_s", API_FIELD_BEGIN_WITHIN, false},
                                               {0}};
const struct api_field api_fields_clone[] = {{"name", API_FIELD_TITLE, false},
                                             {"timeout_s", API_FIELD_TIMEOUT, false},
                                             {"begin_within_s", API_FIELD_BEGIN_WITHIN, false},
                                             {0}};
const struct api_field api_fields_rename[] = {{"name", API_FIELD_TITLE, true},
                                              {"timeout_s", API_FIELD_TIMEOUT, false},
                                              {"begin_within_s", API_FIELD_BEGIN_WITHIN, false},
                                              {0}};
const struct api_field api_fields_remove[] = {{"force", API_FIELD_FORCE, false},
                                              {"timeout_s", API_FIELD_TIMEOUT, false},
                                              {"begin_within_s", API_FIELD_BEGIN_WITHIN, false},
                                              {0}};
const struct api_field api_fields_batch[] = {{"action", API_FIELD_ACTION, true},
                                             {"select", API_FIELD_SELECT, true},
                                             {"options", API_FIELD_OPTIONS, false},
                                             {0}};
const struct api_field api_fields_token[] = {{"name", API_FIELD_TOKEN_NAME, true},
                                             {"role", API_FIELD_ROLE, true},
                                             {"expires_at", API_FIELD_EXPIRES, false},
                                             {0}};

const struct api_field api_fields_restore[] = {{"staged", API_FIELD_STAGED, true}, {0}};

/* Whoever finds it so at 3 a.m. must see why. */
const struct api_field api_fields_breaker_force[] = {
    {"note", API_FIELD_NOTE, true}, {"expires_at", API_FIELD_EXPIRES, false}, {0}};
const struct api_field api_fields_breaker_disable[] = {
    {"note", API_FIELD_NOTE, false}, {"expires_at", API_FIELD_EXPIRES, false}, {0}};

const struct api_field api_fields_chaos[] = {
    {"kind", API_FIELD_CHAOS_KIND, true},  {"duration_s", API_FIELD_DURATION, true},
    {"percent", API_FIELD_PERCENT, false}, {"latency_ms", API_FIELD_LATENCY, false},
    {"verb", API_FIELD_CHAOS_VERB, false}, {0}};

const struct api_field api_fields_workstation[] = {{"name", API_FIELD_WORKSTATION_NAME, true},
                                                   {"address", API_FIELD_ADDRESS, false},
                                                   {"labels", API_FIELD_LABELS, false},
                                                   {"maintenance", API_FIELD_MAINTENANCE, false},
                                                   {0}};
const struct api_field api_fields_workstation_change[] = {
    {"name", API_FIELD_WORKSTATION_NAME, false},
    {"address", API_FIELD_ADDRESS, false},
    {"labels", API_FIELD_LABELS, false},
    {"maintenance", API_FIELD_MAINTENANCE, false},
    {0}};

void api_command_init(struct api_command *command)
{
    *command = (struct api_command){.desired = -1};
}

void api_command_deinit(struct api_command *command)
{
    mem_free(command->labels);
    command->labels = NULL;
}

bool api_command_is_empty(const struct api_command *c)
{
    return !api_command_changes_settings(c) && !c->labels && !c->has_group && c->desired < 0 &&
           !c->has_repair && !c->ends_quarantine;
}

bool api_command_changes_settings(const struct api_command *c)
{
    return c->name[0] || c->has_settings;
}

void api_field_refuse(const struct api_field_reader *reader, const char *name, const char *rule)
{
    char field[128];
    snprintf(field, sizeof(field), "%.64s", reader->prefix);
    size_t n = strlen(field);
    str_copy(field + n, sizeof(field) - n, name);
    api_field_errors_add(reader->errors, field, "%s", rule);
}

const char *api_field_text(yyjson_val *value)
{
    const char *text = yyjson_get_str(value);
    return text && strlen(text) == yyjson_get_len(value) ? text : NULL;
}

static bool is_known(const struct api_field *fields, const char *name)
{
    for (; fields->name; fields++) {
        if (strcmp(fields->name, name) == 0)
            return true;
    }
    return false;
}

bool api_field_check(const struct api_field_reader *reader, const struct api_field *fields,
                     yyjson_val *object)
{
    size_t i, max;
    yyjson_val *key, *value;
    if (object && !yyjson_is_obj(object)) {
        char whole[64];
        str_copy(whole, sizeof(whole), reader->prefix);
        if (whole[0])
            whole[strlen(whole) - 1] = '\0';
        api_field_errors_add(reader->errors, whole[0] ? whole : "body", "must be a JSON object");
        return false;
    }
    yyjson_obj_foreach(object, i, max, key, value) {
        if (!is_known(fields, yyjson_get_str(key)))
            api_field_refuse(reader, yyjson_get_str(key), "is not a field of this request");
    }
    for (; fields->name; fields++) {
        if (fields->is_required && !yyjson_obj_get(object, fields->name))
            api_field_refuse(reader, fields->name, "is required");
    }
    return true;
}

static const char *read_title(yyjson_val *value, struct api_command *ret)
{
    const char *text = api_field_text(value);
    if (!text)
        return yyjson_is_str(value) ? "must not contain control characters" : "must be a string";
    const char *refusal = ldc_title_refusal(text);
    if (!refusal)
        str_copy(ret->name, sizeof(ret->name), text);
    return refusal;
}

const char *api_label_key_refusal(const char *key)
{
    size_t n = strlen(key);
    if (n == 0 || n > API_MAX_LABEL_KEY)
        return "a label's key must have 1 to 63 characters";
    if (strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-") != n)
        return "a label's key may have letters, digits, '.', '_', '/' and '-' only";
    return NULL;
}

const char *api_label_value_refusal(yyjson_val *value)
{
    if (!api_field_text(value) || yyjson_get_len(value) > API_MAX_LABEL_VALUE)
        return "a label's value must be a string of at most 256 bytes";
    return NULL;
}

const char *api_labels_refusal(yyjson_val *value)
{
    size_t i, max;
    yyjson_val *key, *label;
    if (!yyjson_is_obj(value))
        return "must be an object of strings";
    if (yyjson_obj_size(value) > API_MAX_LABELS)
        return "must have at most 32 labels";
    yyjson_obj_foreach(value, i, max, key, label) {
        const char *text = api_field_text(key);
        const char *refusal = api_label_key_refusal(text ? text : "");
        if (!refusal)
            refusal = api_label_value_refusal(label);
        if (refusal)
            return refusal;
    }
    return NULL;
}

static const char *read_labels(yyjson_val *value, struct api_command *ret)
{
    const char *refusal = api_labels_refusal(value);
    if (!refusal)
        ret->labels = json_write_value(value);
    return refusal;
}

static const char *read_group(yyjson_val *value, struct api_command *ret)
{
    const char *text = yyjson_is_null(value) ? "" : api_field_text(value);
    if (!text || strlen(text) >= CACHE_GROUP_SIZE || str_has_controls(text))
        return "must be null or a string of at most 64 bytes without control characters";
    str_copy(ret->group, sizeof(ret->group), text);
    ret->has_group = true;
    return NULL;
}

static const char *read_desired(yyjson_val *value, struct api_command *ret)
{
    if (yyjson_is_null(value))
        ret->desired = CACHE_DESIRED_NONE;
    else if (yyjson_equals_str(value, "running"))
        ret->desired = CACHE_DESIRED_RUNNING;
    else if (yyjson_equals_str(value, "stopped"))
        ret->desired = CACHE_DESIRED_STOPPED;
    else
        return "must be \"running\", \"stopped\" or null";
    return NULL;
}

static const char *read_repair(yyjson_val *value, struct api_command *ret)
{
    for (int i = 0; i < CACHE_REPAIR_COUNT; i++) {
        if (!yyjson_equals_str(value, cache_repair_names[i]))
            continue;
        ret->repair = (enum cache_repair_mode)i;
        ret->has_repair = true;
        return NULL;
    }
    return "must be \"off\", \"report\", \"restart\" or \"full\"";
}

static const char *read_quarantine(yyjson_val *value, struct api_command *ret)
{
    if (!yyjson_is_null(value))
        return "can only be null, which ends it: the watchdog alone begins one";
    ret->ends_quarantine = true;
    return NULL;
}

static const char *read_until(const struct api_field_reader *reader, yyjson_val *value,
                              struct api_command *ret)
{
    if (yyjson_equals_str(value, "running"))
        return NULL;
    if (!yyjson_equals_str(value, "ready"))
        return "must be \"running\" or \"ready\"";
    if (!reader->has_guest)
        return "\"ready\" needs a guest tool, and neither adb nor ld stands beside ldconsole";
    ret->until_ready = true;
    return NULL;
}

static const char *read_window(yyjson_val *value, struct api_command *ret)
{
    static const char *const names[] = {[LDC_WINDOW_NORMAL] = "normal",
                                        [LDC_WINDOW_MINIMIZED] = "minimized",
                                        [LDC_WINDOW_HIDDEN] = "hidden"};
    for (size_t i = 0; i < countof(names); i++) {
        if (yyjson_equals_str(value, names[i])) {
            ret->window = (enum ldc_window)i;
            return NULL;
        }
    }
    return "must be \"normal\", \"minimized\" or \"hidden\"";
}

static const char *read_force(yyjson_val *value, struct api_command *ret)
{
    if (!yyjson_is_bool(value))
        return "must be true or false";
    ret->force = yyjson_get_bool(value);
    return NULL;
}

static bool read_seconds(yyjson_val *value, unsigned max_s, unsigned *ret_ms)
{
    if (!yyjson_is_uint(value) || yyjson_get_uint(value) < 1 || yyjson_get_uint(value) > max_s)
        return false;
    *ret_ms = (unsigned)yyjson_get_uint(value) * 1000;
    return true;
}

static const char *read_timeout(yyjson_val *value, struct api_command *ret)
{
    return read_seconds(value, API_MAX_TIMEOUT_S, &ret->timeout_ms)
               ? NULL
               : "must be a whole number of seconds from 1 to 3600";
}

static const char *read_begin_within(yyjson_val *value, struct api_command *ret)
{
    return read_seconds(value, API_MAX_BEGIN_WITHIN_S, &ret->begin_within_ms)
               ? NULL
               : "must be a whole number of seconds from 1 to 86400";
}

enum { MAX_SETTING_ERRORS = 16 };

/* ldconsole/ names settings alone; in a body they stand in an object of that name. */
static void refuse_settings(const struct api_field_reader *reader, const char *parent,
                            const struct ldc_setting_error *errors, size_t n)
{
    for (size_t i = 0; i < n && i < MAX_SETTING_ERRORS; i++) {
        char field[64] = "";
        if (!str_has_prefix(errors[i].field, parent))
            snprintf(field, sizeof(field), "%s.", parent);
        size_t used = strlen(field);
        str_copy(field + used, sizeof(field) - used, errors[i].field);
        api_field_refuse(reader, field, errors[i].rule);
    }
}

static void read_settings(const struct api_field_reader *reader, const struct api_field *field,
                          yyjson_val *value, struct api_command *ret)
{
    struct ldc_setting_error errors[MAX_SETTING_ERRORS];
    size_t n =
        field->kind == API_FIELD_SETTINGS
            ? ldc_settings_from_json(&ret->settings, value, reader->actual, errors,
                                     MAX_SETTING_ERRORS)
            : ldc_settings_resolution_from_json(&ret->settings, value, errors, MAX_SETTING_ERRORS);
    refuse_settings(reader, field->name, errors, n);
    if (!ldc_settings_is_empty(&ret->settings))
        ret->has_settings = true;
}

static const char *read_simple(const struct api_field_reader *reader, const struct api_field *field,
                               yyjson_val *value, struct api_command *ret)
{
    switch (field->kind) {
    case API_FIELD_TITLE:
        return read_title(value, ret);
    case API_FIELD_LABELS:
        return read_labels(value, ret);
    case API_FIELD_GROUP:
        return read_group(value, ret);
    case API_FIELD_DESIRED:
        return read_desired(value, ret);
    case API_FIELD_REPAIR:
        return read_repair(value, ret);
    case API_FIELD_QUARANTINE:
        return read_quarantine(value, ret);
    case API_FIELD_UNTIL:
        return read_until(reader, value, ret);
    case API_FIELD_WINDOW:
        return read_window(value, ret);
    case API_FIELD_FORCE:
        return read_force(value, ret);
    case API_FIELD_TIMEOUT:
        return read_timeout(value, ret);
    case API_FIELD_BEGIN_WITHIN:
        return read_begin_within(value, ret);
    case API_FIELD_PROFILE:
        return "is not available: this version has no profiles";
    default:
        return NULL;
    }
}

void api_command_read(const struct api_field_reader *reader, const struct api_field *fields,
                      yyjson_val *object, struct api_command *ret)
{
    if (!api_field_check(reader, fields, object))
        return;
    for (; fields->name; fields++) {
        yyjson_val *value = yyjson_obj_get(object, fields->name);
        if (!value)
            continue;
        if (fields->kind == API_FIELD_SETTINGS || fields->kind == API_FIELD_RESOLUTION) {
            read_settings(reader, fields, value, ret);
            continue;
        }
        const char *refusal = read_simple(reader, fields, value, ret);
        if (refusal)
            api_field_refuse(reader, fields->name, refusal);
    }
}
