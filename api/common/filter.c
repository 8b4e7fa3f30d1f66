/* SPDX-License-Identifier: MIT */
#include "api/common/filter.h"

#include <string.h>

#include "api/common/input.h"
#include "api/describe/field.h"
#include "base/memory/cleanup.h"
#include "base/text/json.h"

struct reading {
    struct api_filter *filter;
    struct api_field_errors *errors;
    const char *field;
};

static bool add_state(void *arg, const char *name)
{
    struct reading *r = arg;
    enum cache_state state;
    if (cache_state_parse(name, &state) == 0)
        r->filter->states |= 1u << state;
    else
        api_field_errors_add(r->errors, r->field,
                             "must be one of unknown, stopped, starting, booting, running, ready, "
                             "stopping, stuck, zombie, unreachable");
    return true;
}

static void add_label(struct reading *r, const char *key, size_t n, const char *value)
{
    if (r->filter->n_labels == API_FILTER_MAX_LABELS)
        api_field_errors_add(r->errors, r->field, "must name at most 8 labels");
    else if (n == 0)
        api_field_errors_add(r->errors, r->field, "must be KEY or KEY=VALUE");
    else
        r->filter->labels[r->filter->n_labels++] = (struct api_label_filter){key, n, value};
}

static void add_query_label(struct reading *r, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t n = equals ? (size_t)(equals - text) : strlen(text);
    add_label(r, text, n, equals ? equals + 1 : NULL);
}

void api_filter_from_query(const struct http_request *r, struct api_filter *ret,
                           struct api_field_errors *errors)
{
    struct reading reading = {ret, errors, NULL};
    *ret = (struct api_filter){0};
    for (size_t i = 0; i < r->n_query; i++) {
        const char *name = r->query[i].name, *value = r->query[i].value;
        reading.field = name;
        if (strcmp(name, "state") == 0 && !*value)
            (void)add_state(&reading, value);
        else if (strcmp(name, "state") == 0)
            (void)api_input_each(value, add_state, &reading);
        else if (strcmp(name, "name") == 0)
            ret->name = value;
        else if (strcmp(name, "group") == 0)
            ret->group = value;
        else if (strcmp(name, "label") == 0)
            add_query_label(&reading, value);
    }
}

static void read_states(struct reading *r, yyjson_val *value)
{
    size_t i, max;
    yyjson_val *item;
    r->field = "select.state";
    if (!yyjson_is_arr(value)) {
        const char *text = api_field_text(value);
        (void)add_state(r, text ? text : "");
        return;
    }
    if (yyjson_arr_size(value) == 0)
        (void)add_state(r, "");
    yyjson_arr_foreach(value, i, max, item) {
        const char *text = api_field_text(item);
        (void)add_state(r, text ? text : "");
    }
}

static void read_labels(struct reading *r, yyjson_val *value)
{
    size_t i, max;
    yyjson_val *key, *item;
    r->field = "select.labels";
    if (!yyjson_is_obj(value) || yyjson_obj_size(value) == 0) {
        api_field_errors_add(r->errors, r->field, "must be an object of strings");
        return;
    }
    yyjson_obj_foreach(value, i, max, key, item) {
        const char *text = yyjson_is_null(item) ? NULL : api_field_text(item);
        if (!text && !yyjson_is_null(item))
            api_field_errors_add(r->errors, r->field, "must be strings, or null for any value");
        else
            add_label(r, yyjson_get_str(key), yyjson_get_len(key), text);
    }
}

void api_filter_from_json(yyjson_val *select, struct api_filter *ret,
                          struct api_field_errors *errors)
{
    struct reading reading = {ret, errors, NULL};
    yyjson_val *state = yyjson_obj_get(select, "state");
    yyjson_val *group = yyjson_obj_get(select, "group");
    yyjson_val *labels = yyjson_obj_get(select, "labels");
    *ret = (struct api_filter){0};
    if (state)
        read_states(&reading, state);
    if (group) {
        ret->group = yyjson_is_null(group) ? "" : api_field_text(group);
        /* An empty one comes of a variable that nobody has set. */
        if (!ret->group || (!yyjson_is_null(group) && !*ret->group))
            api_field_errors_add(errors, "select.group",
                                 "must be the name of a group, or null for those without one");
    }
    if (labels)
        read_labels(&reading, labels);
}

static bool has_label(yyjson_val *labels, const struct api_label_filter *wanted)
{
    yyjson_val *value = yyjson_obj_getn(labels, wanted->key, wanted->key_len);
    return value && (!wanted->value || yyjson_equals_str(value, wanted->value));
}

static bool has_labels(const struct api_filter *f, const char *json)
{
    yyjson_doc *doc cleanup(json_doc_freep) = yyjson_read(json, strlen(json), YYJSON_READ_NOFLAG);
    for (size_t i = 0; i < f->n_labels; i++) {
        if (!has_label(yyjson_doc_get_root(doc), &f->labels[i]))
            return false;
    }
    return true;
}

bool api_filter_matches(const struct api_filter *f, const struct cache_instance *instance)
{
    if (f->states && !(f->states & (1u << instance->state)))
        return false;
    if (f->name && strcmp(f->name, instance->name) != 0)
        return false;
    if (f->group && strcmp(f->group, instance->group) != 0)
        return false;
    return f->n_labels == 0 || has_labels(f, instance->labels);
}
