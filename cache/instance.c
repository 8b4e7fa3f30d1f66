/* SPDX-License-Identifier: MIT */
#include "cache/instance.h"

#include <sodium.h>
#include <string.h>

#include <uv.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

static const char *const state_names[CACHE_STATE_COUNT] = {
    [CACHE_STATE_UNKNOWN] = "unknown",   [CACHE_STATE_STOPPED] = "stopped",
    [CACHE_STATE_STARTING] = "starting", [CACHE_STATE_BOOTING] = "booting",
    [CACHE_STATE_RUNNING] = "running",   [CACHE_STATE_READY] = "ready",
    [CACHE_STATE_STOPPING] = "stopping", [CACHE_STATE_STUCK] = "stuck",
    [CACHE_STATE_ZOMBIE] = "zombie",     [CACHE_STATE_UNREACHABLE] = "unreachable",
};

const char *cache_state_name(enum cache_state state)
{
    return state_names[state];
}

int cache_state_parse(const char *name, enum cache_state *ret)
{
    for (int i = 0; i < CACHE_STATE_COUNT; i++) {
        if (strcmp(name, state_names[i]) == 0) {
            *ret = (enum cache_state)i;
            return 0;
        }
    }
    return UV_EINVAL;
}

const char *cache_desired_name(enum cache_desired desired)
{
    switch (desired) {
    case CACHE_DESIRED_RUNNING:
        return "running";
    case CACHE_DESIRED_STOPPED:
        return "stopped";
    case CACHE_DESIRED_NONE:
        break;
    }
    return NULL;
}

void cache_instance_init(struct cache_instance *i)
{
    memset(i, 0, sizeof(*i));
    i->labels = mem_strdup("{}");
}

void cache_instance_deinit(struct cache_instance *i)
{
    mem_free(i->evidence);
    mem_free(i->labels);
    i->evidence = i->labels = NULL;
}

void cache_instance_copy(struct cache_instance *to, const struct cache_instance *from)
{
    cache_instance_deinit(to);
    *to = *from;
    to->evidence = mem_strdup(from->evidence);
    to->labels = mem_strdup(from->labels);
}

static void append_str_or_null(struct buf *out, const char *s)
{
    if (s && *s)
        json_append_str(out, s);
    else
        (void)buf_append_str(out, "null");
}

static void append_i64_or_null(struct buf *out, int64_t n)
{
    if (n)
        (void)buf_printf(out, "%lld", (long long)n);
    else
        (void)buf_append_str(out, "null");
}

static void append_id(const struct cache_instance *i, struct buf *out)
{
    json_append_str(out, i->id);
}

static void append_index(const struct cache_instance *i, struct buf *out)
{
    (void)buf_printf(out, "%d", i->index);
}

static void append_name(const struct cache_instance *i, struct buf *out)
{
    json_append_str(out, i->name);
}

static void append_state(const struct cache_instance *i, struct buf *out)
{
    json_append_str(out, cache_state_name(i->state));
}

static void append_reason(const struct cache_instance *i, struct buf *out)
{
    json_append_str(out, i->reason);
}

static void append_evidence(const struct cache_instance *i, struct buf *out)
{
    (void)buf_append_str(out, i->evidence ? i->evidence : "{}");
}

static void append_desired(const struct cache_instance *i, struct buf *out)
{
    append_str_or_null(out, cache_desired_name(i->desired));
}

static void append_adb_serial(const struct cache_instance *i, struct buf *out)
{
    append_str_or_null(out, i->adb_serial);
}

static void append_pid(const struct cache_instance *i, struct buf *out)
{
    append_i64_or_null(out, i->pid);
}

static void append_vbox_pid(const struct cache_instance *i, struct buf *out)
{
    append_i64_or_null(out, i->vbox_pid);
}

static void append_top_window(const struct cache_instance *i, struct buf *out)
{
    append_i64_or_null(out, i->top_window);
}

static void append_bind_window(const struct cache_instance *i, struct buf *out)
{
    append_i64_or_null(out, i->bind_window);
}

static void append_resolution(const struct cache_instance *i, struct buf *out)
{
    if (i->width)
        (void)buf_printf(out, "{\"width\":%d,\"height\":%d,\"dpi\":%d}", i->width, i->height,
                         i->dpi);
    else
        (void)buf_append_str(out, "null");
}

static void append_setting(enum ldc_setting_type type, const struct ldc_setting_value *value,
                           struct buf *out)
{
    if (type == LDC_SETTING_TEXT)
        json_append_str(out, value->text);
    else if (type == LDC_SETTING_BOOL)
        (void)buf_append_str(out, value->number ? "true" : "false");
    else
        (void)buf_printf(out, "%lld", (long long)value->number);
}

static void append_settings(const struct cache_instance *i, struct buf *out)
{
    const char *separator = "{";
    for (int s = 0; s < LDC_SETTING_COUNT; s++) {
        const struct ldc_setting_value *value = &i->settings.values[s];
        if (!value->is_set)
            continue;
        (void)buf_printf(out, "%s\"%s\":", separator, ldc_setting_table[s].name);
        append_setting(ldc_setting_table[s].type, value, out);
        separator = ",";
    }
    (void)buf_append_str(out, *separator == '{' ? "{}" : "}");
}

static void append_labels(const struct cache_instance *i, struct buf *out)
{
    (void)buf_append_str(out, i->labels);
}

static void append_group(const struct cache_instance *i, struct buf *out)
{
    append_str_or_null(out, i->group);
}

/* The API's Instance, in its order. */
static const struct field {
    const char *name;
    void (*append)(const struct cache_instance *i, struct buf *out);
    bool is_volatile; /* moves with every look: no change by itself */
} fields[] = {
    {"id", append_id, false},
    {"index", append_index, false},
    {"name", append_name, false},
    {"state", append_state, false},
    {"state_reason", append_reason, false},
    {"evidence", append_evidence, true},
    {"desired_state", append_desired, false},
    {"adb_serial", append_adb_serial, false},
    {"pid", append_pid, false},
    {"vbox_pid", append_vbox_pid, false},
    {"top_window", append_top_window, false},
    {"bind_window", append_bind_window, false},
    {"resolution", append_resolution, false},
    {"settings", append_settings, false},
    {"labels", append_labels, false},
    {"group", append_group, false},
};

static void append_fields(const struct cache_instance *i, bool with_volatile, struct buf *out)
{
    const char *separator = "{\"";
    for (size_t f = 0; f < countof(fields); f++) {
        if (fields[f].is_volatile && !with_volatile)
            continue;
        (void)buf_append_str(out, separator);
        (void)buf_append_str(out, fields[f].name);
        (void)buf_append(out, "\":", 2);
        fields[f].append(i, out);
        separator = ",\"";
    }
}

void cache_instance_append_json(const struct cache_instance *i, struct buf *out)
{
    append_fields(i, true, out);
}

void cache_instance_digest(const struct cache_instance *i,
                           unsigned char out[CACHE_INSTANCE_DIGEST_SIZE])
{
    struct buf text cleanup(buf_deinit);
    buf_init(&text, 0);
    append_fields(i, false, &text);
    crypto_generichash(out, CACHE_INSTANCE_DIGEST_SIZE, (const unsigned char *)text.data, text.len,
                       NULL, 0);
}

static void append_difference(const struct field *field, const struct buf *from,
                              const struct buf *to, struct buf *out)
{
    (void)buf_append_str(out, out->len ? ",\"" : "{\"");
    (void)buf_append_str(out, field->name);
    (void)buf_append_str(out, "\":{\"from\":");
    (void)buf_append(out, from->data, from->len);
    (void)buf_append_str(out, ",\"to\":");
    (void)buf_append(out, to->data, to->len);
    (void)buf_append_str(out, "}");
}

char *cache_instance_diff(const struct cache_instance *before, const struct cache_instance *after)
{
    struct buf from cleanup(buf_deinit), to cleanup(buf_deinit), out cleanup(buf_deinit);
    buf_init(&from, 0);
    buf_init(&to, 0);
    buf_init(&out, 0);
    if (cache_instance_is_same(before, after))
        return NULL;
    for (size_t f = 0; f < countof(fields); f++) {
        if (fields[f].is_volatile)
            continue;
        buf_clear(&from);
        buf_clear(&to);
        fields[f].append(before, &from);
        fields[f].append(after, &to);
        if (strcmp(from.data, to.data) != 0)
            append_difference(&fields[f], &from, &to, &out);
    }
    if (out.len == 0)
        return NULL;
    (void)buf_append_str(&out, "}");
    return buf_take(&out, NULL);
}

static bool are_settings_same(const struct ldc_settings *a, const struct ldc_settings *b)
{
    for (int s = 0; s < LDC_SETTING_COUNT; s++) {
        const struct ldc_setting_value *x = &a->values[s], *y = &b->values[s];
        if (x->is_set != y->is_set ||
            (x->is_set && (x->number != y->number || strcmp(x->text, y->text) != 0)))
            return false;
    }
    return true;
}

static bool are_numbers_same(const struct cache_instance *a, const struct cache_instance *b)
{
    return a->index == b->index && a->state == b->state && a->desired == b->desired &&
           a->pid == b->pid && a->vbox_pid == b->vbox_pid && a->top_window == b->top_window &&
           a->bind_window == b->bind_window && a->width == b->width && a->height == b->height &&
           a->dpi == b->dpi;
}

bool cache_instance_is_same(const struct cache_instance *a, const struct cache_instance *b)
{
    return are_numbers_same(a, b) && strcmp(a->id, b->id) == 0 && strcmp(a->name, b->name) == 0 &&
           strcmp(a->reason, b->reason) == 0 && strcmp(a->adb_serial, b->adb_serial) == 0 &&
           strcmp(a->group, b->group) == 0 && strcmp(a->labels, b->labels) == 0 &&
           are_settings_same(&a->settings, &b->settings);
}

static void read_text(yyjson_val *root, const char *key, char *out, size_t size)
{
    const char *text = yyjson_get_str(yyjson_obj_get(root, key));
    str_copy(out, size, text ? text : "");
}

static int64_t read_i64(yyjson_val *root, const char *key)
{
    return yyjson_get_sint(yyjson_obj_get(root, key));
}

static char *read_object(yyjson_val *root, const char *key)
{
    yyjson_val *value = yyjson_obj_get(root, key);
    return yyjson_is_obj(value) ? json_write_value(value) : mem_strdup("{}");
}

/* What was read from the vendor's files once is kept as it was, allowed or not; the validating
 * reader of ldconsole/ is for requests. */
static void read_settings(yyjson_val *object, struct ldc_settings *ret)
{
    for (int s = 0; s < LDC_SETTING_COUNT; s++) {
        struct ldc_setting_value *value = &ret->values[s];
        yyjson_val *from = yyjson_obj_get(object, ldc_setting_table[s].name);
        value->is_set = from != NULL && !yyjson_is_null(from);
        if (yyjson_is_str(from))
            str_copy(value->text, sizeof(value->text), yyjson_get_str(from));
        else
            value->number = yyjson_is_bool(from) ? yyjson_get_bool(from) : yyjson_get_sint(from);
    }
}

static enum cache_desired read_desired(yyjson_val *root)
{
    const char *name = yyjson_get_str(yyjson_obj_get(root, "desired_state"));
    if (name && strcmp(name, "running") == 0)
        return CACHE_DESIRED_RUNNING;
    if (name && strcmp(name, "stopped") == 0)
        return CACHE_DESIRED_STOPPED;
    return CACHE_DESIRED_NONE;
}

static void read_numbers(yyjson_val *root, struct cache_instance *i)
{
    i->pid = read_i64(root, "pid");
    i->vbox_pid = read_i64(root, "vbox_pid");
    i->top_window = read_i64(root, "top_window");
    i->bind_window = read_i64(root, "bind_window");
    yyjson_val *resolution = yyjson_obj_get(root, "resolution");
    i->width = (int)read_i64(resolution, "width");
    i->height = (int)read_i64(resolution, "height");
    i->dpi = (int)read_i64(resolution, "dpi");
}

int cache_instance_from_json(const char *text, struct cache_instance *ret)
{
    yyjson_doc *doc cleanup(json_doc_freep) = yyjson_read(text, strlen(text), YYJSON_READ_NOFLAG);
    yyjson_val *root = doc ? yyjson_doc_get_root(doc) : NULL;
    const char *state = yyjson_get_str(yyjson_obj_get(root, "state"));
    yyjson_val *id = yyjson_obj_get(root, "id"), *index = yyjson_obj_get(root, "index");

    size_t id_length = yyjson_get_len(id);
    if (id_length == 0 || id_length >= UUID_SIZE || !yyjson_is_int(index) || !state)
        return UV_EINVAL;
    struct cache_instance i;
    memset(&i, 0, sizeof(i));
    if (cache_state_parse(state, &i.state) < 0)
        return UV_EINVAL;
    read_text(root, "id", i.id, sizeof(i.id));
    i.index = yyjson_get_int(index);
    read_text(root, "name", i.name, sizeof(i.name));
    read_text(root, "state_reason", i.reason, sizeof(i.reason));
    read_text(root, "adb_serial", i.adb_serial, sizeof(i.adb_serial));
    read_text(root, "group", i.group, sizeof(i.group));
    i.desired = read_desired(root);
    read_numbers(root, &i);
    read_settings(yyjson_obj_get(root, "settings"), &i.settings);
    i.evidence = read_object(root, "evidence");
    i.labels = read_object(root, "labels");
    *ret = i;
    return 0;
}
