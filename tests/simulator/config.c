/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json.h"

#include <string.h>

struct config config_new(const char *path)
{
    struct config config = {.path = path, .doc = yyjson_mut_doc_new(&json_alc)};

    config.root = yyjson_mut_obj(config.doc);
    yyjson_mut_doc_set_root(config.doc, config.root);
    return config;
}

struct config config_open(const char *path)
{
    yyjson_doc *doc = json_read_file(path, NULL);
    struct config config = config_new(path);

    if (doc) {
        config.doc = yyjson_doc_mut_copy(doc, &json_alc);
        config.root = yyjson_mut_doc_get_root(config.doc);
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

static int int_or(yyjson_val *value, int otherwise)
{
    return yyjson_is_int(value) ? (int)yyjson_get_sint(value) : otherwise;
}

struct config_summary config_summary(const char *path, const struct profile *profile)
{
    struct config_summary ret = {.width = profile->width,
                                 .height = profile->height,
                                 .dpi = profile->dpi,
                                 .memory_mb = 2048,
                                 .mac = ""};
    yyjson_doc *doc = json_read_file(path, NULL);
    yyjson_val *root = doc ? yyjson_doc_get_root(doc) : NULL;
    yyjson_val *size = yyjson_obj_get(root, "advancedSettings.resolution");
    const char *title = yyjson_get_str(yyjson_obj_get(root, "statusSettings.playerName"));
    const char *mac = yyjson_get_str(yyjson_obj_get(root, "propertySettings.macAddress"));

    if (title && *title)
        ret.title = title;
    if (mac)
        ret.mac = mac;
    ret.width = int_or(yyjson_obj_get(size, "width"), ret.width);
    ret.height = int_or(yyjson_obj_get(size, "height"), ret.height);
    ret.dpi = int_or(yyjson_obj_get(root, "advancedSettings.resolutionDpi"), ret.dpi);
    ret.memory_mb = int_or(yyjson_obj_get(root, "advancedSettings.memorySize"), ret.memory_mb);
    ret.adb_debug = int_or(yyjson_obj_get(root, "basicSettings.adbDebug"), 0);
    ret.truncated = !doc || int_or(yyjson_obj_get(root, "basicSettings.realWidth"), 1) == 0;
    return ret;
}
