/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json.h"
#include "os.h"

#include <string.h>

struct config config_new(const char *path)
{
    struct config config = {.path = path, .doc = yyjson_mut_doc_new(&json_alc)};

    config.root = yyjson_mut_obj(config.doc);
    yyjson_mut_doc_set_root(config.doc, config.root);
    return config;
}

/* Bare values that are no JSON (`2/8*9`) become texts with this in front. */
static const char bare_mark[] = "\x01";

static size_t bare_len(const char *at)
{
    size_t len = strspn(at, "0123456789/*+.-");

    return *at >= '0' && *at <= '9' && strcspn(at, "/*") < len ? len : 0;
}

static char *mark_bare_values(const char *json)
{
    struct text out = {0};
    bool in_text = false;

    for (const char *at = json; *at;) {
        size_t len = in_text ? 0 : bare_len(at);

        if (len > 0) {
            text_printf(&out, "\"\\u0001%.*s\"", (int)len, at);
            at += len;
            continue;
        }
        if (*at == '\\' && at[1])
            text_add_bytes(&out, at++, 1);
        else if (*at == '"')
            in_text = !in_text;
        text_add_bytes(&out, at++, 1);
    }
    return mem_text(text_str(&out));
}

static yyjson_doc *read_file(const char *path)
{
    yyjson_doc *doc = json_read_file(path, NULL);
    struct text bytes = {0};
    char *marked;

    if (doc || os_read_file(path, &bytes) < 0)
        return doc;
    marked = mark_bare_values(text_str(&bytes));
    doc = yyjson_read_opts(marked, strlen(marked), YYJSON_READ_NOFLAG, &json_alc, NULL);
    return doc && yyjson_is_obj(yyjson_doc_get_root(doc)) ? doc : NULL;
}

static void restore_bare_values(struct config *config)
{
    yyjson_mut_obj_iter iter = yyjson_mut_obj_iter_with(config->root);
    yyjson_mut_val *key;

    while ((key = yyjson_mut_obj_iter_next(&iter))) {
        yyjson_mut_val *value = yyjson_mut_obj_iter_get_val(key);
        const char *text = yyjson_mut_get_str(value);

        if (text && text_starts(text, bare_mark))
            yyjson_mut_set_raw(value, text + 1, strlen(text) - 1);
    }
}

struct config config_open(const char *path)
{
    yyjson_doc *doc = read_file(path);
    struct config config = config_new(path);

    if (doc) {
        config.doc = yyjson_doc_mut_copy(doc, &json_alc);
        config.root = yyjson_mut_doc_get_root(config.doc);
        restore_bare_values(&config);
    }
    return config;
}

int config_save(const struct config *config)
{
    return json_replace_file(config->path, config->doc, "\r\n");
}

static void set(struct config *config, const char *key, yyjson_mut_val *value)
{
    yyjson_mut_val *name = yyjson_mut_strcpy(config->doc, key);

    if (yyjson_mut_obj_get(config->root, key))
        yyjson_mut_obj_replace(config->root, name, value);
    else
        yyjson_mut_obj_add(config->root, name, value);
}

void config_set_text(struct config *config, const char *key, const char *value)
{
    set(config, key, yyjson_mut_strcpy(config->doc, text_valid_utf8(value)));
}

void config_set_int(struct config *config, const char *key, int64_t value)
{
    set(config, key, yyjson_mut_sint(config->doc, value));
}

void config_set_bool(struct config *config, const char *key, bool value)
{
    set(config, key, yyjson_mut_bool(config->doc, value));
}

void config_set_size(struct config *config, const char *key, int width, int height)
{
    yyjson_mut_val *size = yyjson_mut_obj(config->doc);

    yyjson_mut_obj_add_int(config->doc, size, "width", width);
    yyjson_mut_obj_add_int(config->doc, size, "height", height);
    set(config, key, size);
}

bool config_has(const struct config *config, const char *key)
{
    return yyjson_mut_obj_get(config->root, key) != NULL;
}

static const char *text_or_empty(yyjson_val *value)
{
    const char *text = yyjson_get_str(value);

    return text ? text : "";
}

/* Numbers are also found as text and as 3072.0. */
static int int_or(yyjson_val *value, int otherwise)
{
    int number;

    if (yyjson_is_str(value))
        return text_to_int(yyjson_get_str(value), &number) ? number : otherwise;
    return yyjson_is_num(value) ? (int)yyjson_get_num(value) : otherwise;
}

struct config_summary config_summary(const char *path, const struct profile *profile)
{
    struct config_summary ret = {
        .width = profile->width, .height = profile->height, .dpi = profile->dpi, .memory_mb = 2048};
    yyjson_doc *doc = read_file(path);
    yyjson_val *root = doc ? yyjson_doc_get_root(doc) : NULL;
    yyjson_val *size = yyjson_obj_get(root, "advancedSettings.resolution");
    const char *title = yyjson_get_str(yyjson_obj_get(root, "statusSettings.playerName"));

    if (title && *title)
        ret.title = title;
    ret.mac = text_or_empty(yyjson_obj_get(root, "propertySettings.macAddress"));
    ret.imei = text_or_empty(yyjson_obj_get(root, "propertySettings.phoneIMEI"));
    ret.sim_serial = text_or_empty(yyjson_obj_get(root, "propertySettings.phoneSimSerial"));
    ret.android_id = text_or_empty(yyjson_obj_get(root, "propertySettings.phoneAndroidId"));
    ret.width = int_or(yyjson_obj_get(size, "width"), ret.width);
    ret.height = int_or(yyjson_obj_get(size, "height"), ret.height);
    ret.dpi = int_or(yyjson_obj_get(root, "advancedSettings.resolutionDpi"), ret.dpi);
    ret.memory_mb = int_or(yyjson_obj_get(root, "advancedSettings.memorySize"), ret.memory_mb);
    ret.adb_debug = int_or(yyjson_obj_get(root, "basicSettings.adbDebug"), 0);
    ret.truncated = !doc || int_or(yyjson_obj_get(root, "basicSettings.realWidth"), 1) == 0;
    return ret;
}
