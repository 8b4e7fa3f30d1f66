/* SPDX-License-Identifier: MIT */
#include "ldconsole/verbs/settings.h"

#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"

static const int cpu_values[] = {1, 2, 3, 4, 0};
static const int newer_cpu_values[] = {6, 8, 0};
static const int memory_values[] = {256, 512, 768, 1024, 1536, 2048, 4096, 8192, 0};
static const int newer_memory_values[] = {3072, 6144, 0};
static const char *const adb_debug_words[] = {"off", "local", "remote", NULL};

#define FREE_TEXT                                                                                  \
    "must be 1 to 64 bytes of text without control characters or double quotes, not starting "     \
    "with '-'"
#define BOOLEAN "must be true or false"

const struct ldc_setting_info ldc_setting_table[LDC_SETTING_COUNT] = {
    [LDC_SETTING_CPU] = {.name = "cpu",
                         .flag = "--cpu",
                         .config_key = "advancedSettings.cpuCount",
                         .type = LDC_SETTING_INT,
                         .rule = "must be one of 1, 2, 3, 4, with newer versions 6 or 8, or what "
                                 "the instance has",
                         .allowed = cpu_values,
                         .newer = newer_cpu_values},
    [LDC_SETTING_MEMORY_MB] = {.name = "memory_mb",
                               .flag = "--memory",
                               .config_key = "advancedSettings.memorySize",
                               .type = LDC_SETTING_INT,
                               .rule = "must be one of 256, 512, 768, 1024, 1536, 2048, 4096, "
                                       "8192, with newer versions 3072 or 6144, or what the "
                                       "instance has",
                               .allowed = memory_values,
                               .newer = newer_memory_values},
    [LDC_SETTING_MANUFACTURER] = {.name = "manufacturer",
                                  .flag = "--manufacturer",
                                  .config_key = "propertySettings.phoneManufacturer",
                                  .type = LDC_SETTING_TEXT,
                                  .rule = FREE_TEXT},
    [LDC_SETTING_MODEL] = {.name = "model",
                           .flag = "--model",
                           .config_key = "propertySettings.phoneModel",
                           .type = LDC_SETTING_TEXT,
                           .rule = FREE_TEXT},
    [LDC_SETTING_PHONE_NUMBER] = {.name = "phone_number",
                                  .flag = "--pnumber",
                                  .config_key = "propertySettings.phoneNumber",
                                  .type = LDC_SETTING_TEXT,
                                  .rule = FREE_TEXT},
    [LDC_SETTING_IMEI] = {.name = "imei",
                          .flag = "--imei",
                          .config_key = "propertySettings.phoneIMEI",
                          .type = LDC_SETTING_TEXT,
                          .rule = "must be \"auto\" or 15 digits",
                          .digits = 15},
    [LDC_SETTING_IMSI] = {.name = "imsi",
                          .flag = "--imsi",
                          .config_key = "propertySettings.phoneIMSI",
                          .type = LDC_SETTING_TEXT,
                          .rule = "must be \"auto\" or 15 digits",
                          .digits = 15},
    [LDC_SETTING_SIM_SERIAL] = {.name = "sim_serial",
                                .flag = "--simserial",
                                .config_key = "propertySettings.phoneSimSerial",
                                .type = LDC_SETTING_TEXT,
                                .rule = "must be \"auto\" or 20 digits",
                                .digits = 20},
    [LDC_SETTING_ANDROID_ID] = {.name = "android_id",
                                .flag = "--androidid",
                                .config_key = "propertySettings.phoneAndroidId",
                                .type = LDC_SETTING_TEXT,
                                .rule = "must be \"auto\" or 16 hexadecimal digits",
                                .digits = 16,
                                .hex = true},
    [LDC_SETTING_MAC] = {.name = "mac",
                         .flag = "--mac",
                         .config_key = "propertySettings.macAddress",
                         .type = LDC_SETTING_TEXT,
                         .rule = "must be \"auto\" or 12 hexadecimal digits without colons",
                         .digits = 12,
                         .hex = true},
    [LDC_SETTING_AUTO_ROTATE] = {.name = "auto_rotate",
                                 .flag = "--autorotate",
                                 .config_key = "basicSettings.autoRotate",
                                 .type = LDC_SETTING_BOOL,
                                 .rule = BOOLEAN},
    [LDC_SETTING_LOCK_WINDOW] = {.name = "lock_window",
                                 .flag = "--lockwindow",
                                 .config_key = "basicSettings.lockWindow",
                                 .type = LDC_SETTING_BOOL,
                                 .rule = BOOLEAN},
    [LDC_SETTING_ROOT] = {.name = "root",
                          .flag = "--root",
                          .config_key = "basicSettings.rootMode",
                          .type = LDC_SETTING_BOOL,
                          .rule = BOOLEAN},
    [LDC_SETTING_ADB_DEBUG] = {.name = "adb_debug",
                               .config_key = "basicSettings.adbDebug",
                               .type = LDC_SETTING_TEXT,
                               .rule = "must be \"off\", \"local\" or \"remote\"",
                               .words = adb_debug_words},
};

/* Collects refusals: counts all, keeps the first ones. */
struct refusals {
    struct ldc_setting_error *items;
    size_t n, max;
};

static void refuse(struct refusals *r, const char *field, const char *rule)
{
    if (r->n < r->max) {
        str_copy(r->items[r->n].field, sizeof(r->items[r->n].field), field);
        str_copy(r->items[r->n].rule, sizeof(r->items[r->n].rule), rule);
    }
    r->n++;
}

static const struct ldc_setting_info *find(yyjson_val *name)
{
    for (size_t i = 0; i < LDC_SETTING_COUNT; i++) {
        if (yyjson_equals_str(name, ldc_setting_table[i].name))
            return &ldc_setting_table[i];
    }
    return NULL;
}

static bool is_listed(const int *list, int64_t number)
{
    while (*list && *list != number)
        list++;
    return *list != 0;
}

static bool is_allowed_int(const struct ldc_setting_info *info, yyjson_val *value)
{
    return yyjson_is_int(value) && (is_listed(info->allowed, yyjson_get_sint(value)) ||
                                    is_listed(info->newer, yyjson_get_sint(value)));
}

static bool is_digits(const char *text, unsigned n, bool hex)
{
    const char *set = hex ? "0123456789abcdefABCDEF" : "0123456789";
    return strlen(text) == n && strspn(text, set) == n;
}

static bool is_free_text(const char *text, size_t n)
{
    return n > 0 && n <= LDC_SETTING_TEXT_MAX && strlen(text) == n && text[0] != '-' &&
           !strchr(text, '"') && !str_has_controls(text);
}

/* The place of TEXT; -1 = it is not among them. */
static int find_word(const char *const *words, const char *text)
{
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], text) == 0)
            return i;
    }
    return -1;
}

static bool is_allowed_text(const struct ldc_setting_info *info, yyjson_val *value)
{
    const char *text = yyjson_get_str(value);
    if (!text)
        return false;
    if (info->words)
        return find_word(info->words, text) >= 0;
    if (info->digits)
        return strcmp(text, "auto") == 0 || is_digits(text, info->digits, info->hex);
    return is_free_text(text, yyjson_get_len(value));
}

static bool is_allowed(const struct ldc_setting_info *info, yyjson_val *value)
{
    switch (info->type) {
    case LDC_SETTING_INT:
        return is_allowed_int(info, value);
    case LDC_SETTING_BOOL:
        return yyjson_is_bool(value);
    case LDC_SETTING_TEXT:
        return is_allowed_text(info, value);
    }
    return false;
}

static bool has_number(const struct ldc_settings *settings, size_t setting, int64_t number)
{
    const struct ldc_setting_value *value = settings ? &settings->values[setting] : NULL;
    return value && value->is_set && ldc_setting_table[setting].type == LDC_SETTING_INT &&
           value->number == number;
}

static void take(struct ldc_setting_value *into, const struct ldc_setting_info *info,
                 yyjson_val *value)
{
    *into = (struct ldc_setting_value){.is_set = true};
    if (info->type == LDC_SETTING_INT)
        into->number = yyjson_get_sint(value);
    else if (info->type == LDC_SETTING_BOOL)
        into->number = yyjson_get_bool(value);
    else
        str_copy(into->text, sizeof(into->text), yyjson_get_str(value));
}

size_t ldc_settings_from_json(struct ldc_settings *settings, yyjson_val *object,
                              const struct ldc_settings *actual, struct ldc_setting_error *errors,
                              size_t max)
{
    struct refusals refusals = {errors, 0, max};
    size_t i, n;
    yyjson_val *key, *value;
    if (!yyjson_is_obj(object))
        refuse(&refusals, "settings", "must be an object");
    yyjson_obj_foreach(object, i, n, key, value) {
        const struct ldc_setting_info *info = find(key);
        if (!info)
            refuse(&refusals, yyjson_get_str(key), "is not a setting");
        else if (is_allowed(info, value) ||
                 (yyjson_is_int(value) &&
                  has_number(actual, (size_t)(info - ldc_setting_table), yyjson_get_sint(value))))
            take(&settings->values[info - ldc_setting_table], info, value);
        else
            refuse(&refusals, info->name, info->rule);
    }
    return refusals.n;
}

void ldc_settings_from_record(struct ldc_settings *settings, yyjson_val *object)
{
    for (size_t i = 0; i < LDC_SETTING_COUNT; i++) {
        struct ldc_setting_value *value = &settings->values[i];
        yyjson_val *from = yyjson_obj_get(object, ldc_setting_table[i].name);
        value->is_set = from != NULL && !yyjson_is_null(from);
        if (yyjson_is_str(from))
            str_copy(value->text, sizeof(value->text), yyjson_get_str(from));
        else
            value->number = yyjson_is_bool(from) ? yyjson_get_bool(from) : yyjson_get_sint(from);
    }
}

void ldc_settings_write(const struct ldc_settings *settings, yyjson_mut_doc *doc,
                        yyjson_mut_val *object)
{
    yyjson_mut_obj_add_val(doc, object, "settings", ldc_settings_to_json(doc, settings));
    if (!settings->has_resolution)
        return;
    yyjson_mut_val *resolution = yyjson_mut_obj_add_obj(doc, object, "resolution");
    yyjson_mut_obj_add_int(doc, resolution, "width", settings->width);
    yyjson_mut_obj_add_int(doc, resolution, "height", settings->height);
    yyjson_mut_obj_add_int(doc, resolution, "dpi", settings->dpi);
}

void ldc_settings_read(yyjson_val *object, struct ldc_settings *ret)
{
    struct ldc_setting_error ignored;
    yyjson_val *resolution = yyjson_obj_get(object, "resolution");
    *ret = (struct ldc_settings){0};
    ldc_settings_from_record(ret, yyjson_obj_get(object, "settings"));
    if (resolution)
        (void)ldc_settings_resolution_from_json(ret, resolution, &ignored, 1);
}

void ldc_settings_drop_numbers(struct ldc_settings *wanted, const struct ldc_settings *actual)
{
    for (size_t i = 0; i < LDC_SETTING_COUNT; i++) {
        if (has_number(actual, i, wanted->values[i].number))
            wanted->values[i].is_set = false;
    }
}

bool ldc_settings_need_newer(const struct ldc_settings *wanted, const struct ldc_settings *actual,
                             const char **ret_name)
{
    for (size_t i = 0; i < LDC_SETTING_COUNT; i++) {
        const struct ldc_setting_info *info = &ldc_setting_table[i];
        const struct ldc_setting_value *value = &wanted->values[i];
        if (value->is_set && info->newer && is_listed(info->newer, value->number) &&
            !has_number(actual, i, value->number)) {
            *ret_name = info->name;
            return true;
        }
    }
    return false;
}

static void read_side(struct refusals *refusals, yyjson_val *object, const char *name, int max,
                      int *ret)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    if (yyjson_is_int(value) && yyjson_get_sint(value) >= 1 && yyjson_get_sint(value) <= max) {
        *ret = (int)yyjson_get_sint(value);
        return;
    }
    char field[32], rule[64];
    snprintf(field, sizeof(field), "resolution.%s", name);
    snprintf(rule, sizeof(rule), "must be a whole number from 1 to %d", max);
    refuse(refusals, field, rule);
}

size_t ldc_settings_resolution_from_json(struct ldc_settings *settings, yyjson_val *object,
                                         struct ldc_setting_error *errors, size_t max)
{
    struct refusals refusals = {errors, 0, max};
    size_t i, n;
    yyjson_val *key, *value;
    if (!yyjson_is_obj(object)) {
        refuse(&refusals, "resolution", "must be an object with width, height and dpi");
        return refusals.n;
    }
    yyjson_obj_foreach(object, i, n, key, value) {
        if (!yyjson_equals_str(key, "width") && !yyjson_equals_str(key, "height") &&
            !yyjson_equals_str(key, "dpi"))
            refuse(&refusals, yyjson_get_str(key), "is not part of a resolution");
    }
    int width = 0, height = 0, dpi = 0;
    read_side(&refusals, object, "width", 16384, &width);
    read_side(&refusals, object, "height", 16384, &height);
    read_side(&refusals, object, "dpi", 2000, &dpi);
    if (refusals.n == 0) {
        settings->has_resolution = true;
        settings->width = width;
        settings->height = height;
        settings->dpi = dpi;
    }
    return refusals.n;
}

yyjson_mut_val *ldc_settings_to_json(yyjson_mut_doc *doc, const struct ldc_settings *settings)
{
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    for (size_t i = 0; i < LDC_SETTING_COUNT; i++) {
        const struct ldc_setting_info *info = &ldc_setting_table[i];
        const struct ldc_setting_value *value = &settings->values[i];
        if (!value->is_set)
            continue;
        if (info->type == LDC_SETTING_INT)
            yyjson_mut_obj_add_sint(doc, object, info->name, value->number);
        else if (info->type == LDC_SETTING_BOOL)
            yyjson_mut_obj_add_bool(doc, object, info->name, value->number != 0);
        else
            yyjson_mut_obj_add_strcpy(doc, object, info->name, value->text);
    }
    return object;
}

bool ldc_settings_is_empty(const struct ldc_settings *settings)
{
    for (size_t i = 0; i < LDC_SETTING_COUNT; i++) {
        if (settings->values[i].is_set)
            return false;
    }
    return !settings->has_resolution;
}

int ldc_settings_adb_debug(const struct ldc_settings *settings)
{
    const struct ldc_setting_value *value = &settings->values[LDC_SETTING_ADB_DEBUG];
    return value->is_set ? find_word(adb_debug_words, value->text) : -1;
}

void ldc_settings_set_adb_debug(struct ldc_settings *settings, int number)
{
    struct ldc_setting_value *value = &settings->values[LDC_SETTING_ADB_DEBUG];
    *value = (struct ldc_setting_value){0};
    if (number < 0 || number >= (int)countof(adb_debug_words) - 1)
        return;
    value->is_set = true;
    str_copy(value->text, sizeof(value->text), adb_debug_words[number]);
}

void ldc_settings_append_flags(const struct ldc_settings *settings, struct argv *argv)
{
    if (settings->has_resolution) {
        char *value = mem_printf("%d,%d,%d", settings->width, settings->height, settings->dpi);
        argv_add(argv, "--resolution");
        argv_add(argv, value);
        mem_free(value);
    }
    for (size_t i = 0; i < LDC_SETTING_COUNT; i++) {
        const struct ldc_setting_value *value = &settings->values[i];
        if (!value->is_set || !ldc_setting_table[i].flag)
            continue;
        argv_add(argv, ldc_setting_table[i].flag);
        if (ldc_setting_table[i].type == LDC_SETTING_TEXT)
            argv_add(argv, value->text);
        else
            argv_add_number(argv, value->number);
    }
}

static bool is_auto(const struct ldc_setting_info *info, const struct ldc_setting_value *value)
{
    return info->type == LDC_SETTING_TEXT && info->digits && value->is_set &&
           strcmp(value->text, "auto") == 0;
}

bool ldc_settings_has_auto(const struct ldc_settings *settings)
{
    for (size_t i = 0; i < LDC_SETTING_COUNT; i++) {
        if (is_auto(&ldc_setting_table[i], &settings->values[i]))
            return true;
    }
    return false;
}

static bool holds(const struct ldc_setting_info *info, const struct ldc_setting_value *wanted,
                  const struct ldc_setting_value *before, const struct ldc_setting_value *actual)
{
    if (!actual->is_set)
        return false;
    if (info->type != LDC_SETTING_TEXT)
        return wanted->number == actual->number;
    if (is_auto(info, wanted))
        return actual->text[0] && !(before && strcmp(before->text, actual->text) == 0);
    return info->hex ? str_is_equal_nocase(wanted->text, actual->text)
                     : strcmp(wanted->text, actual->text) == 0;
}

static bool is_resolution_same(const struct ldc_settings *a, const struct ldc_settings *b)
{
    return a->has_resolution == b->has_resolution && a->width == b->width &&
           a->height == b->height && a->dpi == b->dpi;
}

unsigned ldc_settings_differing(const struct ldc_settings *wanted,
                                const struct ldc_settings *before,
                                const struct ldc_settings *actual)
{
    unsigned differing = 0;
    for (size_t i = 0; i < LDC_SETTING_COUNT; i++) {
        if (wanted->values[i].is_set &&
            !holds(&ldc_setting_table[i], &wanted->values[i], before ? &before->values[i] : NULL,
                   &actual->values[i]))
            differing |= 1u << i;
    }
    if (wanted->has_resolution && !is_resolution_same(wanted, actual))
        differing |= 1u << LDC_SETTING_COUNT;
    return differing;
}

const char *ldc_setting_name(unsigned setting)
{
    return setting < LDC_SETTING_COUNT ? ldc_setting_table[setting].name : "resolution";
}

void ldc_settings_take(struct ldc_settings *set, const struct ldc_settings *wanted,
                       const struct ldc_settings *actual)
{
    static const struct ldc_settings none;
    const struct ldc_settings *from = actual ? actual : &none;
    for (size_t i = 0; i < LDC_SETTING_COUNT; i++) {
        if (wanted->values[i].is_set)
            set->values[i] = from->values[i];
    }
    if (!wanted->has_resolution)
        return;
    set->has_resolution = from->has_resolution;
    set->width = from->width;
    set->height = from->height;
    set->dpi = from->dpi;
}

bool ldc_settings_hold(const struct ldc_settings *wanted, const struct ldc_settings *before,
                       const struct ldc_settings *actual, const char **ret_name)
{
    unsigned differing = ldc_settings_differing(wanted, before, actual);
    for (unsigned i = 0; i <= LDC_SETTING_COUNT; i++) {
        if (differing & 1u << i) {
            *ret_name = ldc_setting_name(i);
            return false;
        }
    }
    return true;
}
