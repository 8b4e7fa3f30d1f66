/* SPDX-License-Identifier: MIT */
/* Reading and writing the text of one file; which files there are is in configs.c. */
#include "ldconsole/install/config_file.h"

#include <string.h>

#include <uv.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/json.h"
#include "base/text/str.h"

static const char bom[] = "\xef\xbb\xbf";
enum { BOM_SIZE = 3, MAX_FILE = 1 << 20 };

static void skip_bom(const char **text, size_t *n)
{
    if (*n >= BOM_SIZE && memcmp(*text, bom, BOM_SIZE) == 0) {
        *text += BOM_SIZE;
        *n -= BOM_SIZE;
    }
}

static void read_setting(const struct ldc_setting_info *info, yyjson_val *value,
                         struct ldc_setting_value *ret)
{
    *ret = (struct ldc_setting_value){0};
    if (info->type == LDC_SETTING_TEXT && yyjson_is_str(value)) {
        ret->is_set = true;
        str_copy(ret->text, sizeof(ret->text), yyjson_get_str(value));
    } else if (info->type != LDC_SETTING_TEXT && yyjson_is_int(value)) {
        ret->is_set = true;
        ret->number = yyjson_get_sint(value);
    } else if (info->type == LDC_SETTING_BOOL && yyjson_is_bool(value)) {
        ret->is_set = true;
        ret->number = yyjson_get_bool(value);
    }
    if (info->type == LDC_SETTING_BOOL)
        ret->number = ret->number != 0;
}

static void read_resolution(yyjson_val *root, struct ldc_settings *settings)
{
    yyjson_val *size = yyjson_obj_get(root, "advancedSettings.resolution");
    yyjson_val *width = yyjson_obj_get(size, "width");
    yyjson_val *height = yyjson_obj_get(size, "height");
    yyjson_val *dpi = yyjson_obj_get(root, "advancedSettings.resolutionDpi");
    settings->has_resolution = yyjson_is_int(width) && yyjson_is_int(height) && yyjson_is_int(dpi);
    if (!settings->has_resolution)
        return;
    settings->width = yyjson_get_int(width);
    settings->height = yyjson_get_int(height);
    settings->dpi = yyjson_get_int(dpi);
}

static bool is_zero(yyjson_val *value)
{
    return yyjson_is_int(value) && yyjson_get_sint(value) == 0;
}

static void read_config(yyjson_val *root, struct ldc_config *ret)
{
    const char *name = yyjson_get_str(yyjson_obj_get(root, "statusSettings.playerName"));
    yyjson_val *adb_debug = yyjson_obj_get(root, "basicSettings.adbDebug");
    str_copy(ret->player_name, sizeof(ret->player_name), name ? name : "");
    for (size_t i = 0; i < LDC_SETTING_COUNT; i++) {
        const struct ldc_setting_info *info = &ldc_setting_table[i];
        read_setting(info, yyjson_obj_get(root, info->config_key), &ret->settings.values[i]);
    }
    read_resolution(root, &ret->settings);
    ret->adb_debug = yyjson_is_int(adb_debug) ? yyjson_get_int(adb_debug) : -1;
    /* "Heigh" is the vendor's spelling. */
    ret->is_truncated = is_zero(yyjson_obj_get(root, "basicSettings.realWidth")) ||
                        is_zero(yyjson_obj_get(root, "basicSettings.realHeigh"));
}

int ldc_config_parse(const char *text, size_t n, struct ldc_config *ret)
{
    skip_bom(&text, &n);
    yyjson_doc *doc cleanup(json_doc_freep) = n ? yyjson_read(text, n, YYJSON_READ_NOFLAG) : NULL;
    yyjson_val *root = yyjson_doc_get_root(doc);
    ret->is_readable = yyjson_is_obj(root);
    ret->is_truncated = false;
    ret->adb_debug = -1;
    ret->player_name[0] = '\0';
    ret->settings = (struct ldc_settings){0};
    if (!ret->is_readable)
        return UV_EINVAL;
    read_config(root, ret);
    return 0;
}

/* The document with one key changed, or NULL when either text is no JSON. Numbers are carried as
 * text, so those we do not touch keep their digits. */
static yyjson_mut_doc *change(const char *text, size_t n, const char *key, const char *json_value)
{
    const yyjson_read_flag flags = YYJSON_READ_NUMBER_AS_RAW;
    yyjson_doc *old cleanup(json_doc_freep) = n ? yyjson_read(text, n, flags) : NULL;
    yyjson_doc *value cleanup(json_doc_freep) = yyjson_read(json_value, strlen(json_value), flags);
    if (!value || !yyjson_is_obj(yyjson_doc_get_root(old)))
        return NULL;
    yyjson_mut_doc *doc = yyjson_doc_mut_copy(old, NULL);
    yyjson_mut_val *root = yyjson_mut_doc_get_root(doc);
    yyjson_mut_val *new_key = yyjson_mut_strcpy(doc, key);
    yyjson_mut_val *new_value = yyjson_val_mut_copy(doc, yyjson_doc_get_root(value));
    if (!yyjson_mut_obj_replace(root, new_key, new_value))
        yyjson_mut_obj_add(root, new_key, new_value);
    return doc;
}

/* Line ends only stand between values: inside strings they are escaped. */
static void append_crlf(struct buf *out, const char *text)
{
    for (const char *eol; (eol = strchr(text, '\n')); text = eol + 1) {
        (void)buf_append(out, text, (size_t)(eol - text));
        (void)buf_append_str(out, "\r\n");
    }
    (void)buf_append_str(out, text);
}

int ldc_config_set(const char *path, const char *key, const char *json_value)
{
    struct buf old cleanup(buf_deinit), out cleanup(buf_deinit);
    buf_init(&old, MAX_FILE);
    buf_init(&out, 0);
    int r = fs_read(path, &old);
    if (r < 0)
        return r;
    const char *text = old.data;
    size_t n = old.len;
    skip_bom(&text, &n);
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = change(text, n, key, json_value);
    char *pretty cleanup(mem_freep) = yyjson_mut_write(doc, YYJSON_WRITE_PRETTY, NULL);
    if (!pretty)
        return UV_EINVAL;
    append_crlf(&out, pretty);
    char *backup cleanup(mem_freep) = mem_printf("%s.ldplayerd.bak", path);
    r = fs_write_atomic(backup, old.data, old.len);
    return r < 0 ? r : fs_write_atomic(path, out.data, out.len);
}
